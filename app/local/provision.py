"""What only a superuser can do to a database of ours: roles and their passwords, the database, the last guards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from app.local.home import ROOT, Home

DATABASE = "oversing"
SQL = ROOT / "deploy" / "database"
MIGRATIONS = ROOT / "migrations"

# Who logs in, and under which name a process is told how.
ROLES = {
    "DATABASE_URL": "oversing_app",
    "MIGRATION_DATABASE_URL": "oversing_owner",
    "SIGNER_DATABASE_URL": "oversing_signer",
    "CLOCK_DATABASE_URL": "oversing_clock",
    "AUDITOR_DATABASE_URL": "oversing_auditor",
}


def make_roles_and_database(home: Home, superuser_url: str, *, database: str = DATABASE) -> None:
    """Make the roles, give them the passwords that the state folder keeps, and make the database. Idempotent."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        run_file(connection, SQL / "roles.sql")
        for role in ROLES.values():
            set_password(connection, role, home.secret(role))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER oversing_owner").format(sql.Identifier(database)))
        for name in (database, "postgres"):
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        for role in ROLES.values():
            grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
            connection.execute(grant.format(sql.Identifier(database), sql.Identifier(role)))


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Give a role its password. Only its SCRAM verifier travels, so that no log can hold the password."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def put_guards_up(superuser_url: str) -> None:
    """Install what keeps the audit trail append-only for everybody but a superuser. After migrations; idempotent."""
    with psycopg.connect(superuser_url) as connection:
        run_file(connection, SQL / "guard.sql")


def migrations_pending(owner_url: str) -> bool:
    """Tell whether the database lacks a migration that the code has."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 it brings all of SQLAlchemy, and few starts come here

    wanted = set(ScriptDirectory(str(MIGRATIONS)).get_heads())
    with psycopg.connect(owner_url) as connection:
        known = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
        if known is None or known[0] is None:
            return True
        return {row[0] for row in connection.execute("SELECT version_num FROM public.alembic_version")} != wanted


def role_urls(home: Home, url_for: Callable[..., str], *, database: str = DATABASE) -> dict[str, str]:
    """Return the address of the database for each role, by the name of its environment variable."""
    return {name: url_for(role, home.secret(role), database) for name, role in ROLES.items()}


def run_file(connection: psycopg.Connection, file: Path) -> None:
    """Execute a file of SQL statements."""
    connection.execute(file.read_text().encode())
