"""DSSE envelopes: a payload and its signatures (https://github.com/secure-systems-lab/dsse, version 1.0).

What is signed is the pre-authentication encoding (PAE), which binds the type of the payload to its bytes.
"""

import re
from dataclasses import dataclass
from typing import Any

from runcible.canonical import canonical_json
from runcible.certification.encoding import from_base64, to_base64
from runcible.errors import BundleInvalid
from runcible.shapes import shaped

STATEMENT_TYPE = "application/vnd.in-toto+json"

_KEYID = re.compile("[0-9a-f]{64}")
_MOST_SIGNATURES = 16


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed for a payload of this type."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature, and the SHA-256 of the key that made it."""

    keyid: str
    sig: bytes

    @property
    def document(self) -> dict[str, str]:
        """As DSSE writes it."""
        return {"keyid": self.keyid, "sig": to_base64(self.sig)}

    @classmethod
    def from_document(cls, document: Any) -> "Signature":
        """Read back `document`. Raises BundleInvalid."""
        try:
            read = shaped(document, "a signature", {"keyid": str, "sig": str})
            if not _KEYID.fullmatch(read["keyid"]):
                raise BundleInvalid("The keyid of a signature must be 64 lower-case hex digits.")
            return cls(read["keyid"], from_base64(read["sig"]))
        except ValueError as refused:
            raise BundleInvalid(f"A signature can't be read: {refused}.") from None


@dataclass(frozen=True, slots=True)
class Envelope:
    """An in-toto statement in its exact bytes, and the signatures over it, the service's own first."""

    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def pae(self) -> bytes:
        """What each signature covers."""
        return pae(STATEMENT_TYPE, self.payload)

    @property
    def document(self) -> dict[str, Any]:
        """As DSSE writes it."""
        return {
            "payload": to_base64(self.payload),
            "payloadType": STATEMENT_TYPE,
            "signatures": [signature.document for signature in self.signatures],
        }

    @property
    def bytes(self) -> bytes:
        """The canonical JSON of `document`."""
        return canonical_json(self.document)

    @classmethod
    def from_document(cls, document: Any) -> "Envelope":
        """Read back `document`; nothing is verified. Raises BundleInvalid for any other shape."""
        try:
            read = shaped(document, "an envelope", {"payload": str, "payloadType": str, "signatures": list})
            payload = from_base64(read["payload"])
        except ValueError as refused:
            raise BundleInvalid(f"The envelope can't be read: {refused}.") from None
        if read["payloadType"] != STATEMENT_TYPE:
            raise BundleInvalid(f"The payloadType of an envelope must be {STATEMENT_TYPE}.")
        if not 1 <= len(read["signatures"]) <= _MOST_SIGNATURES:
            raise BundleInvalid(f"An envelope must have from 1 to {_MOST_SIGNATURES} signatures.")
        return cls(payload, tuple(map(Signature.from_document, read["signatures"])))
