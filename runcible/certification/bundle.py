"""Bundles, `*.rcb.json`: everything that a stranger needs to verify one certification, in one file.

Every byte is covered. The file is canonical JSON, so no other spelling of it is accepted. The *seal*, one signature
by a key of the service, covers everything but the content; the content is covered by the digest in the signed
statement. So the same seal fits a bundle with its content and one without, as after an erasure.
The format stands in docs/formats/bundle.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from runcible import strict_json
from runcible.canonical import canonical_json
from runcible.certification.dsse import Envelope, Signature, pae
from runcible.certification.encoding import from_base64, to_base64
from runcible.certification.statement import Statement
from runcible.certification.timestamps import verify as verify_timestamp
from runcible.certification.trust_root import TrustRoot
from runcible.content import Output
from runcible.errors import (
    BundleInvalid,
    ContentInvalid,
    NotCanonical,
    SignatureInvalid,
    StrictJsonError,
    TimestampInvalid,
)
from runcible.governance.policy_documents import Policy
from runcible.moments import format_moment, parse_moment
from runcible.shapes import TEXT_OR_NONE, Kinds, shaped, texts

MEDIA_TYPE = "application/vnd.runcible.bundle.v1+json"
SEAL_TYPE = "application/vnd.runcible.bundle-seal.v1+json"
FILE_SUFFIX = ".rcb.json"
LARGEST = 16_777_216
_DEEPEST = 40  # a content of 32 levels, and what is around it
_MOST_VALUES = 250_000
_MOST_TIMESTAMPS = 16

STATUSES = {
    "certified": ("certified", "suspended", "revoked", "superseded"),
    "rejected": ("rejected",),
}
"""Which status a certification may have after which decision."""

_STATUS: Mapping[str, Kinds] = {
    "certification_status": str,
    "as_of": str,
    "effective_at": TEXT_OR_NONE,
    "reason": TEXT_OR_NONE,
    "superseded_by": TEXT_OR_NONE,
}
_MEMBERS = {"mediaType", "envelope", "timestamps", "trust", "policy", "content", "status", "log", "seal"}


@dataclass(frozen=True, slots=True)
class Status:
    """What had become of a certification at the moment `as_of`. A later revocation can't show in it."""

    certification_status: str
    as_of: datetime
    effective_at: datetime | None = None
    reason: str | None = None
    superseded_by: str | None = None  # the id of the certification that replaces this one

    @property
    def document(self) -> dict[str, Any]:
        """As a bundle writes it."""
        return {
            "certification_status": self.certification_status,
            "as_of": format_moment(self.as_of),
            "effective_at": None if self.effective_at is None else format_moment(self.effective_at),
            "reason": self.reason,
            "superseded_by": self.superseded_by,
        }

    @classmethod
    def from_document(cls, document: Any) -> "Status":
        """Read back `document`. Raises BundleInvalid."""
        try:
            read = shaped(document, "the status", _STATUS)
            effective = read["effective_at"]
            moments = parse_moment(read["as_of"]), None if effective is None else parse_moment(effective)
        except ValueError as refused:
            raise BundleInvalid(f"The status can't be read: {refused}.") from None
        if read["certification_status"] not in {status for after in STATUSES.values() for status in after}:
            raise BundleInvalid("The status is not one that a certification can have.")
        return cls(read["certification_status"], *moments, read["reason"], read["superseded_by"])


@dataclass(frozen=True, slots=True)
class Seal:
    """One signature over everything of a bundle but its content."""

    signature: Signature

    @property
    def document(self) -> dict[str, str]:
        """As a bundle writes it."""
        return self.signature.document

    @classmethod
    def from_document(cls, document: Any) -> "Seal":
        """Read back `document`. Raises BundleInvalid."""
        return cls(Signature.from_document(document))


@dataclass(frozen=True, slots=True)
class Parts:
    """What is sealed together. `timestamps` are DER TimeStampResp over the first signature; `trust_root` the public
    one of the installation, of which only the keys and authorities that this bundle uses are written."""

    envelope: Envelope
    timestamps: tuple[bytes, ...]
    policy: Policy
    trust_root: TrustRoot
    status: Status

    def check_complete(self) -> None:
        """Raise SignatureInvalid or TimestampInvalid when something is missing that the policy requires."""
        present = {self.trust_root.key(signature.keyid).algorithm for signature in self.envelope.signatures}
        missing = [algorithm for algorithm in self.policy.signatures if algorithm not in present]
        if missing:
            raise SignatureInvalid(f"The policy requires a signature that is missing: {', '.join(missing)}.")
        if self.policy.timestamp == "required" and not self.timestamps:
            raise TimestampInvalid("The policy requires a time-stamp, and there is none.")

    def sealed_bytes(self, keyid: str) -> bytes:
        """What a seal by the key `keyid` covers. Raises KeyUnknown when the trust root doesn't hold a key used."""
        return _sealed_bytes(self._document(keyid))

    def _document(self, sealing_keyid: str) -> dict[str, Any]:
        return {
            "mediaType": MEDIA_TYPE,
            "envelope": self.envelope.document,
            "timestamps": [to_base64(response) for response in self.timestamps],
            "trust": self._trust(sealing_keyid),
            "policy": self.policy.document,
            "status": self.status.document,
            "log": None,  # the place of the proof of inclusion
        }

    def _trust(self, sealing_keyid: str) -> dict[str, Any]:
        used = dict.fromkeys([*(signature.keyid for signature in self.envelope.signatures), sealing_keyid])
        keys = [self.trust_root.key(keyid) for keyid in used]
        return {
            "keys": [{"algorithm": key.algorithm, "keyid": key.keyid, "public_key": key.pem} for key in keys],
            "timestamp_certificates": _certificates(self.timestamps, self.envelope, self.trust_root),
        }


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read. Its form is right; nothing of it is verified yet."""

    document: dict[str, Any]
    envelope: Envelope
    statement: Statement
    timestamps: tuple[bytes, ...]
    output: Output | None
    status: Status
    seal: Seal

    @property
    def sealed_bytes(self) -> bytes:
        """What the seal covers."""
        return _sealed_bytes({name: self.document[name] for name in _MEMBERS - {"content", "seal"}})


def assemble(parts: Parts, seal: Seal, output: Output | None) -> bytes:
    """Return the bytes of a bundle. No key is needed. `output` is None where the content may not travel.

    Raises BundleInvalid when the parts don't belong together, so that no bundle leaves that nobody could read.
    """
    document = {
        **parts._document(seal.signature.keyid),
        "content": None if output is None else output.document,
        "seal": seal.document,
    }
    data = canonical_json(document)
    read(data)
    return data


def file_name(number: str) -> str:
    """Return the name under which the bundle of this certification is saved."""
    return number + FILE_SUFFIX


def read(data: bytes) -> Bundle:
    """Read a bundle, accepting only its one canonical form. Raises BundleInvalid.

    What it says about itself has to fit together; whether it is true is for the verifier.
    """
    document = _canonical_document(data)
    if set(document) != _MEMBERS or document["mediaType"] != MEDIA_TYPE:
        raise BundleInvalid(f"This is not a bundle with the mediaType {MEDIA_TYPE}.")
    if document["log"] is not None:
        raise BundleInvalid("A proof of inclusion is not known to this version.")
    envelope = Envelope.from_document(document["envelope"])
    _check_trust(document["trust"])
    return Bundle(
        document=document,
        envelope=envelope,
        statement=Statement.read(envelope.payload),
        timestamps=_timestamps(document["timestamps"]),
        output=_output(document["content"]),
        status=Status.from_document(document["status"]),
        seal=Seal.from_document(document["seal"]),
    )


def _canonical_document(data: bytes) -> dict[str, Any]:
    try:
        read = strict_json.loads_object(data, max_bytes=LARGEST, max_depth=_DEEPEST, max_nodes=_MOST_VALUES)
        document: dict[str, Any] = _with_floats(read)
        if canonical_json(document) != data:
            raise BundleInvalid("The bundle is not in its canonical form.")
    except (StrictJsonError, NotCanonical) as refused:
        raise BundleInvalid(f"The bundle can't be read: {refused}") from None
    return document


def _with_floats(value: Any) -> Any:
    """Numbers as canonical JSON has them. What a double doesn't keep is caught by comparing the canonical bytes."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_with_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_floats(item) for name, item in value.items()}
    return value


def _sealed_bytes(document: dict[str, Any]) -> bytes:
    return pae(SEAL_TYPE, canonical_json(document))


def _certificates(timestamps: tuple[bytes, ...], envelope: Envelope, trust_root: TrustRoot) -> list[str]:
    """The certificates of the authorities that gave these tokens, each once, a signing one before its root."""
    message = envelope.signatures[0].sig
    names = {verify_timestamp(response, message, trust_root).authority for response in timestamps}
    used = [authority for authority in trust_root.timestamp_authorities if authority.name in names]
    return list(dict.fromkeys(pem for authority in used for pem in authority.certificates))


def _check_trust(document: Any) -> None:
    try:
        read = shaped(document, "the trust", {"keys": list, "timestamp_certificates": list})
        for key in read["keys"]:
            shaped(key, "a key", {"algorithm": str, "keyid": str, "public_key": str})
        texts(read["timestamp_certificates"], "timestamp_certificates")
    except ValueError as refused:
        raise BundleInvalid(f"The trust can't be read: {refused}.") from None


def _timestamps(listed: Any) -> tuple[bytes, ...]:
    if not isinstance(listed, list) or len(listed) > _MOST_TIMESTAMPS:
        raise BundleInvalid(f"A bundle must have a list of at most {_MOST_TIMESTAMPS} time-stamps.")
    try:
        return tuple(map(from_base64, listed))
    except ValueError as refused:
        raise BundleInvalid(f"A time-stamp is {refused}.") from None


def _output(document: Any) -> Output | None:
    try:
        return None if document is None else Output.from_document(document)
    except ContentInvalid as refused:
        raise BundleInvalid(f"The content can't be read: {refused}") from None
