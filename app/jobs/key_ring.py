"""The signing keys, opened once by the signer and by no other process."""

from __future__ import annotations

from app.config import Settings
from runcible.certification.keys import KeyRing, open_ring

_opened: list[KeyRing] = []


def open_keys(settings: Settings) -> None:
    """Open the keys. Raises SystemExit, or KeyStoreError for a wrong passphrase or a directory open to others."""
    if settings.signing_key_dir is None:
        raise SystemExit("Set SIGNING_KEY_DIR to the directory that `flask keys create` has filled.")
    _opened[:] = [open_ring(settings.signing_key_dir, settings.signing_passphrase())]


def key_ring() -> KeyRing:
    """The opened keys. Raises RuntimeError in any process but the signer."""
    if not _opened:
        raise RuntimeError("Only the signer can open the signing keys.")
    return _opened[0]
