"""The built-in authority, read by three other programs: openssl, rfc3161-client and asn1crypto."""

import hashlib
import subprocess

import pytest
import rfc3161_client
from asn1crypto import core, tsp
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from runcible.certification import der, timestamps, tsa
from runcible.certification.tsa import POLICY
from runcible.errors import TimestampUnavailable

MESSAGE = b"the bytes of a signature"


def openssl(*arguments, cwd):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def place(tmp_path, trust_root):
    """A directory with a message and the certificates."""
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "chain.pem").write_text("".join(trust_root.timestamp_authorities[0].certificates))
    (tmp_path / "root.pem").write_text(trust_root.timestamp_authorities[0].certificates[-1])
    return tmp_path


@pytest.mark.parametrize("digest", ["-sha256", "-sha384", "-sha512"])
def test_openssl_asks_and_believes(place, ring, noon, digest):
    openssl("ts", "-query", "-data", "message", digest, "-cert", "-out", "q.tsq", cwd=place)
    (place / "r.tsr").write_bytes(ring.tsa.answer((place / "q.tsq").read_bytes(), at=noon))
    for given_ in (["-queryfile", "q.tsq"], ["-data", "message"]):
        done = openssl("ts", "-verify", *given_, "-in", "r.tsr", "-CAfile", "root.pem", cwd=place)
        assert (done.returncode, "Verification: OK" in done.stdout) == (0, True), done.stderr
    (place / "message").write_bytes(b"other bytes")
    assert (
        openssl("ts", "-verify", "-data", "message", "-in", "r.tsr", "-CAfile", "root.pem", cwd=place).returncode == 1
    )


def test_without_its_certificate_a_token_needs_it_beside(place, ring, noon):
    openssl("ts", "-query", "-data", "message", "-sha256", "-no_nonce", "-out", "q.tsq", cwd=place)
    (place / "r.tsr").write_bytes(ring.tsa.answer((place / "q.tsq").read_bytes(), at=noon))
    command = ["ts", "-verify", "-data", "message", "-in", "r.tsr", "-CAfile", "root.pem"]
    assert openssl(*command, cwd=place).returncode == 1
    assert openssl(*command, "-untrusted", "chain.pem", cwd=place).returncode == 0


def test_rfc3161_client_asks_and_believes(ring, trust_root, noon):
    request = (
        rfc3161_client.TimestampRequestBuilder().data(MESSAGE).nonce(nonce=True).cert_request(cert_request=True).build()
    )
    response = rfc3161_client.decode_timestamp_response(ring.tsa.answer(request.as_bytes(), at=noon))
    root = x509.load_pem_x509_certificate(trust_root.timestamp_authorities[0].certificates[-1].encode())
    verifier = rfc3161_client.VerifierBuilder.from_request(request).add_root_certificate(root).build()
    assert verifier.verify_message(response, MESSAGE)
    with pytest.raises(rfc3161_client.VerificationError):
        verifier.verify_message(response, b"other bytes")


def test_the_token_says_what_it_should(ring, noon):
    answer = tsp.TimeStampResp.load(ring.tsa.answer(timestamps.request_for(MESSAGE, 77), at=noon), strict=True)
    info = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed.native
    assert info["gen_time"] == noon
    assert (info["nonce"], info["policy"], info["version"]) == (77, POLICY, "v1")
    assert info["message_imprint"]["hashed_message"] == hashlib.sha256(MESSAGE).digest()
    assert info["serial_number"] > 0


@pytest.mark.parametrize("microsecond", [0, 1, 120_000, 999_999])
def test_its_time_has_a_fraction_that_three_programs_read(place, ring, trust_root, noon, microsecond):
    at = noon.replace(microsecond=microsecond)
    response = ring.tsa.answer(timestamps.request_for(MESSAGE, 77), at=at)
    assert timestamps.verify(response, MESSAGE, trust_root).gen_time == at
    assert rfc3161_client.decode_timestamp_response(response).tst_info.gen_time.replace(microsecond=0) == noon
    (place / "r.tsr").write_bytes(response)
    done = openssl("ts", "-verify", "-data", "message", "-in", "r.tsr", "-CAfile", "root.pem", cwd=place)
    assert "Verification: OK" in done.stdout, done.stderr


def test_two_tokens_have_two_serial_numbers(ring, trust_root, noon):
    request = timestamps.request_for(MESSAGE, 1)
    stamps = [timestamps.verify(ring.tsa.answer(request, at=noon), MESSAGE, trust_root) for _ in range(2)]
    assert stamps[0].serial != stamps[1].serial


def test_its_name_says_that_the_time_is_asserted(trust_root):
    (authority,) = trust_root.timestamp_authorities
    assert authority.built_in
    assert all("asserted time" in certificate.subject.rfc4514_string() for certificate in authority.chain)


def test_its_certificate_is_for_nothing_else(trust_root):
    certificate = trust_root.timestamp_authorities[0].chain[0]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert [one.dotted_string for one in usage.value] == ["1.3.6.1.5.5.7.3.8"]


def status_of(response):
    """The library's TimeStampResp asks for a token also in a rejection, so its parts are read one by one."""
    (status,) = core.SequenceOf.load(response, spec=tsp.PKIStatusInfo, strict=True)
    return status


def asking(**changes):
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"\0" * 32}
    return tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, **changes}).dump()


REFUSED = {
    "nothing": (b"", "bad_data_format"),
    "rubbish": (b"rubbish", "bad_data_format"),
    "something behind it": (asking() + b"\0", "bad_data_format"),
    "too large": (asking() + b"\0" * 20_000, "bad_data_format"),
    "cut off": (asking()[:-3], "bad_data_format"),
    "another structure": (b"\x30\x03\x02\x01\x01", "bad_data_format"),
    "SHA-1": (
        asking(message_imprint={"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": b"\0" * 20}),
        "bad_alg",
    ),
    "a hash of another size": (
        asking(message_imprint={"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"\0" * 20}),
        "bad_data_format",
    ),
    "another policy": (asking(req_policy="1.2.3.4"), "unaccepted_policy"),
    "an extension": (
        asking(extensions=[{"extn_id": "1.2.3.4", "critical": False, "extn_value": b"\x05\x00"}]),
        "unaccepted_extensions",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_request_gets_a_rejection(case, ring, trust_root, noon, tmp_path):
    request, failure = REFUSED[case]
    response = ring.tsa.answer(request, at=noon)
    status = status_of(response)
    assert (status["status"].native, status["fail_info"].native) == ("rejection", {failure})
    with pytest.raises(TimestampUnavailable, match=failure):
        timestamps.verify(response, MESSAGE, trust_root)
    (tmp_path / "r.tsr").write_bytes(response)
    shown = openssl("ts", "-reply", "-in", "r.tsr", "-text", cwd=tmp_path)
    assert "Status: Rejected." in shown.stdout


@given(data=st.binary(max_size=200))
def test_it_never_raises(ring, noon, data):
    assert ring.tsa.answer(data, at=noon)


def test_a_changed_request_gets_an_answer_of_some_kind(ring, noon):
    request = timestamps.request_for(MESSAGE, 2**63 + 5)
    for place in range(len(request)):
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            assert ring.tsa.answer(request[:place] + bytes([value]) + request[place + 1 :], at=noon)


@given(st.integers(-(2**200), 2**200))
def test_integers_are_read_back(value):
    assert core.Integer.load(der.integer(value), strict=True).native == value
    assert core.Integer(value).dump() == der.integer(value)


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1", "2.999.3", POLICY, "0.9", "1.39.127.128"]
)
def test_object_identifiers_are_read_back(dotted):
    assert core.ObjectIdentifier.load(der.oid(dotted), strict=True).dotted == dotted


@given(st.binary(max_size=70_000))
def test_long_contents_are_read_back(data):
    assert core.OctetString.load(der.octets(data), strict=True).native == data


@pytest.mark.parametrize(
    "failure", ["bad_alg", "bad_request", "bad_data_format", "unaccepted_policy", "unaccepted_extensions"]
)
def test_each_kind_of_refusal_is_read_back(failure):
    status = status_of(tsa._rejection(failure, "Why"))
    assert status["fail_info"].native == {failure}
    assert status["status_string"].native == ["Why"]
