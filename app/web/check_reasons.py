"""Why a check of a bundle, or a rule of a policy, came to what it did, in the language of whoever reads it.

Runcible knows no language but English, and fills in moments, keys and hashes: what was filled in stays as the record
has it. A reason that is not among these is shown as runcible says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from app.core.phrases import phrase
from app.web.languages import translated

PLAIN = (
    phrase("Every byte is where the format has it."),
    phrase("The bundle can't be read."),
    phrase("Something in the bundle was changed after it was sealed."),
    phrase("A public key in the bundle is not the one that the trust root holds."),
    phrase("A certificate in the bundle is not one that the trust root holds."),
    phrase("The key of the seal was compromised since; ask the issuer for a new bundle."),
    phrase("One key signed twice."),
    phrase("The policy asks for one signature."),
    phrase("The content was erased; the record of it stands."),
    phrase("The content doesn't travel in this bundle, or was erased; hand it in beside it."),
    phrase("The SHA-256 of the content is not the one that was signed."),
    phrase("The content is not of the kind or size that was signed."),
    phrase("The content that was handed in is not of the kind that was signed."),
    phrase("A time-stamp lies after the moment asked about."),
    phrase("A time-stamp is older than the statement that it is about."),
    phrase("The policy requires a time-stamp, and there is none."),
    phrase("There is no time-stamp yet; the policy lets it be added later."),
    phrase("This issuer keeps no public log yet."),
    phrase("The bundle doesn't hold a whole policy version."),
    phrase("The policy in the bundle is not the one that the statement names."),
    phrase("The status is not one that can follow from the decision."),
    phrase("The status is only as good as the seal."),
    phrase("This is the record of a rejection: the content was not certified."),
    phrase("A rejection doesn't expire."),
)
FILLED_IN = (
    phrase("Sealed at %(moment)s."),
    phrase("The bundle says that it was sealed at %(moment)s, which is still to come."),
    phrase("The key of the seal was not in use at %(moment)s."),
    phrase("%(algorithm)s by the key %(key)s."),
    phrase("The %(algorithm)s signature doesn't belong to these bytes."),
    phrase("The trust root holds no key %(key)s."),
    phrase("The policy requires a signature that is missing: %(algorithm)s."),
    phrase("Also %(algorithm)s."),
    phrase("In use at %(moment)s, the time asserted by the issuer's own time-stamp."),
    phrase("In use at %(moment)s, the time testified by a time-stamp."),
    phrase("In use at %(moment)s, the time asked about; no time-stamp tells when they signed."),
    phrase("The key %(key)s was compromised at %(moment)s, and nobody outside testifies that this signature is older."),
    phrase("The key %(key)s was already compromised when it signed."),
    phrase("The key %(key)s is retired, and nothing tells whether this signature is older."),
    phrase("The key %(key)s was not in use at %(moment)s."),
    phrase("SHA-256 %(digest)s."),
    phrase("%(moment)s, asserted by the issuer itself (%(authority)s); nobody outside testifies to it."),
    phrase("%(moment)s, testified by %(authority)s."),
    phrase("The policy can't be read: %(reason)s"),
    phrase("%(policy)s, version %(version)s, SHA-256 %(digest)s."),
    phrase("Certified as of %(moment)s; what happened later can't show here."),
    phrase("Revoked with effect from %(moment)s only."),
    phrase("Superseded with effect from %(moment)s only."),
    phrase("Suspended with effect from %(moment)s only."),
    phrase("It was revoked, as of %(moment)s. Reason given: %(reason)s"),
    phrase("It was revoked, as of %(moment)s."),
    phrase("It was superseded, as of %(moment)s. Reason given: %(reason)s"),
    phrase("It was superseded, as of %(moment)s."),
    phrase("It was suspended, as of %(moment)s. Reason given: %(reason)s"),
    phrase("It was suspended, as of %(moment)s."),
    phrase("It was issued at %(moment)s, which is still to come."),
    phrase("It expired at %(moment)s."),
    phrase("Good until %(moment)s."),
)
# Of rules that could not be decided: runcible says these as a part of a sentence.
OF_RULES = (
    phrase("evidence that this rule needs is missing"),
    phrase("the time for this policy was used up before this rule ran"),
    phrase("the output is a text, not JSON"),
    phrase("the expression asks for a value that is not there"),
    phrase("the expression takes more steps than are allowed"),
    phrase("the expression is neither true nor false"),
)
OF_RULES_FILLED_IN = (
    phrase("the check took longer than %(seconds)s seconds"),
    phrase("the check failed to run (%(kind)s)"),
    phrase("the expression could not be evaluated (%(kind)s)"),
    phrase("the expression loops over a text of more than %(count)s characters"),
)
# What a rule may need, by the names that policies have for it.
NEEDS = {
    "input": phrase("the input, or its hash"),
    "input.text": phrase("the text of the input"),
    "model.name": phrase("the name of the model"),
    "model.provider": phrase("the provider of the model"),
    "output.json": phrase("an output in JSON"),
}


def in_words(reason: str) -> str:
    """A reason as whoever reads it is used to."""
    if reason in PLAIN or reason in OF_RULES:
        return translated(reason)
    for text, shape in _shapes():
        if found := shape.fullmatch(reason):
            return translated(text) % found.groupdict()
    return reason


def of_a_rule(reason: str | None, missing: Iterable[str]) -> str | None:
    """Why a rule could not be decided, and what was not there for it: a sentence, or None where that is not known."""
    if not reason:
        return None
    words = in_words(reason)
    needs = ", ".join(translated(NEEDS[need]) if need in NEEDS else need for need in missing)
    return f"{words[0].upper()}{words[1:]}{': ' if needs else ''}{needs}."


@cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The sentences that are filled in, each with what it matches. What is filled in may hold anything."""
    return tuple((text, re.compile(_pattern(text), re.DOTALL)) for text in (*FILLED_IN, *OF_RULES_FILLED_IN))


def _pattern(text: str) -> str:
    pieces = re.split(r"%\((\w+)\)s", text)  # words, name, words, name, … words
    holes = (f"(?P<{name}>.+?)" for name in pieces[1::2])
    return "".join(part for pair in zip(map(re.escape, pieces[::2]), [*holes, ""], strict=True) for part in pair)
