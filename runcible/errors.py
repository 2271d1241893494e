"""Every error that this package raises. Foreign exceptions never leave it.

Verifying raises, it returns no boolean that somebody could forget to look at: see `VerificationError`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a document, said to the person who can mend it."""

    field: str  # such as `items[3].amount`; `body` for the whole document
    message: str


class RuncibleError(Exception):
    """The root of the family."""


class _WithFields(RuncibleError):
    """An error that names fields."""

    def __init__(self, fields: Iterable[FieldError]) -> None:
        self.fields = tuple(fields)
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in self.fields))


class ContentInvalid(_WithFields):
    """A content, an input or a context that can't be certified at all, whatever the policy."""


class PolicyInvalid(_WithFields):
    """A policy document that can't be used. Nothing of it has been applied."""


class NotCanonical(RuncibleError):
    """A value that has no canonical JSON form: NaN, an integer beyond 2^53 - 1, a type that JSON doesn't have."""


class StrictJsonError(_WithFields):
    """Bytes that the strict JSON decoder refuses. `code` is the seed's error code for the kind of fault."""

    code: ClassVar[str] = "MALFORMED_JSON"

    def __init__(self, message: str, fields: Iterable[FieldError] = ()) -> None:
        super().__init__(fields)
        self.message = message

    def __str__(self) -> str:
        return self.message


class MalformedJson(StrictJsonError):
    """Not JSON as RFC 8259 has it, or not UTF-8."""


class DuplicateKey(StrictJsonError):
    """An object names one key twice, so that two readers could understand two different things."""

    code = "DUPLICATE_KEY"


class JsonTooDeep(StrictJsonError):
    """Nested deeper than the limit."""

    code = "JSON_TOO_DEEP"


class PayloadTooLarge(StrictJsonError):
    """More bytes or more values than the limit."""

    code = "PAYLOAD_TOO_LARGE"


class NumberOutOfRange(StrictJsonError):
    """A number with more digits or a larger exponent than anything here can use."""

    code = "VALIDATION_ERROR"


class BadText(StrictJsonError):
    """A text that holds U+0000 or half of a surrogate pair, which no database and no other program would keep."""

    code = "VALIDATION_ERROR"


class KeyStoreError(RuncibleError):
    """The directory of signing keys can't be made or opened: wrong passphrase, readable by others, missing, in use."""


class NumberInvalid(RuncibleError):
    """Not a certification number, or one whose check character doesn't agree with its digits."""


class TimestampUnavailable(RuncibleError):
    """The time-stamping authority didn't answer, or refused. Asking again later may help."""


class VerificationError(RuncibleError):
    """Something that was to be vouched for isn't."""


class BundleInvalid(VerificationError):
    """Not a bundle, or not the canonical form of one."""


class SealInvalid(VerificationError):
    """The bundle isn't the one that the issuer sealed."""


class SignatureInvalid(VerificationError):
    """A signature doesn't belong to these bytes, or one that the policy requires is missing."""


class KeyUnknown(VerificationError):
    """A signature names a key that the trust root doesn't hold."""


class KeyNotValid(VerificationError):
    """A key was not in use at the time of the signature."""


class ContentChanged(VerificationError):
    """The content isn't the one that was judged."""


class TimestampInvalid(VerificationError):
    """A time-stamp token that doesn't vouch for this signature, or none where the policy requires one."""


class InclusionInvalid(VerificationError):
    """The proof of a place in the log doesn't hold."""


class PolicyChanged(VerificationError):
    """The policy isn't the one that the statement names."""


class CertificateRejected(VerificationError):
    """An honest record of a rejection: what it describes was not certified."""


class CertificateRevoked(VerificationError):
    """Certified once, and withdrawn, suspended or replaced since."""


class CertificateExpired(VerificationError):
    """Outside the time for which it was issued."""


class VerificationIncomplete(VerificationError):
    """Nothing is known to be wrong, but something that is required could not be checked."""
