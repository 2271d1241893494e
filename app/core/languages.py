"""The languages that pages and mails are written in. English is written in the source; others have a catalogue.

A catalogue lies in app/catalogues as text (.po) and is compiled by `make run` and `make test`, else by
`python -m app.local.catalogues compile`. The compiled file bears the hash of its source, so an old one is never read.
"""

from __future__ import annotations

import hashlib
from functools import cache
from gettext import GNUTranslations
from pathlib import Path

from app.core.phrases import Phrase

FOLDER = Path(__file__).resolve().parents[1] / "catalogues"
SOURCE = "en"
_USUAL = {"en": "en-GB", "de": "de-DE"}
FROM_THE_RIGHT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})


class NotCompiledError(RuntimeError):
    """A catalogue has not been compiled since it was changed. The message says what to run."""


@cache
def languages() -> tuple[str, ...]:
    """The languages there are."""
    return (SOURCE, *sorted(path.stem for path in FOLDER.glob("*.po")))


def language_of(locale: str) -> str:
    """The language for somebody who has things written as in `locale`, as de for de-CH."""
    language = locale.partition("-")[0]
    return language if language in languages() else SOURCE


def usual_locale(language: str) -> str:
    """How things are written for whoever has said nothing but their language."""
    return _USUAL.get(language, language)


def direction_of(language: str) -> str:
    """The side from which it is read, as HTML names it."""
    return "rtl" if language in FROM_THE_RIGHT else "ltr"


@cache
def catalogue_of(language: str) -> GNUTranslations | None:
    """What is said in `language`; None for English. Raises NotCompiledError."""
    if language == SOURCE:
        return None
    compiled = compiled_of(FOLDER / f"{language}.po")
    try:
        with compiled.open("rb") as file:
            return GNUTranslations(file)
    except FileNotFoundError:
        raise NotCompiledError(
            f"{language}.po is newer than what was compiled of it. Run: python -m app.local.catalogues compile"
        ) from None


def compiled_of(source: Path) -> Path:
    """Where a catalogue lies once it is compiled."""
    return source.with_name(f"{source.stem}.{hashlib.sha256(source.read_bytes()).hexdigest()[:10]}.mo")


def say(text: str, catalogue: GNUTranslations | None) -> str:
    """A text of the source, or a phrase, in the language of `catalogue`; in English where it has none of it."""
    if catalogue is None or not text:
        return text
    if not isinstance(text, Phrase):
        return catalogue.gettext(text)
    if text.plural is None:
        pattern = catalogue.gettext(text.pattern)
    else:
        pattern = catalogue.ngettext(text.pattern, text.plural, text.values["count"])
    return pattern % {
        name: say(value, catalogue) if isinstance(value, Phrase) else value for name, value in text.values.items()
    }
