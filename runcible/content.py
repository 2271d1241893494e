"""What is certified, and what is known about how it came to be."""

import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runcible.canonical import canonical_json, sha256_hex
from runcible.errors import ContentInvalid, FieldError

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_SAFE_INTEGER = 2**53 - 1  # RFC 7493: what every reader of JSON understands alike
LONGEST_NAME = 200

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

_TEXT_TYPE = re.compile(r"text/[a-z0-9][a-z0-9.+-]{0,60}(; charset=utf-8)?")
_JSON_TYPE = re.compile(r"application/([a-z0-9][a-z0-9.-]{0,60}\+)?json")
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Output:
    """The content that is judged and certified: a text exactly as received, or a JSON value in its canonical form.

    Make one with `of_text`, `of_json` or `from_document`.
    """

    media_type: str
    is_json: bool
    text: str  # what is hashed, and what the spans of findings count in
    value: Any = field(repr=False)  # the JSON value with integers and floats; None for a text
    digest: str  # lower-hex SHA-256 of `bytes`: the seed's output_hash

    @classmethod
    def of_text(cls, text: str, media_type: str = TEXT) -> "Output":
        """Take a text as it is: its hash is what `sha256sum` prints for the same bytes.

        Raises ContentInvalid when it is empty, larger than 1 MiB, or holds U+0000 or half of a surrogate pair.
        """
        if not isinstance(text, str) or not text:
            raise _invalid("text", "must be a text that is not empty")
        if not isinstance(media_type, str) or not _TEXT_TYPE.fullmatch(media_type):
            raise _invalid("media_type", "must be a text type in UTF-8, such as text/plain; charset=utf-8")
        _check_text("text", text)
        return cls(media_type, False, text, None, _digest("text", text.encode()))

    @classmethod
    def of_json(cls, value: Any, media_type: str = JSON) -> "Output":
        """Take a JSON value, as `strict_json` reads it or in plain Python types; it is hashed in its canonical form.

        Raises ContentInvalid for nesting beyond 32, integers beyond +-(2^53 - 1), numbers that no double keeps, bad
        text, more than 1 MiB.
        """
        if not isinstance(media_type, str) or not _JSON_TYPE.fullmatch(media_type):
            raise _invalid("media_type", "must be application/json or end in +json")
        plain = plain_json("json", value)
        canonical = canonical_json(plain)
        return cls(media_type, True, canonical.decode(), plain, _digest("json", canonical))

    @classmethod
    def from_document(cls, document: Any) -> "Output":
        """Read back `document`. Raises ContentInvalid for any other shape."""
        if isinstance(document, dict) and set(document) == {"media_type", "text"}:
            return cls.of_text(document["text"], document["media_type"])
        if isinstance(document, dict) and set(document) == {"media_type", "json"}:
            return cls.of_json(document["json"], document["media_type"])
        raise _invalid("output", 'must be {"media_type", "text"} or {"media_type", "json"}')

    @property
    def document(self) -> dict[str, Any]:
        """The content as JSON: the seed's `output_content`."""
        return {"media_type": self.media_type, **({"json": self.value} if self.is_json else {"text": self.text})}

    @property
    def bytes(self) -> bytes:
        """Exactly what is hashed."""
        return self.text.encode()

    @property
    def hash_scheme(self) -> str:
        """How `bytes` came from the content: as received, or by RFC 8785."""
        return "jcs-sha256" if self.is_json else "sha256"

    def quote_digests(self, spans: list[tuple[int, int]]) -> list[str]:
        """Commit to the words of each span (start, end in code points) without giving them away.

        SHA-256 over the whole hashed text, a zero byte and the words: a card number alone could be guessed from its
        digest, this can only be recomputed by somebody who holds the text.
        """
        whole = hashlib.sha256(self.bytes + b"\0") if spans else hashlib.sha256()
        digests = []
        for start, end in spans:
            one = whole.copy()
            one.update(self.text[start:end].encode())
            digests.append(one.hexdigest())
        return digests


@dataclass(frozen=True, slots=True)
class Context:
    """How the output came to be: who provided which model, and what it was asked.

    The input is given as its text, as the SHA-256 of it, as both (then they must agree), or not at all. Raises
    ContentInvalid, naming each field.
    """

    provider: str
    model: str
    input_text: str | None = None
    input_hash: str | None = None

    def __post_init__(self) -> None:
        errors = [*_name_errors("llm_provider", self.provider), *_name_errors("model_name", self.model)]
        if self.input_text is not None:
            errors += _text_errors("input", self.input_text)
        if self.input_hash is not None and not _SHA256.fullmatch(self.input_hash):
            errors.append(FieldError("input_hash", "must be the SHA-256 of the input in 64 lower-case hex digits"))
        elif not errors and self.input_hash and self.input_text is not None:
            errors += _agreement_errors(self.input_hash, self.input_text)
        if errors:
            raise ContentInvalid(errors)

    @property
    def input_digest(self) -> str | None:
        """Lower-hex SHA-256 of the input, or None when nothing is known of it."""
        return self.input_hash or (None if self.input_text is None else sha256_hex(self.input_text.encode()))

    @property
    def captured(self) -> str:
        """How the input is known: its text was `supplied`, only its `hash` was, or `none`."""
        if self.input_text is not None:
            return "supplied"
        return "none" if self.input_hash is None else "hash"


def _invalid(name: str, message: str) -> ContentInvalid:
    return ContentInvalid([FieldError(name, message)])


def _digest(name: str, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _invalid(name, f"must not be larger than {MAX_BYTES} bytes")
    return sha256_hex(data)


def _text_errors(name: str, text: str) -> list[FieldError]:
    if len(text) > MAX_BYTES:
        return [FieldError(name, f"must not be larger than {MAX_BYTES} bytes")]
    if _BAD_CHARACTER.search(text):
        return [FieldError(name, "must not hold U+0000 or half of a surrogate pair")]
    return []


def _check_text(name: str, text: str) -> None:
    errors = _text_errors(name, text)
    if errors:
        raise ContentInvalid(errors)


def _name_errors(name: str, text: str) -> list[FieldError]:
    if len(text) > LONGEST_NAME:
        return [FieldError(name, f"must have at most {LONGEST_NAME} characters")]
    if _BAD_CHARACTER.search(text):
        return [FieldError(name, "must not hold U+0000 or half of a surrogate pair")]
    return []


def _agreement_errors(input_hash: str, input_text: str) -> list[FieldError]:
    if input_hash == sha256_hex(input_text.encode()):
        return []
    return [FieldError("input_hash", "is not the SHA-256 of the input that came with it")]


def plain_json(path: str, value: Any, depth: int = 0) -> Any:
    """Return `value` with each number as the int or float that its canonical form will be read back as.

    `path` names it in errors; `depth` is how deep it stands already. Raises ContentInvalid at the first fault.
    """
    if depth >= MAX_DEPTH and isinstance(value, (list, dict)):
        raise _invalid(path, f"must not be nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        _check_text(path, value)
        return value
    if isinstance(value, (int, float, Decimal)):
        return _plain_number(path, value)
    if isinstance(value, list):
        return [plain_json(f"{path}[{index}]", item, depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {_plain_key(path, key): plain_json(f"{path}.{key}", item, depth + 1) for key, item in value.items()}
    raise _invalid(path, f"can't hold a {type(value).__name__}")


def _plain_key(path: str, key: Any) -> str:
    if not isinstance(key, str):
        raise _invalid(path, "must have names that are texts")
    _check_text(path, key)
    return key


def _plain_number(path: str, number: int | float | Decimal) -> int | float:
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    if not exact.is_finite():
        raise _invalid(path, "must be a finite number")
    double = float(exact)
    whole = double.is_integer()
    if whole and abs(double) > MAX_SAFE_INTEGER:
        raise _invalid(path, "must lie within +-9007199254740991, beyond which readers of JSON disagree")
    if Decimal(repr(double)) != exact:
        raise _invalid(path, "has more digits than a double keeps")
    return int(double) if whole else double
