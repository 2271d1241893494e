"""What a mail says: a template for each kind, written once as plain text and laid out from there as HTML too."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.config import Settings
from app.core.languages import SOURCE, catalogue_of, direction_of, language_of
from app.core.mails import Mail

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "mails"


@cache
def _templates(language: str, *, autoescape: bool) -> Environment:
    """What makes letters in a language: plain text, or a page."""
    catalogue = catalogue_of(language) or NullTranslations()
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=autoescape,  # noqa: S701 plain text has no markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        catalogue.gettext, catalogue.ngettext, newstyle=False
    )
    environment.globals.update(language=language, direction=direction_of(language))
    environment.filters["on_day"] = _on_day
    return environment


def _on_day(moment: str, time_zone: str, locale: str) -> str:
    """The day of a moment where the organisation is, written out: 26 December 2026. A zone that is no more is UTC."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return format_date(datetime.fromisoformat(moment).astimezone(zone), "long", locale.replace("-", "_"))


def letter(mail: Mail, settings: Settings) -> EmailMessage:
    """The message. Its id is that of the mail: whoever gets it twice can tell.

    The first line of a template is the subject; each paragraph follows, and one that is an address is a link.
    """
    values = {name: _one_line(value) for name, value in mail.values.items()}
    language = language_of(str(values.get("locale", SOURCE)))
    subject, _, body = (
        _templates(language, autoescape=False)
        .get_template(f"{mail.template}.txt")
        .render(base=settings.base_url, **values)
        .partition("\n")
    )
    paragraphs = [part.strip() for part in body.split("\n\n") if part.strip()]
    message = EmailMessage()
    message["Subject"] = subject.strip()
    message["From"] = settings.mail_from
    message["To"] = mail.to
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.id}@{_domain(settings)}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(paragraphs) + "\n")
    page = (
        _templates(language, autoescape=True)
        .get_template("letter.html")
        .render(subject=subject.strip(), paragraphs=paragraphs, base=settings.base_url)
    )
    message.add_alternative(page, subtype="html")
    return message


def _one_line(value: str | int) -> str | int:
    """A name that somebody typed is one line: it starts no header and no paragraph of its own."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _domain(settings: Settings) -> str:
    return parseaddr(settings.mail_from)[1].rpartition("@")[2] or urlsplit(settings.base_url).hostname or "localhost"
