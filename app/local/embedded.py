"""The servers that the product stands on: our own PostgreSQL and Valkey, unless the environment names others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from app.local.home import Home, LocalError
from app.local.postgres import Postgres
from app.local.provision import ROLES, make_roles_and_database, role_urls
from app.local.supervisor import Program, Supervisor
from app.local.valkey import Valkey

PATIENCE = 90.0  # seconds for a server to take connections; PostgreSQL may have to repeat much work after a crash
DEATHS = 4  # in a row, before a server that does not start is given up


@dataclass
class Services:
    """The servers in use and how to reach them: `urls` by the name of the environment variable."""

    postgres: Postgres | None = None
    valkey: Valkey | None = None
    urls: dict[str, str] = field(default_factory=dict)


def start_services(supervisor: Supervisor, home: Home) -> Services:
    """Start what DATABASE_URL and REDIS_URL do not name, ready for connections, with roles and database made.

    Raises LocalError when a server does not start, or when the environment names only a part of what is needed.
    """
    services = Services()
    if os.environ.get("DATABASE_URL"):
        services.urls |= urls_from_environment()
    else:
        services.postgres = start_postgres(supervisor, home)
        make_roles_and_database(home, services.postgres.url())
        services.urls |= role_urls(home, services.postgres.url)
        services.urls["SUPERUSER_DATABASE_URL"] = services.postgres.url(database="oversing")
    if os.environ.get("REDIS_URL"):
        services.urls["REDIS_URL"] = os.environ["REDIS_URL"]
    else:
        services.valkey = start_valkey(supervisor, home)
        services.urls["REDIS_URL"] = services.valkey.url
    return services


def start_postgres(supervisor: Supervisor, home: Home) -> Postgres:
    """Start the PostgreSQL of this state folder and return it when it takes connections. Raises LocalError."""
    server = Postgres(home)
    server.prepare()
    start(supervisor, server.program(), server.is_ready)
    return server


def start_valkey(supervisor: Supervisor, home: Home) -> Valkey:
    """Start the Valkey of this state folder and return it when it answers. Raises LocalError."""
    server = Valkey(home)
    server.prepare()
    start(supervisor, server.program(), server.is_ready)
    return server


def start(supervisor: Supervisor, program: Program, is_ready: Callable[[], bool]) -> None:
    """Start a server and return when it is ready. Raises LocalError with its last words when it cannot start."""
    unit = supervisor.start(program)
    supervisor.wait(lambda: is_ready() or unit.deaths >= DEATHS, PATIENCE)
    if not is_ready():
        words = "\n".join(supervisor.console.recent[program.name]) or "It said nothing."
        raise LocalError(f"{program.name} does not start. Its last words:\n{words}")


def urls_from_environment() -> dict[str, str]:
    """Return the addresses of a database that is not ours. Raises LocalError when one is missing."""
    missing = [name for name in ROLES if not os.environ.get(name) and name != "AUDITOR_DATABASE_URL"]
    if missing:
        roles = "\n".join(f"  {name}=postgresql://{ROLES[name]}:...@host/oversing" for name in missing)
        raise LocalError(
            "DATABASE_URL is set, so no database is started here; then these are needed too:\n"
            f"{roles}\nA superuser makes the roles with deploy/database/roles.sql, and after each migration runs"
            " deploy/database/guard.sql."
        )
    return {name: os.environ[name] for name in ROLES if os.environ.get(name)}
