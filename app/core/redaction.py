"""What a line of the log may hold: fields that are named here, and in their texts nothing that looks like a secret.

The first wall is that nobody logs what people type; this is the second, for what a library or a later line repeats.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

LEFT_OUT = "[left out]"

# Ids, numbers and words of our own making: kept as they are.
PLAIN = frozenset(
    {
        *("event", "level", "process", "timestamp", "request_id", "method", "route", "ids", "status", "milliseconds"),
        *("bytes", "user_id", "key_id", "tenant", "job", "outbox_id", "task", "directive", "blocked", "mail_id"),
        *("template", "file", "signed", "stands_at", "element", "where"),
    }
)
# Texts that somebody else may have a part in.
TEXTS = frozenset({"error", "exception"})

_DIGITS = r"(?<![\w-])(?:[0-9][ -]?){12,18}[0-9](?![\w-])"
_SHAPES = re.compile(
    "|".join(
        (
            r"ovk_live_[\w-]+",  # API keys
            r"(?i:bearer|basic)\s+[\w.~+/=-]{8,}",  # an Authorization header
            r"(?:__Host-)?sid=[^\s;,\"']+",  # our cookie
            r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*",  # a JSON Web Token
            r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)",  # a password in an address
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
            # 256 random bits, as all of our tokens
            r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[\w-]{43}(?![\w-])",
            r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",  # an e-mail address
        )
    )
)
_CARD = re.compile(_DIGITS)


def redact(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out of a line what has no business there. A field that nobody has named here is left out as a whole."""
    for name, value in entry.items():
        if name in TEXTS or (name == "event" and " " in str(value)):  # a sentence is a library's: ours are words
            entry[name] = without_secrets(str(value))
        elif name not in PLAIN:
            entry[name] = LEFT_OUT
    return entry


def without_secrets(text: str) -> str:
    """The text without keys, tokens, cookies, passwords in addresses, e-mail addresses and card numbers."""
    return _CARD.sub(lambda found: LEFT_OUT if _is_card(found[0]) else found[0], _SHAPES.sub(LEFT_OUT, text))


def _is_card(text: str) -> bool:
    """Whether the digits carry the check digit of a payment card (Luhn, ISO/IEC 7812)."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
