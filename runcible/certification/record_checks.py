"""What was signed, and whether it still stands: content, time, log, policy, status and expiry."""

from runcible import strict_json
from runcible.certification.bundle import STATUSES
from runcible.certification.case import Case, Outcome, Unknown, passed
from runcible.content import Output
from runcible.errors import (
    BundleInvalid,
    CertificateExpired,
    CertificateRejected,
    CertificateRevoked,
    ContentChanged,
    ContentInvalid,
    PolicyChanged,
    PolicyInvalid,
    StrictJsonError,
    TimestampInvalid,
)
from runcible.governance.policy_documents import content_digest
from runcible.moments import CLOCK_SKEW, format_moment


def check_content(case: Case) -> Outcome:
    """Whether the content is the one that was judged."""
    statement, output = case.statement, case.bundle.output
    if output is None and case.content is None:
        if case.erased:
            raise Unknown("The content was erased; the record of it stands.")
        raise Unknown("The content doesn't travel in this bundle, or was erased; hand it in beside it.")
    for one in filter(None, (output, _handed_in(case))):
        if one.digest != statement.output_digest:
            raise ContentChanged("The SHA-256 of the content is not the one that was signed.")
        said = statement.output
        if (one.media_type, one.hash_scheme, len(one.bytes)) != (said["media_type"], said["hash_scheme"], said["size"]):
            raise ContentChanged("The content is not of the kind or size that was signed.")
    return passed(f"SHA-256 {statement.output_digest}.")


def _handed_in(case: Case) -> Output | None:
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


def check_timestamp(case: Case) -> Outcome:
    """Whether the time of the signature is attested."""
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
        return passed(f"{moment}, asserted by the issuer itself ({stamp.authority}); nobody outside testifies to it.")
    return passed(f"{moment}, testified by {stamp.authority}.")


def _without_timestamp(case: Case) -> Outcome:
    if case.certificate_terms()["timestamp"] == "required":
        raise TimestampInvalid("The policy requires a time-stamp, and there is none.")
    return "unknown", "There is no time-stamp yet; the policy lets it be added later.", False


def check_inclusion(case: Case) -> Outcome:
    """Whether the certification stands in a public log: there is none yet."""
    assert case.bundle.document["log"] is None
    return "unknown", "This issuer keeps no public log yet.", False


def check_policy(case: Case) -> Outcome:
    """Whether the policy in the bundle is the one that was applied."""
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
    return passed(f"{said['name']}, version {said['version']}, SHA-256 {digest}.")


def check_status(case: Case) -> Outcome:
    """Whether the certification stood when the bundle was sealed."""
    status, decision = case.bundle.status, case.statement.decision
    if status.certification_status not in STATUSES[decision]:
        raise BundleInvalid("The status is not one that can follow from the decision.")
    if decision == "rejected":
        raise CertificateRejected("This is the record of a rejection: the content was not certified.")
    if case.verdicts["seal"] != "pass":
        raise Unknown("The status is only as good as the seal.")
    as_of = format_moment(status.as_of)
    if status.certification_status == "certified":
        return passed(f"Certified as of {as_of}; what happened later can't show here.")
    since = status.effective_at
    if since is not None and case.at < since:
        return passed(f"{status.certification_status} with effect from {format_moment(since)} only.".capitalize())
    because = f" Reason given: {status.reason}" if status.reason else ""
    raise CertificateRevoked(f"It was {status.certification_status}, as of {as_of}.{because}")


def check_expiry(case: Case) -> Outcome:
    """Whether the certification is in its time."""
    statement = case.statement
    if statement.issued_at > case.at + CLOCK_SKEW:
        raise CertificateExpired(f"It was issued at {format_moment(statement.issued_at)}, which is still to come.")
    if statement.expires_at is None:
        return "unknown", "A rejection doesn't expire.", False
    if case.at >= statement.expires_at:
        raise CertificateExpired(f"It expired at {format_moment(statement.expires_at)}.")
    return passed(f"Good until {format_moment(statement.expires_at)}.")
