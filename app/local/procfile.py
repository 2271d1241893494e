"""The Procfile: one line a type of process, run by a shell with the project as its folder."""

from __future__ import annotations

import re

from app.local.environment import environment_of
from app.local.home import ROOT
from app.local.supervisor import Program


def read_procfile() -> dict[str, str]:
    """Return the command of each type of process, in the order of the file."""
    lines = (re.match(r"([A-Za-z][\w-]*):\s*(\S.*)", line) for line in (ROOT / "Procfile").read_text().splitlines())
    return {line[1]: line[2].strip() for line in lines if line}


def program_of(process: str, command: str, whole: dict[str, str]) -> Program:
    """Return a process of the Procfile as something to keep running."""
    simple = not re.search(r"[;&|]", command)
    line = f"exec {command}" if simple else command  # no shell stands between the supervisor and the process
    return Program(
        name=process, command=lambda: ["/bin/sh", "-c", line], environment=environment_of(process, whole), cwd=ROOT
    )
