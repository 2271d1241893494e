"""Texts as Yjs has them: documents in which the changes of several people always come to the same words.

Browsers have Yjs itself (app/static/js/together.js); here the same document is kept by pycrdt.
"""

from __future__ import annotations

from collections.abc import Iterable

from pycrdt import Doc, Text, TransactionEvent

from app.core.yjs_updates import NAME, Unreadable, read_state, read_update

NOTHING = b"\x00\x00"  # an update without any change
START = b"\x00"  # the state of somebody who has nothing yet


class Missing(Exception):
    """An update builds upon another that has not come yet. Ask for all that is missing."""


class Broken(Unreadable):
    """The document itself may be half changed: throw it away."""


class Document:
    """One text and all that was done to it."""

    def __init__(self, updates: Iterable[bytes] = ()) -> None:
        self._doc: Doc[Text] = Doc()
        self._news: bytes | None = None
        self._watching = self._doc.observe(self._notice)
        for update in updates:
            self.apply(update)

    def apply(self, update: bytes) -> bytes | None:
        """Take an update in, and return what of it was new; None where nothing was.

        Raises Unreadable and Missing, and then nothing was changed; or Broken.
        """
        reach = read_update(update)
        if not reach.follows(read_state(self.state)):
            raise Missing
        self._news = None
        try:
            self._doc.apply_update(update)
        except Exception as broken:
            raise Broken("This is no update.") from broken
        except BaseException as broken:
            if type(broken).__name__ != "PanicException":  # Rust says so of what it did not foresee; no name to import
                raise
            raise Broken("This is no update.") from broken
        if not reach.is_in(read_state(self.state)):
            raise Broken("Its parts wait for each other.")
        return self._news

    def updates_since(self, state: bytes = START) -> bytes:
        """All that somebody in this state has not seen yet, as one update. Raises Unreadable."""
        read_state(state)
        return bytes(self._doc.get_update(state))

    @property
    def state(self) -> bytes:
        """What this document has seen, in short."""
        return bytes(self._doc.get_state())

    @property
    def words(self) -> str:
        """The text as a person reads it."""
        return str(self._doc.get(NAME, type=Text))

    def _notice(self, event: TransactionEvent) -> None:
        self._news = bytes(event.update)


def begun_with(words: str) -> bytes:
    """The first update of a document that starts with these words."""
    doc: Doc[Text] = Doc()
    text = doc.get(NAME, type=Text)
    if words:
        text += words
    return bytes(doc.get_update())
