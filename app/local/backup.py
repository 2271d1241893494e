"""One file that holds everything: `make backup FILE=`, `make restore FILE=`.

The file is a tar archive of a logical dump and of the keys without which the dump cannot be read or checked: so it is
as secret as the keys, and a newer PostgreSQL can restore it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from app.local import archive
from app.local.console import Console
from app.local.dump import dump_database, load_database
from app.local.embedded import start
from app.local.home import AlreadyRunningError, Home, LocalError
from app.local.old_postgres import binaries_for
from app.local.postgres import Postgres, major_of_data, place_of
from app.local.provision import DATABASE, make_roles_and_database, put_guards_up
from app.local.supervisor import Supervisor

# What is put into place by `restore`, and what a restored database must not meet: jobs of the data before it.
RESTORED = ("postgres", "secrets", "signing-keys", "trust-root.json", "demo.json")
LEFT_BEHIND = ("valkey",)


def back_up(file: Path) -> None:
    """Write database and keys of the embedded stack to `file` (mode 0600), whether it runs or not.

    Raises LocalError when there is nothing to back up, or the file cannot be written.
    """
    only_embedded("backup")
    home = Home.from_environment()
    if not file.absolute().parent.is_dir():
        raise LocalError(f"The folder of {file} does not exist.")
    if major_of_data(home) is None:
        raise LocalError(f"There is nothing to back up in {home.path}.")
    with (
        superuser_url(home) as url,
        tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".backup-") as folder,
    ):
        dump = Path(folder) / archive.DUMP
        dump_database(url, dump)
        archive.write(file, home, dump)
    print(f"Wrote {file} ({file.stat().st_size / 1e6:.1f} MB). It holds the keys too: keep it as you would keep them.")


@contextlib.contextmanager
def superuser_url(home: Home) -> Iterator[str]:
    """Give the superuser's address of the database: of the running stack, else of one started for this."""
    try:
        with home.claimed(), Supervisor(Console(only_own=True)) as supervisor:
            server = Postgres(home, binaries_for(major_of_data(home)))
            server.prepare()
            start(supervisor, server.program(), server.is_ready)
            yield server.url(database=DATABASE)
    except AlreadyRunningError:
        running = home.running()
        if running is None or "SUPERUSER_DATABASE_URL" not in running["urls"]:
            raise
        yield running["urls"]["SUPERUSER_DATABASE_URL"]


def restore(file: Path, *, force: bool) -> None:
    """Bring back what `back_up` wrote. With `force`, data that are there already are put aside, not deleted.

    Everything is made ready beside the data and only then takes their place, so a restore that fails changes nothing.
    Raises LocalError when the stack runs, when data are there without `force`, or when the file is damaged.
    """
    only_embedded("restore")
    home = Home.from_environment()
    if not file.is_file():
        raise LocalError(f"There is no file {file}.")
    try:
        with home.claimed():
            if major_of_data(home) is not None and not force:
                raise LocalError(f"There are data in {home.path}. To put them aside and restore: FORCE=1")
            with stage_in(home) as stage:
                restore_into(stage, file)
                kept = swap(home, stage)
    except AlreadyRunningError as where:
        raise LocalError(f"{where}\nStop it first, then restore.") from None
    print(f"Restored {file} into {home.path}." + (f" What was there before is in {kept}." if kept else ""))


def restore_into(stage: Home, file: Path) -> None:
    """Make a complete state folder of what is in the file."""
    with tempfile.TemporaryDirectory(dir=stage.path, prefix="unpacked-") as folder:
        try:
            dump = archive.read(file, stage, Path(folder))
        except (OSError, tarfile.TarError, KeyError, ValueError) as error:
            raise LocalError(f"{file} is no complete backup: {error}") from None
        with Supervisor(Console(only_own=True)) as supervisor:
            server = Postgres(stage)
            server.prepare()
            start(supervisor, server.program(), server.is_ready)
            make_roles_and_database(stage, server.url())
            load_database(server.url(database=DATABASE), dump)
            put_guards_up(server.url(database=DATABASE))


@contextlib.contextmanager
def stage_in(home: Home) -> Iterator[Home]:
    """Give an empty state folder inside another one, and take away what is left of it."""
    stage = Home(home.path / "restoring")
    remove(stage)
    stage.make()
    try:
        yield stage
    finally:
        remove(stage)


def remove(home: Home) -> None:
    """Delete a state folder, and its data where they lie elsewhere."""
    if home.path.exists():
        shutil.rmtree(place_of(home), ignore_errors=True)
        shutil.rmtree(home.path)


def swap(home: Home, stage: Home) -> Path | None:
    """Put the restored parts into their place. Return where the parts before them went, if there were any."""
    kept = home.path / f"replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    for part in (home.path / name for name in (*RESTORED, *LEFT_BEHIND)):
        if part.is_dir() and not any(part.iterdir()):
            part.rmdir()
        if part.exists():
            kept.mkdir(exist_ok=True, mode=0o711)
            part.rename(kept / part.name)
    for name in RESTORED:
        if (stage.path / name).exists():
            (stage.path / name).rename(home.path / name)
    return kept if kept.exists() else None


def only_embedded(what: str) -> None:
    """Refuse when the database is not ours. Raises LocalError."""
    if os.environ.get("DATABASE_URL"):
        raise LocalError(f"make {what} is for the embedded stack, and DATABASE_URL names another server.")
