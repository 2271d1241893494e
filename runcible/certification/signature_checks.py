"""Who signed what, and when: the seal, the signatures over the statement, and the time in which their keys held."""

from datetime import datetime

from runcible.certification.case import Case, Outcome, Unknown, passed
from runcible.certification.dsse import Signature
from runcible.certification.trust_root import TrustedKey
from runcible.errors import KeyNotValid, SealInvalid, SignatureInvalid
from runcible.moments import CLOCK_SKEW, format_moment


def check_seal(case: Case) -> Outcome:
    """Whether the bundle is as its issuer sealed it."""
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
        raise Unknown("The key of the seal was compromised since; ask the issuer for a new bundle.")
    if not key.was_in_use(as_of):
        raise KeyNotValid(f"The key of the seal was not in use at {format_moment(as_of)}.")
    return passed(f"Sealed at {format_moment(as_of)}.")


def _check_trust(case: Case) -> None:
    """What a bundle carries for other tools must be what the trust root holds: it is never believed by itself."""
    trust = case.bundle.document["trust"]
    for carried in trust["keys"]:
        held = case.trust_root.key(carried["keyid"])
        if (carried["public_key"], carried["algorithm"]) != (held.pem, held.algorithm):
            raise SealInvalid("A public key in the bundle is not the one that the trust root holds.")
    certificates = {pem for authority in case.trust_root.timestamp_authorities for pem in authority.certificates}
    if not certificates.issuperset(trust["timestamp_certificates"]):
        raise SealInvalid("A certificate in the bundle is not one that the trust root holds.")


def check_signature(case: Case) -> Outcome:
    """Whether the first signature belongs to the statement."""
    key = _verify_signature(case, case.bundle.envelope.signatures[0])
    return passed(f"{key.algorithm} by the key {key.keyid[:16]}.")


def _verify_signature(case: Case, signature: Signature) -> TrustedKey:
    key = case.trust_root.key(signature.keyid)
    key.public.verify(signature.sig, case.bundle.envelope.pae)
    return key


def check_second_signature(case: Case) -> Outcome:
    """Whether every signature that the policy requires is there."""
    first, *others = case.bundle.envelope.signatures
    keyids = [signature.keyid for signature in (first, *others)]
    if len(set(keyids)) != len(keyids):
        raise SignatureInvalid("One key signed twice.")
    further = [_verify_signature(case, signature).algorithm for signature in others]
    present = {case.trust_root.key(first.keyid).algorithm, *further}
    lacking = [name for name in case.certificate_terms()["signatures"] if name not in present]
    if lacking:
        raise SignatureInvalid(f"The policy requires a signature that is missing: {', '.join(map(str, lacking))}.")
    return passed(f"Also {', '.join(further)}." if further else "The policy asks for one signature.")


def check_keys(case: Case) -> Outcome:
    """Whether the keys were in use when they signed, as far as anything tells when that was."""
    if case.stamp is not None:
        moment = case.stamp.gen_time
        source = "asserted by the issuer's own time-stamp" if case.stamp.built_in else "testified by a time-stamp"
    else:
        moment, source = case.at, "asked about; no time-stamp tells when they signed"
    for signature in case.bundle.envelope.signatures:
        _check_window(case, case.trust_root.key(signature.keyid), moment)
    return passed(f"In use at {format_moment(moment)}, the time {source}.")


def _check_window(case: Case, key: TrustedKey, moment: datetime) -> None:
    testified = case.stamp is not None and not case.stamp.built_in
    if key.state == "compromised" and key.compromised_at is not None:
        if not testified:
            raise Unknown(
                f"The key {key.keyid[:16]} was compromised at {format_moment(key.compromised_at)}, and nobody outside"
                " testifies that this signature is older."
            )
        if moment >= key.compromised_at:
            raise KeyNotValid(f"The key {key.keyid[:16]} was already compromised when it signed.")
    if key.was_in_use(moment):
        return
    if case.stamp is None and key.state == "retired":
        raise Unknown(f"The key {key.keyid[:16]} is retired, and nothing tells whether this signature is older.")
    raise KeyNotValid(f"The key {key.keyid[:16]} was not in use at {format_moment(moment)}.")
