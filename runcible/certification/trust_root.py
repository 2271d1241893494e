"""The trust root: the public keys and time-stamping authorities that a verifier believes, and when each was in use.

It reaches a verifier by a way of its own, never inside what is verified. Old keys stay in it for ever. The format
stands in docs/formats/trust-root.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography import x509

from runcible import strict_json
from runcible.canonical import canonical_json
from runcible.certification.algorithms import PublicKey, load_public
from runcible.errors import KeyNotValid, KeyUnknown, StrictJsonError
from runcible.moments import CLOCK_SKEW, format_moment, parse_moment
from runcible.shapes import TEXT_OR_NONE, Kinds, shaped, texts

MEDIA_TYPE = "application/vnd.runcible.trust-root.v1+json"
STATES = ("pending", "active", "retired", "compromised")
LARGEST = 1_048_576


@dataclass(frozen=True)
class TrustedKey:
    """One signing key of the installation, and the time in which its signatures count.

    `state` is `pending` (not used yet), `active`, `retired` (no longer used, its signatures stay good) or
    `compromised` (somebody else may have had it from `compromised_at` on).
    """

    algorithm: str
    keyid: str
    pem: str
    valid_from: datetime
    valid_until: datetime | None = None
    state: str = "active"
    compromised_at: datetime | None = None

    @cached_property
    def public(self) -> PublicKey:
        """The key itself. Raises KeyNotValid when `pem` isn't the key that `keyid` and `algorithm` name."""
        key = load_public(self.pem)
        if (key.keyid, key.algorithm) != (self.keyid, self.algorithm):
            raise KeyNotValid(f"The trust root names key {self.keyid[:16]} as something that it is not.")
        return key

    def was_in_use(self, moment: datetime) -> bool:
        """Whether `moment` lies in the key's window, give or take a minute between two clocks."""
        begun = moment >= self.valid_from - CLOCK_SKEW
        return self.state != "pending" and begun and (self.valid_until is None or moment <= self.valid_until)

    @property
    def document(self) -> dict[str, Any]:
        """As the trust root writes it."""
        return {
            "algorithm": self.algorithm,
            "keyid": self.keyid,
            "public_key": self.pem,
            "valid_from": format_moment(self.valid_from),
            "valid_until": _optional(self.valid_until),
            "state": self.state,
            "compromised_at": _optional(self.compromised_at),
        }


@dataclass(frozen=True)
class TrustedAuthority:
    """A time-stamping authority. `certificates` are PEM: the one that signs tokens first, its root last.

    With `built_in` the installation runs it itself: its time is asserted, not testified by somebody else.
    """

    name: str
    built_in: bool
    certificates: tuple[str, ...]
    policy: str | None = None  # the policy OID that its tokens must name, dotted; None for any

    @cached_property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates, read. Raises KeyNotValid for what is no certificate."""
        try:
            return tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in self.certificates)
        except ValueError as refused:
            raise KeyNotValid(f"A certificate of {self.name} can't be read: {refused}") from None

    @property
    def document(self) -> dict[str, Any]:
        """As the trust root writes it."""
        return {
            "name": self.name,
            "built_in": self.built_in,
            "policy": self.policy,
            "certificates": list(self.certificates),
        }


@dataclass(frozen=True)
class TrustRoot:
    """Every key and every time-stamping authority that was ever trusted, each named once."""

    keys: tuple[TrustedKey, ...]
    timestamp_authorities: tuple[TrustedAuthority, ...] = field(default=())

    def key(self, keyid: str) -> TrustedKey:
        """Return the key with this id. Raises KeyUnknown."""
        for key in self.keys:
            if key.keyid == keyid:
                return key
        raise KeyUnknown(f"The trust root holds no key {keyid[:16]}.")

    def with_key(self, key: TrustedKey) -> "TrustRoot":
        """Return a trust root that holds one more key. Raises KeyNotValid when it is there already, or garbled."""
        if any(key.keyid == held.keyid for held in self.keys):
            raise KeyNotValid(f"The trust root holds key {key.keyid[:16]} already.")
        key.public  # noqa: B018 - raises unless the key is what it says
        return replace(self, keys=(*self.keys, key))

    def with_key_retired(self, keyid: str, at: datetime) -> "TrustRoot":
        """Return a trust root in which this key is used until `at` and no longer. Raises KeyUnknown."""
        return self._with(replace(self.key(keyid), state="retired", valid_until=at))

    def with_key_compromised(self, keyid: str, at: datetime) -> "TrustRoot":
        """Return a trust root that believes this key only where a trusted time before `at` is proven."""
        return self._with(replace(self.key(keyid), state="compromised", valid_until=at, compromised_at=at))

    def with_timestamp_authority(self, authority: TrustedAuthority) -> "TrustRoot":
        """Return a trust root that also believes tokens of this authority. Raises KeyNotValid when it is garbled."""
        if not authority.chain:
            raise KeyNotValid("A time-stamping authority needs at least one certificate.")
        return replace(self, timestamp_authorities=(*self.timestamp_authorities, authority))

    def _with(self, changed: TrustedKey) -> "TrustRoot":
        return replace(self, keys=tuple(changed if key.keyid == changed.keyid else key for key in self.keys))

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, without a float."""
        return {
            "mediaType": MEDIA_TYPE,
            "keys": [key.document for key in self.keys],
            "timestamp_authorities": [authority.document for authority in self.timestamp_authorities],
        }

    @classmethod
    def from_bytes(cls, data: bytes) -> "TrustRoot":
        """Read a trust root, every key of it. An answer of the API, {"data": {...}}, is taken as well.

        Raises KeyNotValid for anything else: nothing is verified against a trust root that can't be read whole.
        """
        try:
            document = strict_json.loads_object(data, max_bytes=LARGEST)
        except StrictJsonError as refused:
            raise KeyNotValid(f"The trust root can't be read: {refused}") from None
        if "mediaType" not in document and isinstance(document.get("data"), dict):
            document = document["data"]
        return cls.from_document(document)

    @property
    def bytes(self) -> bytes:
        """The canonical JSON of `document`: what is written to a file."""
        return canonical_json(self.document)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "TrustRoot":
        """Read `document`. Raises KeyNotValid."""
        if document.get("mediaType") != MEDIA_TYPE:
            raise KeyNotValid(f"This is not a trust root: its mediaType is not {MEDIA_TYPE}.")
        try:
            read = shaped(document, "a trust root", {"mediaType": str, "keys": list, "timestamp_authorities": list})
            keys = tuple(map(_key, read["keys"]))
            authorities = tuple(map(_authority, read["timestamp_authorities"]))
        except ValueError as refused:
            raise KeyNotValid(f"The trust root is garbled: {refused}") from None
        _check_named_once(keys)
        readable = [*(key.public for key in keys), *(authority.chain for authority in authorities)]
        assert len(readable) == len(keys) + len(authorities)  # reading each is what raises
        return cls(keys, authorities)


_KEY: Mapping[str, Kinds] = {
    "algorithm": str,
    "keyid": str,
    "public_key": str,
    "valid_from": str,
    "valid_until": TEXT_OR_NONE,
    "state": str,
    "compromised_at": TEXT_OR_NONE,
}
_AUTHORITY: Mapping[str, Kinds] = {"name": str, "built_in": bool, "policy": TEXT_OR_NONE, "certificates": list}


def _key(document: Any) -> TrustedKey:
    read = shaped(document, "a key", _KEY)
    if read["state"] not in STATES:
        raise ValueError(f"a key can't be {read['state']}")
    if (read["state"] == "compromised") != (read["compromised_at"] is not None):
        raise ValueError("a compromised key, and no other, says since when")
    return TrustedKey(
        algorithm=read["algorithm"],
        keyid=read["keyid"],
        pem=read["public_key"],
        valid_from=parse_moment(read["valid_from"]),
        valid_until=_parse_optional(read["valid_until"]),
        state=read["state"],
        compromised_at=_parse_optional(read["compromised_at"]),
    )


def _authority(document: Any) -> TrustedAuthority:
    read = shaped(document, "an authority", _AUTHORITY)
    certificates = texts(read["certificates"], "certificates")
    if not certificates:
        raise ValueError("an authority must have certificates")
    return TrustedAuthority(read["name"], read["built_in"], certificates, read["policy"])


def _check_named_once(keys: Iterable[TrustedKey]) -> None:
    keyids = [key.keyid for key in keys]
    if not keyids or len(set(keyids)) != len(keyids):
        raise KeyNotValid("A trust root must hold at least one key, and each only once.")


def _optional(moment: datetime | None) -> str | None:
    return None if moment is None else format_moment(moment)


def _parse_optional(text: str | None) -> datetime | None:
    return None if text is None else parse_moment(text)
