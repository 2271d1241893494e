"""Read a whole database into a file and back, with PostgreSQL's own tools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.local.home import LocalError
from app.local.postgres import packaged_binaries


def dump_database(superuser_url: str, file: Path) -> None:
    """Write the database to a file in pg_dump's own format. Row security does not apply to a superuser."""
    tool("pg_dump", superuser_url, "--format=custom", f"--file={file}")


def load_database(superuser_url: str, file: Path) -> None:
    """Fill an empty database from such a file, owners, grants and triggers included; event triggers come last."""
    tool("pg_restore", superuser_url, "--exit-on-error", "--dbname=", str(file))


def tool(name: str, url: str, *arguments: str) -> None:
    """Run one of the tools. Raises LocalError with its words when it fails.

    The address goes through the environment: a command line can be read by everybody on the machine.
    """
    parts = urlsplit(url)
    environment = {
        "PATH": os.defpath,
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
    }
    done = subprocess.run(
        [str(packaged_binaries() / name), "--no-password", *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LocalError(f"{name} failed: {done.stderr[-1500:].strip()}")
