"""Words for people, written in English where they belong, and said in the language of whoever reads them at the edge.

What is written with `phrase` is text like any other: English, for the API, the log and the tests. It also remembers how
it was made, so that pages and mails, which know their reader, can say it in another language (app/core/languages.py).
"""

from __future__ import annotations

from typing import Any


class Phrase(str):
    """English text that knows its pattern, and what is filled in there."""

    __slots__ = ("pattern", "plural", "values")
    pattern: str
    plural: str | None  # the pattern for any other number than one, of what is counted by `count`
    values: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """What is stored somewhere is the text."""
        return (str, (str(self),))


def phrase(pattern: str, **values: Any) -> str:
    """What is said to people. `%(name)s` is filled in from `values`, which may be phrases themselves."""
    return _made(pattern, None, values) if values else pattern


def by_itself(text: str) -> str:
    """A text that is said in the reader's language where it is filled in somewhere too: a name that is built in."""
    return _made(text, None, {})


def counted(one: str, many: str, count: int, **values: Any) -> str:
    """The same of something that is counted."""
    return _made(one, many, {"count": count, **values})


def _made(pattern: str, plural: str | None, values: dict[str, Any]) -> Phrase:
    made = Phrase((pattern if plural is None or values["count"] == 1 else plural) % values)
    made.pattern, made.plural, made.values = pattern, plural, values
    return made
