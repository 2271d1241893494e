"""Templates as Python code, kept beside them as Python keeps its modules: what a process would make again it reads.

To make all of them takes a second and a half of a processor, which else whoever asks first for each page waits for.
What was made from other words than a template has now, by other settings or another Jinja, is made anew.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

FOLDER = Path(__file__).resolve().parent.parent / "templates" / "__pycache__"


class KeptTemplates(FileSystemBytecodeCache):
    """A folder of them. Where nothing can be written, as in an image that is sealed, nothing is."""

    def __init__(self, folder: Path, settings: str) -> None:
        super().__init__(str(folder), "%s.template")
        self._made_by = f"{version('jinja2')}\n{settings}\n"

    def get_source_checksum(self, source: str) -> str:
        """What tells whether code was made from these words, as they would be read now."""
        return sha256((self._made_by + source).encode()).hexdigest()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was made, where that is possible."""
        if sys.dont_write_bytecode:
            return
        try:
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
        except OSError:
            return


def keep(app: Flask, settings: Path) -> None:
    """Keep the templates of an application; the file `settings` is what says how they are read."""
    app.jinja_env.bytecode_cache = KeptTemplates(FOLDER, settings.read_text())
