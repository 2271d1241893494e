"""Whom a server runs as. PostgreSQL refuses to run as root, so root starts it for somebody with less power."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def switch(self) -> dict[str, Any]:
        """Return the arguments with which `subprocess` starts a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, path: Path) -> None:
        """Make the path this user's."""
        os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user gets into the folder: every folder above it has to let them through."""
        return self.succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])

    def succeeds(self, command: list[str]) -> bool:
        """Run a short command as this user and tell whether it went well."""
        try:
            done = subprocess.run(
                command, cwd="/", check=False, stdin=subprocess.DEVNULL, capture_output=True, **self.switch
            )
        except OSError:
            return False
        return done.returncode == 0


def server_account(data: Path) -> Account | None:
    """Return whom to run PostgreSQL as: the owner of its data, else `postgres`, else `nobody`; None: as we are."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        found = pwd.getpwuid(data.stat().st_uid)
    else:
        known = {user.pw_name: user for user in pwd.getpwall()}
        found = known.get("postgres") or known["nobody"]
    return Account(found.pw_name, found.pw_uid, found.pw_gid)
