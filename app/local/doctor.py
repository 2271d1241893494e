"""`make doctor`: say which guard, role, version, key or port is missing or wrong, and what to do about it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from app.local import install
from app.local.environment import Address, key_places
from app.local.home import Home
from app.local.ports import is_free
from app.local.postgres import major_of_data, major_version, packaged_binaries, place_of
from app.local.provision import ROLES, migrations_pending
from app.local.readiness import ask, described

OLDEST_POSTGRES = 15
EVENT_TRIGGERS = ("oversing_audit_ddl", "oversing_audit_drop")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` says what to do when it is not good."""

    good: bool
    what: str
    advice: str = ""


def examine() -> int:
    """Look at everything, print what was found, and return 1 if anything is wrong."""
    home, address = Home.from_environment(), Address.from_environment()
    running = home.running()
    findings = [*installation(), *state(home), *server(home, address, running), *database(running)]
    for finding in findings:
        advice = f": {finding.advice}" if finding.advice and not finding.good else ""
        print(f"{'ok    ' if finding.good else 'NOT SO'} {finding.what}{advice}")
    wrong = sum(not finding.good for finding in findings)
    print(
        f"\n{wrong} of {len(findings)} things are not as they should be."
        if wrong
        else f"\nAll {len(findings)} things are as they should be."
    )
    return 1 if wrong else 0


def installation() -> Iterator[Finding]:
    """Look at what `make run` installs."""
    locked = install.fingerprint([install.ROOT / "requirements.txt", install.LOCKS / "uv.txt"])
    yield Finding(
        install.Stamp(install.VENV / ".installed.json").holds({"runs": locked}),
        "the Python packages are those of the lock file",
        "make run installs them",
    )
    built = install.ROOT / "app" / "static" / "dist" / "manifest.json"
    yield Finding(built.exists(), "the front-end bundles are built", "make run builds them")


def state(home: Home) -> Iterator[Finding]:
    """Look at the state folder: is there one, does it fit the installed PostgreSQL, are its secrets secret."""
    if os.environ.get("DATABASE_URL"):
        yield Finding(True, "DATABASE_URL names a database of your own")
    elif (found := major_of_data(home)) is None:
        yield Finding(False, f"there are data in {home.path}", "make run makes them")
    else:
        ours = major_version(packaged_binaries())
        advice = "make backup FILE=old.backup, then make restore FILE=old.backup FORCE=1"
        yield Finding(found == ours, f"data of PostgreSQL {found} in {place_of(home)}, programs of {ours}", advice)
    places = key_places(home)
    for name in ("SEALING_KEY_FILE", "SIGNING_PASSPHRASE_FILE"):
        path = places[name]
        closed = path.is_file() and not stat.S_IMODE(path.stat().st_mode) & 0o077
        yield Finding(
            closed, f"{path} is there, and only its owner reads it", f"chmod 600 '{path}', or make run if new"
        )
    keys = places["SIGNING_KEY_DIR"]
    yield Finding(keys.is_dir() and any(keys.iterdir()), f"there are signing keys in {keys}", "make release")
    yield Finding(places["TRUST_ROOT_FILE"].is_file(), f"{places['TRUST_ROOT_FILE']} is there", "make release")


def server(home: Home, address: Address, running: dict[str, Any] | None) -> Iterator[Finding]:
    """Ask the running product for its parts, or look whether its ports are free to start it."""
    if running is None:
        for name, port in (("PORT", address.port), ("LIVE_PORT", address.live_port)):
            free = is_free(port, address.bind)
            yield Finding(
                free, f"nothing runs in {home.path}, and port {port} is free", f"another program has it; {name}="
            )
        return
    yield Finding(True, f"process {running['pid']} runs at {running['url']}")
    answer = ask(Address(running["bind"], running["port"], 0, running["url"]))
    if answer is None:
        yield Finding(False, "/readyz answers", "see what the process web writes in the terminal of make run")
        return
    for name, part in answer.get("parts", {}).items():
        yield Finding(
            part["ready"], f"/readyz: {described(name, part)}", "its lines in the terminal of make run say why"
        )


def database(running: dict[str, Any] | None) -> Iterator[Finding]:
    """Look at roles and guards, with the most powerful address there is."""
    urls = running["urls"] if running else dict(os.environ)
    url = urls.get("SUPERUSER_DATABASE_URL") or urls.get("MIGRATION_DATABASE_URL") or urls.get("DATABASE_URL")
    if not url:
        yield Finding(
            False, "the database can be asked", "start it with make run, then make doctor in another terminal"
        )
        return
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            yield from roles(connection)
            yield from guards(connection)
        yield Finding(not migrations_pending(url), "every migration has been applied", "make release")
    except psycopg.Error as error:
        yield Finding(False, "the database answers", str(error).strip())


def roles(connection: psycopg.Connection) -> Iterator[Finding]:
    """Look at the version and at the roles."""
    version = connection.info.server_version // 10_000
    yield Finding(version >= OLDEST_POSTGRES, f"PostgreSQL {version}", f"{OLDEST_POSTGRES} or newer is needed")
    rows = connection.execute("SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles").fetchall()
    too_strong: dict[str, bool] = dict(rows)
    for role in (*ROLES.values(), "oversing_audit"):
        advice = "a superuser runs deploy/database/roles.sql"
        yield Finding(role in too_strong, f"the role {role} exists", advice)
        if too_strong.get(role):
            yield Finding(
                False, f"{role} is bound by row security", f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS NOCREATEROLE"
            )


def guards(connection: psycopg.Connection) -> Iterator[Finding]:
    """Look at what only a superuser can put up around the audit trail."""
    advice = "a superuser runs deploy/database/guard.sql"
    enabled: dict[str, str] = dict(
        connection.execute("SELECT evtname, evtenabled::text FROM pg_event_trigger").fetchall()
    )
    for name in EVENT_TRIGGERS:
        yield Finding(enabled.get(name) == "A", f"the event trigger {name} stands, always enabled", advice)
    member = connection.execute(
        "SELECT 1 FROM pg_auth_members WHERE roleid = to_regrole('oversing_audit')"
        " AND member = to_regrole('oversing_owner')"
    ).fetchone()
    yield Finding(member is None, "the owner of the database cannot act as the owner of the audit trail", advice)
