"""Verify a bundle: no network, no database, no clock but the one handed in.

`verify` raises, so that nobody can forget to look at the answer. `verify_bundle` gives the report of every check, for
pages and programs that show it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runcible import strict_json
from runcible.certification.bundle import STATUSES, Bundle, read
from runcible.certification.dsse import Signature
from runcible.certification.statement import Statement
from runcible.certification.timestamps import Timestamp, earliest
from runcible.certification.timestamps import verify as verify_timestamp
from runcible.certification.trust_root import TrustedKey, TrustRoot
from runcible.content import Output
from runcible.errors import (
    BundleInvalid,
    CertificateExpired,
    CertificateRejected,
    CertificateRevoked,
    ContentChanged,
    ContentInvalid,
    InclusionInvalid,
    KeyNotValid,
    PolicyChanged,
    PolicyInvalid,
    SealInvalid,
    SignatureInvalid,
    StrictJsonError,
    TimestampInvalid,
    TimestampUnavailable,
    VerificationError,
    VerificationIncomplete,
)
from runcible.governance.policy_documents import content_digest
from runcible.moments import CLOCK_SKEW, format_moment
from runcible.shapes import texts

TITLES = {
    "form": "The bundle is in its canonical form",
    "seal": "The bundle is as it was sealed",
    "signature": "The signature belongs to the statement",
    "second_signature": "Every signature that the policy requires is there",
    "keys": "The keys were in use when they signed",
    "content": "The content is the one that was judged",
    "timestamp": "The time of the signature is attested",
    "inclusion": "The certification stands in the log",
    "policy": "The policy is the one that was applied",
    "status": "The certification stands",
    "expiry": "The certification is in its time",
}
"""Each check with its title, in the order in which they are made."""

ABOUT_NOW = ("status", "expiry")
"""The checks that tell how things stand, not whether the record is genuine."""

_ERRORS: dict[str, type[VerificationError]] = {
    "form": BundleInvalid,
    "seal": SealInvalid,
    "signature": SignatureInvalid,
    "second_signature": SignatureInvalid,
    "keys": KeyNotValid,
    "content": ContentChanged,
    "timestamp": TimestampInvalid,
    "inclusion": InclusionInvalid,
    "policy": PolicyChanged,
    "status": CertificateRevoked,
    "expiry": CertificateExpired,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `pass`, `fail` or `unknown`, and why. A required one has to pass."""

    name: str
    verdict: str
    reason: str
    required: bool = True
    error: type[VerificationError] | None = field(default=None, compare=False)  # what `verify` raises

    @property
    def title(self) -> str:
        """What is checked, as a sentence that holds when it passes."""
        return TITLES[self.name]

    @property
    def lacks_content(self) -> bool:
        """Whether this is the check of the content, and there is none to check."""
        return self.name == "content" and self.verdict == "unknown"

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "verdict": self.verdict,
            "required": self.required,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Every check in order, and the statement where it could be read (believe it only when `authentic`)."""

    checks: tuple[Check, ...]
    statement: Statement | None

    @property
    def ok(self) -> bool:
        """Whether all required checks pass: the content may be relied on as the statement says."""
        return all(check.verdict == "pass" for check in self.checks if check.required)

    @property
    def authentic(self) -> bool:
        """Whether this is a genuine record of the issuer, be it of a rejection, or expired or revoked since.

        A record is no less genuine where its content isn't at hand, as after an erasure: other content would fail.
        """
        genuine = (check for check in self.checks if check.required and check.name not in ABOUT_NOW)
        return all(check.verdict == "pass" or check.lacks_content for check in genuine)

    @property
    def failed(self) -> bool:
        """Whether any required check fails. Not `ok` and not `failed`: something can't be decided."""
        return any(check.verdict == "fail" for check in self.checks if check.required)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "ok": self.ok,
            "authentic": self.authentic,
            "certification_number": None if self.statement is None else self.statement.number,
            "issuer": None if self.statement is None else self.statement.issuer.document,
            "requested_by": None if self.statement is None else self.statement.requested_by,
            "checks": [check.document for check in self.checks],
        }


def verify(data: bytes, *, trust_root: TrustRoot, at: datetime, content: bytes | None = None) -> None:
    """Check that the bundle `data` vouches for its content at the moment `at`, believing only `trust_root`.

    Raises the error of the first required check that doesn't pass: a VerificationError that names what is wrong, or
    VerificationIncomplete for what could not be decided. `at` must be aware; clocks may disagree by 60 seconds.
    """
    for check in verify_bundle(data, trust_root, at, content=content).checks:
        if check.required and check.verdict != "pass":
            wrong = check.error or _ERRORS[check.name]
            raise (wrong if check.verdict == "fail" else VerificationIncomplete)(f"{check.name}: {check.reason}")


def verify_bundle(
    data: bytes, trust_root: TrustRoot, at: datetime, *, content: bytes | None = None, erased: bool = False
) -> Report:
    """Make every check of the bundle `data` and report each. Never raises for what the data is.

    `content` are the bytes of the certified content, for a bundle that travels without it; `erased` says that the
    issuer has erased it, which a bundle can't tell. Raises ValueError for an `at` that is not aware.
    """
    format_moment(at)
    try:
        bundle = read(data)
    except BundleInvalid as refused:
        return _unreadable(str(refused))
    case = _Case(bundle, trust_root, at, content, erased)
    checks = [Check("form", "pass", "Every byte is where the format has it.")]
    for name, make in _CHECKS:
        checks.append(_made(name, make, case))
        case.verdicts[name] = checks[-1].verdict
    return Report(tuple(checks), bundle.statement)


def _unreadable(reason: str) -> Report:
    rest = [
        Check(name, "unknown", "The bundle can't be read.", name != "inclusion") for name in TITLES if name != "form"
    ]
    return Report((Check("form", "fail", reason), *rest), None)


class _Case:
    """One bundle under verification, and what has been found out about it."""

    def __init__(
        self, bundle: Bundle, trust_root: TrustRoot, at: datetime, content: bytes | None, erased: bool
    ) -> None:
        self.bundle, self.trust_root, self.at, self.content, self.erased = bundle, trust_root, at, content, erased
        self.verdicts: dict[str, str] = {}
        self.stamps, self.stamp_error = self._stamps()

    @property
    def statement(self) -> Statement:
        return self.bundle.statement

    @property
    def stamp(self) -> Timestamp | None:
        """The token to believe, if all of them hold."""
        return earliest(self.stamps)

    def certificate_terms(self) -> dict[str, Any]:
        """What the policy asks of a certificate. Raises PolicyChanged when it doesn't say."""
        try:
            terms: dict[str, Any] = self.bundle.document["policy"]["policy_rules"]["certificate"]
            if texts(terms["signatures"], "signatures") and terms["timestamp"] in ("required", "deferred"):
                return terms
        except (KeyError, TypeError, ValueError):
            pass
        raise PolicyChanged("The policy in the bundle doesn't say what a certificate needs.")

    def _stamps(self) -> tuple[list[Timestamp], VerificationError | None]:
        message = self.bundle.envelope.signatures[0].sig
        try:
            return [verify_timestamp(one, message, self.trust_root) for one in self.bundle.timestamps], None
        except TimestampUnavailable as refused:
            return [], TimestampInvalid(str(refused))
        except VerificationError as wrong:
            return [], wrong


class _Unknown(Exception):
    """The check can't be decided."""


_Outcome = tuple[str, str, bool]  # verdict, reason, required


def _made(name: str, make: Callable[[_Case], _Outcome], case: _Case) -> Check:
    try:
        verdict, reason, required = make(case)
        return Check(name, verdict, reason, required)
    except VerificationError as wrong:
        return Check(name, "fail", str(wrong), error=type(wrong))
    except _Unknown as told:
        return Check(name, "unknown", str(told))


def _passed(reason: str) -> _Outcome:
    return "pass", reason, True


def _seal(case: _Case) -> _Outcome:
    signature, as_of = case.bundle.seal.signature, case.bundle.status.as_of
    key = case.trust_root.key(signature.keyid)
    try:
        key.public.verify(signature.sig, case.bundle.sealed_bytes)
    except SignatureInvalid:
        raise SealInvalid("Something in the bundle was changed after it was sealed.") from None
    _check_trust(case)
    if as_of > case.at + CLOCK_SKEW:
        raise SealInvalid(f"The bundle says that it was sealed at {format_moment(as_of)}, which is still to come.")
    if key.state == "compromised":
        raise _Unknown("The key of the seal was compromised since; ask the issuer for a new bundle.")
    if not key.was_in_use(as_of):
        raise KeyNotValid(f"The key of the seal was not in use at {format_moment(as_of)}.")
    return _passed(f"Sealed at {format_moment(as_of)}.")


def _check_trust(case: _Case) -> None:
    """What a bundle carries for other tools must be what the trust root holds: it is never believed by itself."""
    trust = case.bundle.document["trust"]
    for carried in trust["keys"]:
        held = case.trust_root.key(carried["keyid"])
        if (carried["public_key"], carried["algorithm"]) != (held.pem, held.algorithm):
            raise SealInvalid("A public key in the bundle is not the one that the trust root holds.")
    certificates = {pem for authority in case.trust_root.timestamp_authorities for pem in authority.certificates}
    if not certificates.issuperset(trust["timestamp_certificates"]):
        raise SealInvalid("A certificate in the bundle is not one that the trust root holds.")


def _signature(case: _Case) -> _Outcome:
    key = _verify_signature(case, case.bundle.envelope.signatures[0])
    return _passed(f"{key.algorithm} by the key {key.keyid[:16]}.")


def _verify_signature(case: _Case, signature: Signature) -> TrustedKey:
    key = case.trust_root.key(signature.keyid)
    key.public.verify(signature.sig, case.bundle.envelope.pae)
    return key


def _second_signature(case: _Case) -> _Outcome:
    first, *others = case.bundle.envelope.signatures
    keyids = [signature.keyid for signature in (first, *others)]
    if len(set(keyids)) != len(keyids):
        raise SignatureInvalid("One key signed twice.")
    further = [_verify_signature(case, signature).algorithm for signature in others]
    present = {case.trust_root.key(first.keyid).algorithm, *further}
    lacking = [name for name in case.certificate_terms()["signatures"] if name not in present]
    if lacking:
        raise SignatureInvalid(f"The policy requires a signature that is missing: {', '.join(map(str, lacking))}.")
    return _passed(f"Also {', '.join(further)}." if further else "The policy asks for one signature.")


def _keys(case: _Case) -> _Outcome:
    if case.stamp is not None:
        moment = case.stamp.gen_time
        source = "asserted by the issuer's own time-stamp" if case.stamp.built_in else "testified by a time-stamp"
    else:
        moment, source = case.at, "asked about; no time-stamp tells when they signed"
    for signature in case.bundle.envelope.signatures:
        _check_window(case, case.trust_root.key(signature.keyid), moment)
    return _passed(f"In use at {format_moment(moment)}, the time {source}.")


def _check_window(case: _Case, key: TrustedKey, moment: datetime) -> None:
    testified = case.stamp is not None and not case.stamp.built_in
    if key.state == "compromised" and key.compromised_at is not None:
        if not testified:
            raise _Unknown(
                f"The key {key.keyid[:16]} was compromised at {format_moment(key.compromised_at)}, and nobody outside"
                " testifies that this signature is older."
            )
        if moment >= key.compromised_at:
            raise KeyNotValid(f"The key {key.keyid[:16]} was already compromised when it signed.")
    if key.was_in_use(moment):
        return
    if case.stamp is None and key.state == "retired":
        raise _Unknown(f"The key {key.keyid[:16]} is retired, and nothing tells whether this signature is older.")
    raise KeyNotValid(f"The key {key.keyid[:16]} was not in use at {format_moment(moment)}.")


def _content(case: _Case) -> _Outcome:
    statement, output = case.statement, case.bundle.output
    if output is None and case.content is None:
        if case.erased:
            raise _Unknown("The content was erased; the record of it stands.")
        raise _Unknown("The content doesn't travel in this bundle, or was erased; hand it in beside it.")
    for one in filter(None, (output, _handed_in(case))):
        if one.digest != statement.output_digest:
            raise ContentChanged("The SHA-256 of the content is not the one that was signed.")
        said = statement.output
        if (one.media_type, one.hash_scheme, len(one.bytes)) != (said["media_type"], said["hash_scheme"], said["size"]):
            raise ContentChanged("The content is not of the kind or size that was signed.")
    return _passed(f"SHA-256 {statement.output_digest}.")


def _handed_in(case: _Case) -> Output | None:
    """The content that came beside the bundle, read as the statement says. JSON may be spelt in any way."""
    if case.content is None:
        return None
    said = case.statement.output
    try:
        if said["hash_scheme"] == "jcs-sha256":
            return Output.of_json(strict_json.loads(case.content), said["media_type"])
        return Output.of_text(case.content.decode("utf-8"), said["media_type"])
    except (UnicodeDecodeError, StrictJsonError, ContentInvalid):
        raise ContentChanged("The content that was handed in is not of the kind that was signed.") from None


def _timestamp(case: _Case) -> _Outcome:
    if case.stamp_error is not None:
        raise case.stamp_error
    stamp = case.stamp
    if stamp is None:
        return _without_timestamp(case)
    if any(one.gen_time > case.at + CLOCK_SKEW for one in case.stamps):
        raise TimestampInvalid("A time-stamp lies after the moment asked about.")
    if any(one.gen_time < case.statement.issued_at - CLOCK_SKEW for one in case.stamps):
        raise TimestampInvalid("A time-stamp is older than the statement that it is about.")
    moment = format_moment(stamp.gen_time)
    if stamp.built_in:
        return _passed(f"{moment}, asserted by the issuer itself ({stamp.authority}); nobody outside testifies to it.")
    return _passed(f"{moment}, testified by {stamp.authority}.")


def _without_timestamp(case: _Case) -> _Outcome:
    if case.certificate_terms()["timestamp"] == "required":
        raise TimestampInvalid("The policy requires a time-stamp, and there is none.")
    return "unknown", "There is no time-stamp yet; the policy lets it be added later.", False


def _inclusion(case: _Case) -> _Outcome:
    assert case.bundle.document["log"] is None
    return "unknown", "This issuer keeps no public log yet.", False


def _policy(case: _Case) -> _Outcome:
    carried, said = case.bundle.document["policy"], case.statement.policy
    expected = {"id", "name", "version", "policy_rules", "compliance_requirements"}
    if not isinstance(carried, dict) or set(carried) != expected:
        raise PolicyChanged("The bundle doesn't hold a whole policy version.")
    try:
        digest = content_digest(carried["policy_rules"], carried["compliance_requirements"])
    except PolicyInvalid as refused:
        raise PolicyChanged(f"The policy can't be read: {refused}") from None
    if digest != said["digest"] or any(carried[name] != said[name] for name in ("id", "name", "version")):
        raise PolicyChanged("The policy in the bundle is not the one that the statement names.")
    return _passed(f"{said['name']}, version {said['version']}, SHA-256 {digest}.")


def _status(case: _Case) -> _Outcome:
    status, decision = case.bundle.status, case.statement.decision
    if status.certification_status not in STATUSES[decision]:
        raise BundleInvalid("The status is not one that can follow from the decision.")
    if decision == "rejected":
        raise CertificateRejected("This is the record of a rejection: the content was not certified.")
    if case.verdicts["seal"] != "pass":
        raise _Unknown("The status is only as good as the seal.")
    as_of = format_moment(status.as_of)
    if status.certification_status == "certified":
        return _passed(f"Certified as of {as_of}; what happened later can't show here.")
    since = status.effective_at
    if since is not None and case.at < since:
        return _passed(f"{status.certification_status} with effect from {format_moment(since)} only.".capitalize())
    because = f" Reason given: {status.reason}" if status.reason else ""
    raise CertificateRevoked(f"It was {status.certification_status}, as of {as_of}.{because}")


def _expiry(case: _Case) -> _Outcome:
    statement = case.statement
    if statement.issued_at > case.at + CLOCK_SKEW:
        raise CertificateExpired(f"It was issued at {format_moment(statement.issued_at)}, which is still to come.")
    if statement.expires_at is None:
        return "unknown", "A rejection doesn't expire.", False
    if case.at >= statement.expires_at:
        raise CertificateExpired(f"It expired at {format_moment(statement.expires_at)}.")
    return _passed(f"Good until {format_moment(statement.expires_at)}.")


_CHECKS: tuple[tuple[str, Callable[[_Case], _Outcome]], ...] = (
    ("seal", _seal),
    ("signature", _signature),
    ("second_signature", _second_signature),
    ("keys", _keys),
    ("content", _content),
    ("timestamp", _timestamp),
    ("inclusion", _inclusion),
    ("policy", _policy),
    ("status", _status),
    ("expiry", _expiry),
)
