"""Passwords that everybody guesses first (OWASP ASVS 5.0, 6.2.4 and 6.2.11).

`zxcvbn` (MIT licence) ships the 30,000 most common passwords and estimates how many guesses a password takes for
somebody who knows them, repeats, sequences, keyboards, and words about the person.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.core.errors import Invalid
from app.core.phrases import phrase

LOOKED_AT = 72  # characters: what comes after them makes no password easier to guess, and estimating dearer
GUESSES = 10**8  # fewer than these, and one leaked hash is a password within the hour


def refuse_easily_guessed(field: str, password: str, about: Iterable[str]) -> None:
    """Raise Invalid for `field` where a password that somebody chooses is common, or tells who they are."""
    if is_easily_guessed(password, [*about, "oversing"]):
        raise Invalid({field: phrase("This is too easily guessed. Take several words that do not belong together.")})


def is_easily_guessed(password: str, about: Iterable[str] = ()) -> bool:
    """Whether `password` is common, or made of little else than what `about` says of the person."""
    if password.lower() in _common():
        return True
    words = [part for text in about for part in _parts(text)]
    found = zxcvbn(password[:LOOKED_AT], user_inputs=words)
    return int(found["guesses"]) < GUESSES or _is_only(password, words)


def _is_only(password: str, words: Iterable[str]) -> bool:
    """Whether nothing to guess is left once words about the person, digits and signs are taken out."""
    rest = password.lower()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len({letter for letter in rest if letter.isalpha()}) < 4


def _parts(text: str) -> list[str]:
    """A name or address, and each word in it that is long enough to tell anything."""
    lowered = text.lower()
    split = "".join(letter if letter.isalnum() else " " for letter in lowered).split()
    return [lowered, *(word for word in split if len(word) > 2)]


@cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
