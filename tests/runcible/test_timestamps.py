"""Tokens that are not for this signature, one test for each way to be wrong."""

import hashlib
from datetime import timedelta

import pytest
from asn1crypto import cms, core, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from runcible.certification import timestamps
from runcible.certification.trust_root import TrustedAuthority
from runcible.errors import TimestampInvalid, TimestampUnavailable

MESSAGE = b"the bytes of a signature"


@pytest.fixture
def response(ring, noon):
    return ring.tsa.answer(timestamps.request_for(MESSAGE, 2**63 + 1), at=noon)


def asked_of(answer, trust_root, noon, seconds_later=0, **more):
    times = iter([noon, noon + timedelta(seconds=seconds_later)])
    return timestamps.obtain(MESSAGE, ask=answer, trust_root=trust_root, clock=lambda: next(times), **more)


def test_a_good_token_tells_when_and_by_whom(ring, trust_root, noon):
    stamp = asked_of(lambda request: ring.tsa.answer(request, at=noon), trust_root, noon)
    assert (stamp.gen_time, stamp.built_in) == (noon, True)
    assert "asserted time" in stamp.authority
    assert timestamps.verify(stamp.response, MESSAGE, trust_root) == stamp


def test_a_token_about_other_bytes_is_refused(response, trust_root):
    with pytest.raises(TimestampInvalid, match="other bytes"):
        timestamps.verify(response, b"other", trust_root)


def test_a_token_for_another_request_is_refused(response, trust_root, noon):
    with pytest.raises(TimestampInvalid, match="another request"):
        asked_of(lambda request: response, trust_root, noon)


def test_a_token_without_the_nonce_is_refused(ring, trust_root, noon):
    def forgetful(request):
        asked = tsp.TimeStampReq.load(request)
        plain = {name: asked[name] for name in ("version", "message_imprint", "cert_req")}
        return ring.tsa.answer(tsp.TimeStampReq(plain).dump(), at=noon)

    with pytest.raises(TimestampInvalid, match="another request"):
        asked_of(forgetful, trust_root, noon)


@pytest.mark.parametrize(
    "off", [timedelta(days=10), timedelta(seconds=4), -timedelta(seconds=4), -timedelta(days=10)], ids=str
)
def test_a_clock_that_is_wrong_is_noticed(ring, trust_root, noon, off):
    with pytest.raises(TimestampInvalid, match=r"clock|not valid at"):
        asked_of(lambda request: ring.tsa.answer(request, at=noon + off), trust_root, noon)


@pytest.mark.parametrize("off", [timedelta(seconds=1), -timedelta(seconds=2)], ids=str)
def test_clocks_may_disagree_a_little(ring, trust_root, noon, off):
    asked_of(lambda request: ring.tsa.answer(request, at=noon + off), trust_root, noon)


def test_the_tolerance_can_be_set(ring, trust_root, noon):
    asked_of(
        lambda request: ring.tsa.answer(request, at=noon + timedelta(seconds=30)),
        trust_root,
        noon,
        tolerance=timedelta(seconds=60),
    )


def test_a_slow_authority_is_believed_within_the_time_that_it_took(ring, trust_root, noon):
    asked_of(
        lambda request: ring.tsa.answer(request, at=noon + timedelta(seconds=8)), trust_root, noon, seconds_later=9
    )


def test_an_authority_that_nobody_named_is_refused(strangers_ring, trust_root, noon):
    with pytest.raises(TimestampInvalid, match="doesn't hold"):
        asked_of(lambda request: strangers_ring.tsa.answer(request, at=noon), trust_root, noon)


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>busy</html>", b"\x30\x00", b"\x30\x05\x30\x03\x02\x01\x00", b"\xff" * 100, b"\0" * 70_000],
    ids=repr,
)
def test_rubbish_is_no_token(answer, trust_root, noon):
    with pytest.raises(TimestampInvalid):
        asked_of(lambda request: answer, trust_root, noon)


def test_a_cut_token_is_refused(response, trust_root):
    for length in range(len(response)):
        with pytest.raises(TimestampInvalid):
            timestamps.verify(response[:length], MESSAGE, trust_root)
    with pytest.raises(TimestampInvalid):
        timestamps.verify(response + b"\0", MESSAGE, trust_root)


def test_no_changed_byte_gives_another_time(response, trust_root, noon):
    """Parts of a token are not signed by its authority, so a change may pass here (the seal of a bundle finds it);
    but it never changes what is believed."""
    for place in range(len(response)):
        changed = bytearray(response)
        changed[place] ^= 1
        try:
            stamp = timestamps.verify(bytes(changed), MESSAGE, trust_root)
        except (TimestampInvalid, TimestampUnavailable):
            continue
        assert stamp.gen_time == noon


@given(data=st.binary(max_size=300))
def test_rubbish_raises_nothing_else(trust_root, data):
    with pytest.raises((TimestampInvalid, TimestampUnavailable)):
        timestamps.verify(data, MESSAGE, trust_root)


# --- outside authorities, made here with a general encoder -----------------------------------------------------------


class Outside:
    """An authority of somebody else, with the faults that it is told to have."""

    def __init__(
        self, noon, *, usages=(ExtendedKeyUsageOID.TIME_STAMPING,), critical=True, rsa_key=False, ca=True, days=30
    ):
        make = (
            (lambda: rsa.generate_private_key(65537, 2048))
            if rsa_key
            else (lambda: ec.generate_private_key(ec.SECP256R1()))
        )
        self.root_key, self.key = make(), make()
        self.noon = noon
        self.root = self._certificate("root", "root", self.root_key, self.root_key, ca=ca, usages=(), days=3000)
        self.certificate = self._certificate(
            "tsa", "root", self.key, self.root_key, ca=False, usages=usages, critical=critical, days=days
        )

    def _certificate(self, subject, issuer, key, issuer_key, *, ca, usages, days, critical=True):
        name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])  # noqa: E731
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.noon - timedelta(days=1))
            .not_valid_after(self.noon + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=critical)
        return builder.sign(issuer_key, hashes.SHA256())

    @property
    def trusted(self):
        pems = tuple(one.public_bytes(Encoding.PEM).decode() for one in (self.certificate, self.root))
        return TrustedAuthority("Outside", False, pems)

    def answer(self, request, *, at=None, first_version=False, digest="sha256", **info):
        asked = tsp.TimeStampReq.load(request)
        content = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.2.3.4",
                "message_imprint": asked["message_imprint"],
                "serial_number": 7,
                "gen_time": at or self.noon,
                "nonce": asked["nonce"],
                **info,
            }
        ).dump()
        return self._wrap(content, first_version=first_version, digest=digest)

    def _wrap(self, content, *, first_version, digest):
        der = self.certificate.public_bytes(Encoding.DER)
        if first_version:
            named = tsp.SigningCertificate({"certs": [{"cert_hash": hashlib.sha1(der).digest()}]})
        else:
            named = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(der).digest()}]})
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.new(digest, content).digest()]},
                {"type": "signing_certificate" if first_version else "signing_certificate_v2", "values": [named]},
            ]
        )
        algorithm = {"sha256": hashes.SHA256(), "sha512": hashes.SHA512(), "sha1": hashes.SHA1()}[digest]
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature, kind = self.key.sign(attributes.dump(), padding.PKCS1v15(), algorithm), "rsassa_pkcs1v15"
        else:
            signature, kind = self.key.sign(attributes.dump(), ec.ECDSA(algorithm)), f"{digest}_ecdsa"
        loaded = cms.Certificate.load(der)
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {"issuer_and_serial_number": {"issuer": loaded.issuer, "serial_number": loaded.serial_number}}
            ),
            "digest_algorithm": {"algorithm": digest},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": kind},
            "signature": signature,
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": digest}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "signer_infos": [signer],
        }
        token = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()


def stamped_by(outside, trust_root, noon, **answer):
    believing = trust_root.with_timestamp_authority(outside.trusted)
    return asked_of(lambda request: outside.answer(request, **answer), believing, noon)


@pytest.mark.parametrize("kind", [{}, {"rsa_key": True}], ids=["ECDSA", "RSA"])
@pytest.mark.parametrize(
    "answer", [{}, {"first_version": True}, {"digest": "sha512"}], ids=["RFC 5816", "RFC 2634", "SHA-512"]
)
def test_an_outside_authority_that_is_named_is_believed(trust_root, noon, kind, answer):
    stamp = stamped_by(Outside(noon, **kind), trust_root, noon, **answer)
    assert (stamp.authority, stamp.built_in) == ("Outside", False)


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        ({"usages": (ExtendedKeyUsageOID.CODE_SIGNING,)}, {}, "time-stamping alone"),
        ({"usages": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)}, {}, "time-stamping alone"),
        ({"usages": ()}, {}, "time-stamping alone"),
        ({"critical": False}, {}, "time-stamping alone"),
        ({"ca": False}, {}, "may not"),
        ({"days": -0.5}, {}, "not valid at"),
        ({}, {"digest": "sha1"}, "not of a kind"),
        ({}, {"nonce": 1}, "another request"),
        (
            {},
            {"message_imprint": {"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": b"\0" * 20}},
            "hash that is not accepted",
        ),
    ],
    ids=str,
)
def test_an_authority_with_a_fault_is_refused(trust_root, noon, kind, answer, why):
    with pytest.raises(TimestampInvalid, match=why):
        stamped_by(Outside(noon, **kind), trust_root, noon, **answer)


def test_a_root_that_did_not_issue_the_certificate_is_no_chain(trust_root, noon):
    one, other = Outside(noon), Outside(noon)
    one.root = other.root
    with pytest.raises(TimestampInvalid, match="no chain"):
        stamped_by(one, trust_root, noon)


def test_a_signature_by_another_key_is_refused(trust_root, noon):
    outside = Outside(noon)
    outside.key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(TimestampInvalid, match="doesn't hold"):
        stamped_by(outside, trust_root, noon)


def test_a_token_under_another_policy_is_refused(trust_root, noon):
    outside = Outside(noon)
    pinned = TrustedAuthority("Outside", False, outside.trusted.certificates, "1.2.3.5")
    with pytest.raises(TimestampInvalid, match="another policy"):
        asked_of(outside.answer, trust_root.with_timestamp_authority(pinned), noon)


def test_a_testified_time_is_believed_before_an_asserted_one(ring, trust_root, noon):
    outside = Outside(noon)
    later = noon + timedelta(seconds=1)
    testified = stamped_by(outside, trust_root, noon, at=later)
    asserted = asked_of(lambda request: ring.tsa.answer(request, at=noon), trust_root, noon)
    assert timestamps.earliest([asserted, testified]) == testified
    assert timestamps.earliest([]) is None
