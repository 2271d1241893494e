"""The mails that the embedded stack has sent, to be read on the machine that it runs on."""

from __future__ import annotations

import email
from dataclasses import dataclass
from datetime import datetime
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID

from flask import current_app

from app.core.errors import NotFound

SHOWN = 200


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail as it lies in the folder."""

    id: UUID
    to: str
    subject: str
    sent_at: datetime
    paragraphs: list[tuple[str, str | None]]  # each with the path that it is a link to, if it is one


def mails_are_shown() -> bool:
    """Whether mails are kept here at all: nowhere but on a developer's own machine."""
    return _folder() is not None


def sent_mails() -> list[SentMail]:
    """The newest mails, newest first. Raises NotFound where none are kept."""
    paths = sorted(_needed().glob("*.eml"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [_read(path) for path in paths[:SHOWN]]


def sent_mail(mail_id: UUID) -> SentMail:
    """One mail. Raises NotFound."""
    path = _needed() / f"{mail_id}.eml"
    if not path.is_file():
        raise NotFound
    return _read(path)


def _folder() -> Path | None:
    folder: Path | None = current_app.config["SETTINGS"].mail_folder
    return folder


def _needed() -> Path:
    folder = _folder()
    if folder is None:
        raise NotFound
    return folder


def _read(path: Path) -> SentMail:
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    text = message.get_body(("plain",))
    return SentMail(
        id=UUID(path.stem),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        sent_at=parsedate_to_datetime(str(message["Date"])),
        paragraphs=[_with_path(part) for part in _parts(text.get_content() if text is not None else "")],
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in "\n".join(text.splitlines()).split("\n\n") if part.strip()]


def _with_path(paragraph: str) -> tuple[str, str | None]:
    base = current_app.config["SETTINGS"].base_url
    is_link = paragraph.startswith(f"{base}/") and " " not in paragraph
    return paragraph, paragraph.removeprefix(base) if is_link else None
