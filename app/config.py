"""Settings: the only reader of the environment. Nothing secret has a default."""

from __future__ import annotations

import base64
import ipaddress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.session_times import SessionTimes

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """What a process of Oversing is told by its environment. `make run` makes all of it for the embedded stack."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    oversing_home: Path = Path("var")
    base_url: str = "http://localhost:8000"
    live_url: str = ""  # where browsers open sockets, unless at /live of the same site: wss://live.example/live
    trusted_proxies: int = Field(default=0, ge=0, le=5)

    database_url: str = ""
    migration_database_url: str = ""
    signer_database_url: str = ""
    clock_database_url: str = ""
    auditor_database_url: str = ""
    database_pool: int = Field(default=10, ge=1, le=100)
    redis_url: str = ""

    sealing_key_file: Path | None = None
    signing_key_dir: Path | None = None
    signing_passphrase_file: Path | None = None
    trust_root_file: Path | None = None
    tsa_url: str = ""

    smtp_url: str = ""  # smtp://user:password@host:587 speaks STARTTLS, smtps:// TLS from the start
    mail_from: str = "Oversing <oversing@localhost>"
    mail_folder: Path | None = None  # the embedded stack keeps mails here and shows them on /mail
    styleguide: bool = False  # the component library at /styleguide: for who develops, and for the tests
    audit_heads_file: Path | None = None  # in OVERSING_HOME unless it is given: better on another disk, or shipped away

    session_idle_hours: int = Field(default=24, ge=1, le=24 * 30)  # the longest that an organisation may allow
    session_days: int = Field(default=30, ge=1, le=90)
    live_recheck_seconds: float = Field(default=60, gt=0)  # how long a socket may outlive what was taken away unheard
    rate_person: int = Field(default=1500, ge=1)  # requests a minute; a person may have several keys
    rate_key: int = Field(default=1500, ge=1)
    rate_address: int = Field(default=600, ge=1)  # of everybody behind it who has not said who they are
    web_concurrency: int = Field(default=2, ge=1)  # web processes of this machine, as gunicorn is told

    largest_body: int = Field(default=MEBIBYTE + 512 * 1024, ge=1024)
    log_level: str = "INFO"
    failpoint: str = ""  # tests only: the named point at which this process dies

    @field_validator("base_url")
    @classmethod
    def _an_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("BASE_URL must look like https://oversing.example")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("live_url")
    @classmethod
    def _a_socket_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("ws", "wss") or not parts.netloc):
            raise ValueError("LIVE_URL must look like wss://live.oversing.example/live")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _a_mail_server(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("SMTP_URL must look like smtp://user:password@mail.example:587 or smtps://mail.example")
        return url

    @model_validator(mode="after")
    def _mails_lie_open_on_a_developers_machine_only(self) -> Settings:
        if self.mail_folder is not None and (self.https or self.smtp_url):
            raise ValueError("MAIL_FOLDER is for the embedded stack: anybody may read it. Set SMTP_URL alone instead.")
        return self

    @model_validator(mode="after")
    def _the_component_library_is_for_who_develops(self) -> Settings:
        if self.styleguide and self.https:
            raise ValueError("STYLEGUIDE is for a developer's own machine: nobody who uses the product has need of it.")
        return self

    @property
    def session_bounds(self) -> SessionTimes:
        """How long a browser may stay signed in at most, whatever an organisation wants."""
        return SessionTimes(idle=timedelta(hours=self.session_idle_hours), lasts=timedelta(days=self.session_days))

    @property
    def audit_heads(self) -> Path:
        """Where the clock writes the heads of the audit chain, outside of the database."""
        return self.audit_heads_file or self.oversing_home / "audit-heads.jsonl"

    @property
    def host(self) -> str:
        """Host and port under which pages are served, as a browser sends them."""
        return urlsplit(self.base_url).netloc

    @property
    def has_named_host(self) -> bool:
        """Whether our address has a name: passkeys are bound to one, and a number is none."""
        try:
            ipaddress.ip_address(urlsplit(self.base_url).hostname or "")
        except ValueError:
            return True
        return False

    @property
    def https(self) -> bool:
        """Whether people reach the pages over TLS: then cookies are Secure and HSTS is sent."""
        return self.base_url.startswith("https://")

    def database_url_of(self, process: str) -> str:
        """The database as seen by one kind of process. Raises SystemExit saying which variable is missing."""
        names = {"signer": "signer_database_url", "clock": "clock_database_url"}
        return self._needed(names.get(process, "database_url"))

    def needed_redis_url(self) -> str:
        """The Redis-protocol server. Raises SystemExit where there is none."""
        return self._needed("redis_url")

    def sealing_key(self) -> bytes:
        """The 32 bytes of the master key. Raises SystemExit where the file is missing, open to others or garbled."""
        path = self._private_file(self.sealing_key_file, "SEALING_KEY_FILE")
        return base64.b64decode(path.read_bytes().strip(), validate=True)

    def signing_passphrase(self) -> bytes:
        """What opens the signing keys. Only the signer is told where it is."""
        return self._private_file(self.signing_passphrase_file, "SIGNING_PASSPHRASE_FILE").read_bytes().strip()

    def _needed(self, name: str) -> str:
        value: str = getattr(self, name)
        if not value:
            raise SystemExit(f"Set {name.upper()}. `make run` does this for you with an embedded stack.")
        return value

    @staticmethod
    def _private_file(path: Path | None, name: str) -> Path:
        if path is None or not path.is_file():
            raise SystemExit(f"Set {name} to a file that only this process can read.")
        if path.stat().st_mode & 0o077:
            raise SystemExit(f"{path} may be read by others. Run: chmod 600 '{path}'")
        return path
