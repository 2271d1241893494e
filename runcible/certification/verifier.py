"""Verify a bundle: no network, no database, no clock but the one handed in.

`verify` raises, so that nobody can forget to look at the answer. `verify_bundle` gives the report of every check, for
pages and programs that show it.
"""

from collections.abc import Callable
from datetime import datetime

from runcible.certification import record_checks, signature_checks
from runcible.certification.bundle import read
from runcible.certification.case import Case, Outcome, Unknown
from runcible.certification.report import TITLES, Check, Report
from runcible.certification.trust_root import TrustRoot
from runcible.errors import (
    BundleInvalid,
    CertificateExpired,
    CertificateRevoked,
    ContentChanged,
    InclusionInvalid,
    KeyNotValid,
    PolicyChanged,
    SealInvalid,
    SignatureInvalid,
    TimestampInvalid,
    VerificationError,
    VerificationIncomplete,
)
from runcible.moments import format_moment

_CHECKS: tuple[tuple[str, Callable[[Case], Outcome]], ...] = (
    ("seal", signature_checks.check_seal),
    ("signature", signature_checks.check_signature),
    ("second_signature", signature_checks.check_second_signature),
    ("keys", signature_checks.check_keys),
    ("content", record_checks.check_content),
    ("timestamp", record_checks.check_timestamp),
    ("inclusion", record_checks.check_inclusion),
    ("policy", record_checks.check_policy),
    ("status", record_checks.check_status),
    ("expiry", record_checks.check_expiry),
)

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
    case = Case(bundle, trust_root, at, content, erased)
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


def _made(name: str, make: Callable[[Case], Outcome], case: Case) -> Check:
    try:
        verdict, reason, required = make(case)
        return Check(name, verdict, reason, required)
    except VerificationError as wrong:
        return Check(name, "fail", str(wrong), error=type(wrong))
    except Unknown as told:
        return Check(name, "unknown", str(told))
