"""The trust root: the public keys that a stranger needs. Read from a file that `flask keys create` has written."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import Unavailable
from app.core.phrases import phrase
from runcible.certification.trust_root import TrustRoot

_source: dict[str, Path] = {}
_read: dict[tuple[Path, int], TrustRoot] = {}


def configure(path: Path | None) -> None:
    """Read the trust root from `path` from now on."""
    _source.clear()
    if path is not None:
        _source["path"] = path


def trust_root() -> TrustRoot:
    """The keys and time-stamping authorities of this installation. Raises Unavailable where none were made yet."""
    path = _source.get("path")
    if path is None or not path.is_file():
        raise Unavailable(phrase("This installation has no signing keys yet. Run: flask --app wsgi keys create"))
    version = (path, path.stat().st_mtime_ns)
    if version not in _read:
        _read.clear()
        _read[version] = TrustRoot.from_bytes(path.read_bytes())
    return _read[version]
