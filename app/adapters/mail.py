"""The way out for mails: a server that SMTP_URL names, or on a developer's machine a folder that is shown on /mail."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from app.config import Settings

CONNECT_WITHIN = 10.0  # seconds, as for each answer of the server
PORTS = {"smtp": 587, "smtps": 465}

_settings: list[Settings] = []


class Undeliverable(Exception):
    """The server refuses this mail for good: there is no such address, or it takes nothing of the kind."""


def configure(settings: Settings) -> None:
    """Send as `settings` say from now on."""
    _settings[:] = [settings]


def settings() -> Settings:
    """What was configured. Raises RuntimeError in a process that sends no mails."""
    if not _settings:
        raise RuntimeError("Only the worker sends mails.")
    return _settings[0]


def deliver(message: EmailMessage) -> None:
    """Hand a message over.

    Raises Undeliverable where trying again is of no use; OSError or smtplib.SMTPException where it may be, and
    RuntimeError where nothing was set up.
    """
    told = settings()
    if told.smtp_url:
        _to_server(urlsplit(told.smtp_url), message)
    elif told.mail_folder is not None:
        _to_folder(told.mail_folder, message)
    else:
        raise RuntimeError("No mail can be sent: set SMTP_URL and MAIL_FROM.")


def _to_server(url: SplitResult, message: EmailMessage) -> None:
    try:
        with _connected(url) as server:
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as refused:
        if all(500 <= code < 600 for code, _words in refused.recipients.values()):
            raise Undeliverable from refused
        raise
    except (smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as refused:
        if 500 <= getattr(refused, "smtp_code", 500) < 600:
            raise Undeliverable from refused
        raise


@contextmanager
def _connected(url: SplitResult) -> Iterator[smtplib.SMTP]:
    """A connection on which nothing is said in the clear, but to a server on this very machine."""
    host, port = url.hostname or "", url.port or PORTS[url.scheme]
    trusted = ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=CONNECT_WITHIN, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=CONNECT_WITHIN)
    with server:
        server.ehlo()
        if url.scheme == "smtp" and (server.has_extn("starttls") or host not in ("localhost", "127.0.0.1", "::1")):
            server.starttls(context=trusted)
            server.ehlo()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        yield server


def _to_folder(folder: Path, message: EmailMessage) -> None:
    """One file a mail, named by its id: a mail that is sent twice is there once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = str(message["Message-ID"]).strip("<>").partition("@")[0]
    written = folder / f".{name}"
    written.touch(mode=0o600)
    written.write_bytes(message.as_bytes(policy=SMTP))
    written.replace(folder / f"{name}.eml")
