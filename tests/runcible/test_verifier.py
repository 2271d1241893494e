"""One test for each way in which a certification may not be relied on."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from runcible.canonical import canonical_json
from runcible.certification import bundle, dsse, timestamps
from runcible.certification.report import TITLES
from runcible.certification.verifier import verify, verify_bundle
from runcible.content import Output
from runcible.errors import (
    BundleInvalid,
    CertificateExpired,
    CertificateRejected,
    CertificateRevoked,
    KeyNotValid,
    KeyUnknown,
    PolicyChanged,
    SealInvalid,
    SignatureInvalid,
    TimestampInvalid,
    VerificationError,
    VerificationIncomplete,
)

DAY = timedelta(days=1)
P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def verdicts(data, trust_root, at):
    return {check.name: check.verdict for check in verify_bundle(data, trust_root, at).checks}


def raised(data, trust_root, at, **more):
    with pytest.raises(VerificationError) as error:
        verify(data, trust_root=trust_root, at=at, **more)
    return error.type


def resealed(made, signer, **changes):
    """The same with other parts, under a seal that holds: what an issuer could do, but nobody else."""
    parts = replace(made.parts, **changes)
    keyid = signer._keys[-1].public.keyid
    seal = bundle.Seal(signer._keys[-1].sign(parts.sealed_bytes(keyid)))
    return canonical_json({**parts._document(keyid), "content": made.output.document, "seal": seal.document})


def test_all_is_well(certified, trust_root, noon):
    report = verify_bundle(certified.data, trust_root, noon)
    assert [check.name for check in report.checks] == list(TITLES)
    assert {check.verdict for check in report.checks if check.required} == {"pass"}
    assert [(check.name, check.verdict) for check in report.checks if not check.required] == [("inclusion", "unknown")]
    assert report.ok
    assert report.authentic
    assert report.document["certification_number"] == "RC-2026-0000000042-Y"
    verify(certified.data, trust_root=trust_root, at=noon)


def test_the_built_in_time_is_called_asserted(certified, trust_root, noon):
    reasons = {check.name: check.reason for check in verify_bundle(certified.data, trust_root, noon).checks}
    assert "asserted by the issuer itself" in reasons["timestamp"]
    assert "asserted" in reasons["keys"]


def test_keys_of_a_stranger_are_unknown(certify, strangers_ring, trust_root, noon):
    made = certify(by=strangers_ring)
    assert verify_bundle(made.data, strangers_ring.trust_root, noon).ok
    assert raised(made.data, trust_root, noon) is KeyUnknown
    assert verdicts(made.data, trust_root, noon)["signature"] == "fail"


def test_a_moment_must_know_its_zone(certified, trust_root, noon):
    with pytest.raises(ValueError):
        verify_bundle(certified.data, trust_root, noon.replace(tzinfo=None))


# --- signatures ---------------------------------------------------------------------------------------------------


def test_a_stripped_second_signature_is_noticed(certified, ring, trust_root, noon):
    alone = dsse.Envelope(certified.envelope.payload, certified.envelope.signatures[:1])
    assert raised(resealed(certified, ring.signer, envelope=alone), trust_root, noon) is SignatureInvalid


def test_signatures_in_another_order_are_noticed(certified, ring, trust_root, noon):
    turned = dsse.Envelope(certified.envelope.payload, certified.envelope.signatures[::-1])
    with pytest.raises(TimestampInvalid):
        resealed(certified, ring.signer, envelope=turned)  # the token is about another signature


def test_one_key_signing_twice_is_noticed(certified, ring, trust_root, noon):
    first, second = certified.envelope.signatures
    twice = dsse.Envelope(certified.envelope.payload, (first, second, second))
    assert raised(resealed(certified, ring.signer, envelope=twice), trust_root, noon) is SignatureInvalid


def test_the_equal_twin_of_a_second_signature_is_noticed(certified, ring, trust_root, noon):
    first, second = certified.envelope.signatures
    r, s = decode_dss_signature(second.sig)
    twin = dsse.Signature(second.keyid, encode_dss_signature(r, P256 - s))
    turned = dsse.Envelope(certified.envelope.payload, (first, twin))
    assert raised(resealed(certified, ring.signer, envelope=turned), trust_root, noon) is SignatureInvalid


def test_a_signature_under_the_other_keys_name_is_noticed(certified, ring, trust_root, noon):
    first, second = certified.envelope.signatures
    mixed = dsse.Envelope(certified.envelope.payload, (dsse.Signature(second.keyid, first.sig), second))
    assert raised(resealed(certified, ring.signer, envelope=mixed), trust_root, noon) is SignatureInvalid


def test_a_seal_is_no_signature_of_a_statement(certified, ring):
    """Both are made with the same key: their types keep them apart."""
    seal = certified.seal.signature
    key = ring.trust_root.key(seal.keyid).public
    key.verify(seal.sig, certified.parts.sealed_bytes(seal.keyid))
    with pytest.raises(SignatureInvalid):
        key.verify(seal.sig, certified.envelope.pae)


# --- the seal -----------------------------------------------------------------------------------------------------


def test_a_certified_status_put_over_a_revoked_one_is_noticed(certify, trust_root, noon):
    good = certify()
    revoked = certify(status=bundle.Status("revoked", noon, noon, "wrong figures"))
    swapped = {**json.loads(revoked.data), "status": json.loads(good.data)["status"]}
    assert raised(canonical_json(swapped), trust_root, noon) is SealInvalid


def test_a_key_carried_in_place_of_the_trusted_one_is_noticed(certified, strangers_ring, ring, trust_root, noon):
    """The files for openssl come from the bundle, so they have to be the trusted ones."""
    document = json.loads(certified.data)
    document["trust"]["keys"][0]["public_key"] = strangers_ring.trust_root.keys[0].pem
    sealed = {name: value for name, value in document.items() if name not in {"seal", "content"}}
    document["seal"] = ring.signer._keys[-1].sign(bundle._sealed_bytes(sealed)).document
    assert raised(canonical_json(document), trust_root, noon) is SealInvalid


def test_a_certificate_that_nobody_trusts_is_noticed(certified, strangers_ring, ring, trust_root, noon):
    document = json.loads(certified.data)
    document["trust"]["timestamp_certificates"] += strangers_ring.trust_root.timestamp_authorities[0].certificates
    sealed = {name: value for name, value in document.items() if name not in {"seal", "content"}}
    document["seal"] = ring.signer._keys[-1].sign(bundle._sealed_bytes(sealed)).document
    assert raised(canonical_json(document), trust_root, noon) is SealInvalid


def test_a_seal_from_the_future_is_noticed(certify, trust_root, noon):
    made = certify(status=bundle.Status("certified", noon + DAY))
    assert raised(made.data, trust_root, noon) is SealInvalid


@pytest.mark.parametrize("days", [-2, 2])
def test_a_seal_by_a_key_that_was_not_in_use_is_noticed(certify, trust_root, noon, days):
    made = certify(status=bundle.Status("certified", noon + days * DAY))
    retired = trust_root.with_key_retired(trust_root.keys[-1].keyid, noon + DAY)
    assert raised(made.data, retired, noon + 3 * DAY) is KeyNotValid
    assert verdicts(made.data, retired, noon + 3 * DAY)["seal"] == "fail"


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_that_was_retired_later_still_counts(certified, trust_root, noon):
    later = trust_root
    for key in trust_root.keys:
        later = later.with_key_retired(key.keyid, noon + DAY)
    assert verify_bundle(certified.data, later, noon + 10 * DAY).ok


def test_a_key_that_was_retired_before_does_not(certified, trust_root, noon):
    later = trust_root.with_key_retired(trust_root.keys[0].keyid, noon - timedelta(hours=1))
    assert raised(certified.data, later, noon) is KeyNotValid


def test_a_key_that_was_not_yet_in_use_does_not_count(certified, trust_root, noon):
    first, second = trust_root.keys
    pending = replace(trust_root, keys=(replace(first, state="pending"), second))
    assert raised(certified.data, pending, noon) is KeyNotValid
    tomorrow = replace(trust_root, keys=(replace(first, valid_from=noon + DAY), second))
    assert raised(certified.data, tomorrow, noon) is KeyNotValid


@pytest.mark.parametrize("hours", [-1, 1])
def test_after_a_compromise_an_asserted_time_proves_nothing(certified, trust_root, noon, hours):
    later = trust_root.with_key_compromised(trust_root.keys[0].keyid, noon + timedelta(hours=hours))
    assert verdicts(certified.data, later, noon + DAY)["keys"] == "unknown"
    assert raised(certified.data, later, noon + DAY) is VerificationIncomplete


def outside(made, strangers_ring, noon):
    """The same stamped by somebody else's authority, and a trust root that calls it an outside one."""
    request = timestamps.request_for(made.envelope.signatures[0].sig, 2**63 + 9)
    (authority,) = strangers_ring.trust_root.timestamp_authorities
    return strangers_ring.tsa.answer(request, at=noon), replace(authority, built_in=False, name="Outside")


@pytest.mark.parametrize(("hours", "verdict"), [(1, "pass"), (0, "fail"), (-1, "fail")])
def test_after_a_compromise_a_testified_time_decides(certified, ring, strangers_ring, trust_root, noon, hours, verdict):
    response, authority = outside(certified, strangers_ring, noon)
    believing = trust_root.with_timestamp_authority(authority)
    data = resealed(certified, ring.signer, timestamps=(response,), trust_root=believing)
    later = believing.with_key_compromised(trust_root.keys[0].keyid, noon + timedelta(hours=hours))
    assert verdicts(data, later, noon + DAY)["keys"] == verdict


def test_a_status_under_a_compromised_seal_is_unknown(certified, trust_root, noon):
    later = trust_root.with_key_compromised(trust_root.keys[-1].keyid, noon + timedelta(hours=1))
    found = verdicts(certified.data, later, noon + DAY)
    assert (found["seal"], found["status"]) == ("unknown", "unknown")


# --- time ---------------------------------------------------------------------------------------------------------


def test_a_required_time_stamp_that_is_missing_is_noticed(certified, ring, trust_root, noon):
    assert raised(resealed(certified, ring.signer, timestamps=()), trust_root, noon) is TimestampInvalid


def test_a_time_stamp_that_may_come_later_is_not_silently_absent(
    certify, load_policy, rules_with, rule, trust_root, noon
):
    later = {"time_to_live_days": 1, "signatures": ["RSA-SHA256"], "timestamp": "deferred"}
    made = certify(policy=load_policy(rules_with(rule(), certificate=later)), stamp=False)
    report = verify_bundle(made.data, trust_root, noon)
    assert report.ok
    check = {one.name: one for one in report.checks}["timestamp"]
    assert (check.verdict, check.required) == ("unknown", False)
    retired = trust_root.with_key_retired(trust_root.keys[0].keyid, noon + timedelta(hours=1))
    assert verdicts(made.data, retired, noon + timedelta(hours=2))["keys"] == "unknown"


def test_the_token_of_another_certification_is_noticed(certify, ring, trust_root, noon):
    one, other = certify("One."), certify("Another.")
    with pytest.raises(TimestampInvalid):
        resealed(one, ring.signer, timestamps=other.parts.timestamps)
    document = json.loads(one.data)
    document["timestamps"] = json.loads(other.data)["timestamps"]
    assert verdicts(canonical_json(document), trust_root, noon)["timestamp"] == "fail"


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_time_stamp_that_can_not_be_is_noticed(certify, trust_root, noon, hours):
    made = certify(stamped_at=noon + timedelta(hours=hours))
    assert raised(made.data, trust_root, noon) in {TimestampInvalid, KeyNotValid}
    assert verdicts(made.data, trust_root, noon)["timestamp"] == "fail"


@pytest.mark.parametrize(
    ("after", "verdict"),
    [(30 * DAY, "fail"), (30 * DAY - timedelta(microseconds=1), "pass"), (-timedelta(seconds=59), "pass")],
    ids=str,
)
def test_it_is_good_for_its_time(certified, trust_root, noon, after, verdict):
    assert verdicts(certified.data, trust_root, noon + after)["expiry"] == verdict


def test_expired_is_told_apart_from_forged(certified, trust_root, noon):
    report = verify_bundle(certified.data, trust_root, noon + 31 * DAY)
    assert (report.ok, report.authentic) == (False, True)
    assert raised(certified.data, trust_root, noon + 31 * DAY) is CertificateExpired


def test_from_the_future_is_not_yet_good(certified, trust_root, noon):
    found = verdicts(certified.data, trust_root, noon - timedelta(minutes=5))
    assert (found["expiry"], found["timestamp"], found["seal"]) == ("fail", "fail", "fail")


# --- status and decision ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["revoked", "suspended", "superseded"])
def test_what_was_withdrawn_does_not_stand(certify, trust_root, noon, status):
    made = certify(status=bundle.Status(status, noon, noon, "wrong figures"))
    report = verify_bundle(made.data, trust_root, noon)
    assert (report.ok, report.authentic) == (False, True)
    assert "wrong figures" in {check.name: check.reason for check in report.checks}["status"]
    assert raised(made.data, trust_root, noon) is CertificateRevoked


def test_a_revocation_counts_from_its_effective_time(certify, trust_root, noon):
    made = certify(status=bundle.Status("revoked", noon, noon + DAY))
    assert verdicts(made.data, trust_root, noon)["status"] == "pass"
    assert verdicts(made.data, trust_root, noon + DAY)["status"] == "fail"


def test_a_rejection_is_a_genuine_record_and_no_certification(certify, trust_root, noon):
    made = certify("x" * 1001)
    report = verify_bundle(made.data, trust_root, noon)
    assert made.evaluation.decision == "rejected"
    assert (report.ok, report.authentic) == (False, True)
    assert raised(made.data, trust_root, noon) is CertificateRejected


def test_a_rejection_can_not_be_given_another_status(certify, ring, trust_root, noon):
    made = certify("x" * 1001)
    data = resealed(made, ring.signer, status=bundle.Status("certified", noon))
    assert raised(data, trust_root, noon) is BundleInvalid


# --- policy and content -------------------------------------------------------------------------------------------


def test_another_policy_is_noticed(certified, ring, load_policy, rules_with, rule, trust_root, noon):
    data = resealed(certified, ring.signer, policy=load_policy(rules_with(rule())))
    assert raised(data, trust_root, noon) is PolicyChanged


def test_another_version_of_the_same_words_is_noticed(certified, ring, trust_root, noon):
    data = resealed(certified, ring.signer, policy=replace(certified.policy, version=2))
    assert raised(data, trust_root, noon) is PolicyChanged


def test_another_content_is_noticed(certified, trust_root, noon):
    document = {**json.loads(certified.data), "content": Output.of_text("The sky was dark at noon.").document}
    report = verify_bundle(canonical_json(document), trust_root, noon)
    assert [check.name for check in report.checks if check.verdict == "fail"] == ["content"]


def test_another_media_type_of_the_same_bytes_is_noticed(certified, trust_root, noon):
    document = json.loads(certified.data)
    document["content"]["media_type"] = "text/html; charset=utf-8"
    report = verify_bundle(canonical_json(document), trust_root, noon)
    assert [check.name for check in report.checks if check.verdict == "fail"] == ["content"]


def test_a_statement_in_another_spelling_is_refused_though_it_is_signed(certified, ring, trust_root, noon):
    document = json.loads(certified.envelope.payload)
    envelope = ring.signer.sign(json.dumps(document).encode())
    response = ring.tsa.answer(timestamps.request_for(envelope.signatures[0].sig, 2**63), at=noon)
    data = resealed(certified, ring.signer, envelope=envelope, timestamps=(response,))
    assert raised(data, trust_root, noon) is BundleInvalid


def test_a_statement_holds_no_word_of_the_content(certify, load_policy):
    made = certify("Write to zaphod@example.org, guaranteed!", policy=load_policy("financial-promotions"))
    assert b"zaphod" not in made.envelope.payload
    without = bundle.assemble(made.parts, made.seal, None)
    assert b"zaphod" not in without


def test_a_statement_holds_no_float(certify, load_policy):
    made = certify(Output.of_json({"x": 0.5}), policy=load_policy("general"))

    def floats(value):
        raise AssertionError(value)

    json.loads(made.envelope.payload, parse_float=floats)
