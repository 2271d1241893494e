"""What each process is told. A process gets what it needs and nothing that another one's work rests on."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.config import Settings
from app.local.home import Home, LocalError, write_private
from app.local.ports import choose_port, is_free

# Of the environment of whoever starts us, a process sees these, and what app/config.py reads that is no secret.
PASSED_ON = {
    "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY",
    "HTTP_PROXY", "NO_PROXY", "WEB_CONCURRENCY",
}  # fmt: skip
SIGNING = {"SIGNING_KEY_DIR", "SIGNING_PASSPHRASE_FILE"}
NEEDED_BY = {
    "release": {"MIGRATION_DATABASE_URL", "DATABASE_URL", "SEALING_KEY_FILE", *SIGNING},
    "demo": {"DATABASE_URL", "SEALING_KEY_FILE", *SIGNING},
    "web": {"DATABASE_URL", "SEALING_KEY_FILE"},
    "live": {"DATABASE_URL", "SEALING_KEY_FILE"},
    "worker": {"DATABASE_URL", "SEALING_KEY_FILE", "SMTP_URL"},
    "signer": {"SIGNER_DATABASE_URL", "SEALING_KEY_FILE", *SIGNING},
    "clock": {"CLOCK_DATABASE_URL"},
}
GUARDED = {"SUPERUSER_DATABASE_URL", "AUDITOR_DATABASE_URL"}.union(*NEEDED_BY.values())
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
KEY_BYTES = 32


@dataclass(frozen=True)
class Address:
    """Where people and sockets find the product."""

    bind: str
    port: int
    live_port: int
    url: str

    @classmethod
    def from_environment(cls) -> Address:
        """Return what PORT, LIVE_PORT, BIND and BASE_URL say. Raises LocalError when that is no port."""
        port = port_named("PORT", 8000)
        return cls(
            bind=os.environ.get("BIND") or "127.0.0.1",
            port=port,
            live_port=port_named("LIVE_PORT", port + 1 if is_free(port + 1) else choose_port()),
            url=os.environ.get("BASE_URL") or f"http://localhost:{port}",
        )

    @property
    def live_url(self) -> str:
        """Where browsers open sockets: at the live process itself, unless something stands before both."""
        told = os.environ.get("LIVE_URL", "")
        behind_a_proxy = os.environ.get("BASE_URL")
        return told if told or behind_a_proxy else f"ws://localhost:{self.live_port}/live"

    @property
    def host(self) -> str:
        """Host and port as a browser sends them."""
        return urlsplit(self.url).netloc


def port_named(name: str, default: int) -> int:
    """Return the port in this environment variable. Raises LocalError when it is none."""
    said = os.environ.get(name) or str(default)
    if not said.isascii() or not said.isdigit() or not 0 < int(said) < 65_536:
        raise LocalError(f"{name} must be a port, a number from 1 to 65535; it is {said!r}.")
    return int(said)


def whole_environment(home: Home, address: Address, urls: dict[str, str]) -> dict[str, str]:
    """Return everything that the stack as a whole knows; `environment_of` gives a process its part."""
    known = {name: value for name, value in os.environ.items() if is_passed_on(name)}
    return {
        **known,
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "OVERSING_HOME": str(home.path),
        "BIND": address.bind,
        "PORT": str(address.port),
        "LIVE_PORT": str(address.live_port),
        "BASE_URL": address.url,
        "LIVE_URL": address.live_url,
        **key_files(home),
        **mail_folder(home, address, urls),
        "STYLEGUIDE": "1" if is_ones_own(address) else "",
        **urls,
    }


def mail_folder(home: Home, address: Address, urls: dict[str, str]) -> dict[str, str]:
    """Return where mails are kept to be read on /mail by everybody: on a machine of one's own, else nowhere.

    It is one's own where the database is ours, no mail server is set up, and nobody else can reach the pages.
    """
    own = is_ones_own(address) and "SUPERUSER_DATABASE_URL" in urls and not os.environ.get("SMTP_URL")
    return {"MAIL_FOLDER": str(home.mail) if own else ""}


def is_ones_own(address: Address) -> bool:
    """Tell whether nobody but this machine can reach the pages."""
    return address.bind in LOOPBACK and address.url.startswith("http:") and urlsplit(address.url).hostname in LOOPBACK


def is_passed_on(name: str) -> bool:
    """Tell whether a variable of the surroundings reaches the processes."""
    return name in PASSED_ON or name.startswith("LC_") or name.lower() in Settings.model_fields


def environment_of(process: str, whole: dict[str, str]) -> dict[str, str]:
    """Return the part of the environment that one type of process gets; a type we do not know gets no secret."""
    allowed = NEEDED_BY.get(process, set())
    return {name: value for name, value in whole.items() if name not in GUARDED or name in allowed}


def key_files(home: Home) -> dict[str, str]:
    """Return where the keys lie, by the name of the environment variable; a key that is ours and missing is made."""
    places = key_places(home)
    made = {
        home.secrets / "sealing.key": lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        home.secrets / "signing.passphrase": lambda: secrets.token_urlsafe(KEY_BYTES),
    }
    for place in places.values():
        if place in made and not place.exists():
            write_private(place, made[place]() + "\n")
    return {name: str(place) for name, place in places.items()}


def key_places(home: Home) -> dict[str, Path]:
    """Return where the keys lie: as the environment says, or in the state folder."""
    ours = {
        "SEALING_KEY_FILE": home.secrets / "sealing.key",
        "SIGNING_PASSPHRASE_FILE": home.secrets / "signing.passphrase",
        "SIGNING_KEY_DIR": home.signing_keys,
        "TRUST_ROOT_FILE": home.trust_root,
    }
    return {name: Path(os.environ.get(name) or place) for name, place in ours.items()}
