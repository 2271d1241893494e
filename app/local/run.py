"""`make run`: the whole product on this machine, from nothing to ready, then watched until somebody stops it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from app.local.console import Console
from app.local.embedded import Services, start_services
from app.local.environment import Address, whole_environment
from app.local.home import AlreadyRunningError, Home, LocalError, write_private
from app.local.ports import is_free
from app.local.procfile import program_of, read_procfile
from app.local.provision import make_roles_and_database, migrations_pending, put_guards_up
from app.local.readiness import ask, is_ready, what_is_missing
from app.local.supervisor import StopRequestedError, Supervisor

PORT_PATIENCE = 25.0  # seconds in which processes of a killed run may still hold the port
READY_PATIENCE = 60.0  # seconds until it is said what is missing
ASK_AGAIN = 0.3  # seconds between two looks whether everything is ready


def run() -> None:
    """Start everything and keep it running until SIGINT or SIGTERM. Starting twice only says where the first one is.

    Raises LocalError when something has to be decided or mended first.
    """
    home, address, console = Home.from_environment(), Address.from_environment(), Console()
    try:
        with home.claimed(), Supervisor(console) as supervisor:
            try:
                bring_up(supervisor, home, address)
                supervisor.watch()
            except StopRequestedError:
                console.say("stopping")
            finally:
                supervisor.stop()
                home.runtime.unlink(missing_ok=True)
            console.say("stopped; nothing is left running")
    except AlreadyRunningError as where:
        print(where)


def run_release() -> int:
    """Bring the database up to date without starting anything else, beside a running stack or not. Returns 0."""
    home, address = Home.from_environment(), Address.from_environment()
    with Supervisor(Console()) as supervisor:
        try:
            with home.claimed():
                services = start_services(supervisor, home)
                release(supervisor, services, whole_environment(home, address, services.urls))
                supervisor.stop()
        except AlreadyRunningError:
            running = home.running()
            if running is None:
                raise
            services = Services(urls=running["urls"])
            if superuser := services.urls.get("SUPERUSER_DATABASE_URL"):
                make_roles_and_database(home, superuser)
            release(supervisor, services, whole_environment(home, address, services.urls))
    return 0


def bring_up(supervisor: Supervisor, home: Home, address: Address) -> None:
    """Start servers, bring the database up to date, start every process, and say when all of it is ready."""
    began = time.monotonic()
    crashed_before = home.runtime.exists()
    wait_for_port(supervisor, "PORT", address.port, address.bind, PORT_PATIENCE if crashed_before else 0)
    wait_for_port(supervisor, "LIVE_PORT", address.live_port, address.bind, PORT_PATIENCE if crashed_before else 0)
    ours = [name for name, url in (("PostgreSQL", "DATABASE_URL"), ("Valkey", "REDIS_URL")) if not os.environ.get(url)]
    if ours:
        supervisor.console.say(f"starting {' and '.join(ours)}")
    services = start_services(supervisor, home)
    whole = whole_environment(home, address, services.urls)
    note_running(home, address, services)
    commands = read_procfile()
    release(supervisor, services, whole)
    load_demo(supervisor, home, address, services, whole)
    for process, command in commands.items():
        if process != "release":
            supervisor.start(program_of(process, command, whole))
    wait_until_ready(supervisor, address)
    supervisor.console.say(welcome(home, address, time.monotonic() - began))


def wait_for_port(supervisor: Supervisor, name: str, port: int, bind: str, patience: float) -> None:
    """Return when the port is free. Raises LocalError when another program keeps it."""
    if not supervisor.wait(lambda: is_free(port, bind), patience):
        raise LocalError(
            f"Port {port} is taken by another program. Choose another one: make run {name}={port + 1000}"
            if bind in {"127.0.0.1", "0.0.0.0"}  # noqa: S104 only compared
            else f"{name}: {bind}:{port} cannot be listened on. BIND has to be an address of this machine."
        )


def note_running(home: Home, address: Address, services: Services) -> None:
    """Write down, for this user only, that we run and how to reach the servers."""
    note = {"pid": os.getpid(), "url": address.url, "port": address.port, "bind": address.bind, "urls": services.urls}
    write_private(home.runtime, json.dumps(note, indent=2) + "\n")


def release(supervisor: Supervisor, services: Services, whole: dict[str, str]) -> None:
    """Run the Procfile's release step if anything waits for it, and put the database's guards up again.

    Raises LocalError when the step fails.
    """
    owner = services.urls.get("MIGRATION_DATABASE_URL", "")
    if migrations_pending(owner) or not keys_exist(whole):
        supervisor.console.say("bringing the database up to date")
        program = program_of("release", read_procfile()["release"], whole)
        if supervisor.run_once(program) != 0:
            raise LocalError("The release step failed; what it said stands above. Nothing else was started.")
    if superuser := services.urls.get("SUPERUSER_DATABASE_URL"):
        put_guards_up(superuser)


def keys_exist(whole: dict[str, str]) -> bool:
    """Tell whether the signing keys and the public trust root have been made."""
    keys, trust_root = Path(whole["SIGNING_KEY_DIR"]), Path(whole["TRUST_ROOT_FILE"])
    return keys.is_dir() and any(keys.iterdir()) and trust_root.exists()


def load_demo(supervisor: Supervisor, home: Home, address: Address, services: Services, whole: dict[str, str]) -> None:
    """Make the demo data once, in our own database only. Raises LocalError when that fails."""
    if services.postgres is None:
        return
    if not home.demo.exists():
        supervisor.console.say("making demo data")
        if supervisor.run_once(program_of("demo", "flask --app 'app:create_app(\"operator\")' demo load", whole)) != 0:
            raise LocalError("The demo data could not be made; what went wrong stands above.")
    demo = read_demo(home)
    if demo.get("url") not in (None, address.url):
        write_private(home.demo, json.dumps({**demo, "url": address.url}, indent=2) + "\n")


def read_demo(home: Home) -> dict[str, Any]:
    """Return what `demo.json` says, or nothing where there is none."""
    try:
        said: dict[str, Any] = json.loads(home.demo.read_text())
    except (OSError, ValueError):
        return {}
    return said


def wait_until_ready(supervisor: Supervisor, address: Address) -> None:
    """Return when every part of /readyz is ready. What is missing is said after a minute, and then each minute."""
    looked = 0.0
    answer: dict[str, Any] | None = None

    def all_ready() -> bool:
        nonlocal looked, answer
        if time.monotonic() - looked < ASK_AGAIN:
            return False
        answer = ask(address)
        looked = time.monotonic()
        return is_ready(answer)

    while not supervisor.wait(all_ready, READY_PATIENCE):
        supervisor.console.say(f"not ready yet: {what_is_missing(answer)}")


def welcome(home: Home, address: Address, seconds: float) -> str:
    """Return what to tell a person when everything is ready."""
    lines = [f"Oversing is ready after {seconds:.1f} s: {address.url}"]
    tenants = read_demo(home).get("tenants") or []
    if tenants and tenants[0].get("users"):
        somebody = tenants[0]["users"][0]["email"]
        lines.append(f"Sign in as {somebody}; the password is in {home.demo}, with those of the others.")
    lines.append("Ctrl-C stops it.")
    return "\n".join(lines)
