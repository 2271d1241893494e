"""In which language a page is: that of whoever looks, else the one that their browser asks for.

The API answers in English, whoever asks: what it says is read by programs and by those who write them.
"""

from __future__ import annotations

from typing import Any

from flask import g, has_request_context, request

from app.core.languages import SOURCE, catalogue_of, direction_of, language_of, say, usual_locale
from app.web.actors import asked_locale, is_api, known_actor


def locale() -> str:
    """How whoever looks has things written: as they or their organisation chose, else as their browser asks for."""
    reader = known_actor()
    if reader is not None:
        return reader.locale
    person = g.get("signed_in")
    chosen = person.profile.locale if person is not None else None
    return chosen or asked_locale() if has_request_context() else usual_locale(SOURCE)


def language() -> str:
    """The language of this answer."""
    return _spoken()[0]  # type: ignore[no-any-return]


def direction() -> str:
    """The side from which it is read: ltr or rtl."""
    return direction_of(language())


def translated(text: str) -> str:
    """A text or a phrase in the language of this answer."""
    catalogue = _spoken()[1]
    return text if catalogue is None else say(text, catalogue)


def plural(one: str, many: str, count: int) -> str:
    """The same for something counted."""
    catalogue = _spoken()[1]
    if catalogue is None:
        return one if count == 1 else many
    return catalogue.ngettext(one, many, count)  # type: ignore[no-any-return]


def _spoken() -> tuple[Any, ...]:
    """The language and what is said in it: found out once, and again when the door has found out who it is."""
    try:
        known: dict[str, Any] = g._get_current_object().__dict__
    except RuntimeError:  # nobody is answered: a script, or a test of a single function
        return SOURCE, None, None
    who = known.get("actor") or known.get("signed_in")
    spoken: tuple[Any, ...] | None = known.get("spoken")
    if spoken is None or spoken[2] is not who:
        found = SOURCE if not has_request_context() or is_api(request) else language_of(locale())
        known["spoken"] = spoken = (found, catalogue_of(found), who)
    return spoken
