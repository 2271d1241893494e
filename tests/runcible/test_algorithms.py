"""Each algorithm, against published vectors; one accepted form for each signature."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runcible.certification.algorithms import ALGORITHMS, generate, load_public, public_pem, sign
from runcible.errors import KeyNotValid, SignatureInvalid

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "signatures.json").read_text())
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("vector", VECTORS["rfc6979-p256-sha256"], ids=lambda vector: vector["message"])
def test_ecdsa_is_that_of_rfc_6979(vector):
    key = ec.derive_private_key(int(vector["private"], 16), ec.SECP256R1())
    r, s = decode_dss_signature(sign(key, vector["message"].encode()))
    expected = int(vector["s"], 16)
    assert r == int(vector["r"], 16)
    assert s == min(expected, ORDER - expected)  # of the two equal values the smaller


@pytest.mark.parametrize("vector", VECTORS["rfc8032-ed25519"], ids=lambda vector: vector["message"] or "empty")
def test_ed25519_is_that_of_rfc_8032(vector):
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["private"]))
    assert sign(key, bytes.fromhex(vector["message"])).hex() == vector["signature"]


@pytest.fixture(scope="module", params=ALGORITHMS)
def key(request):
    return generate(request.param, 2048)


def test_a_signature_holds_for_its_message_alone(key):
    public = load_public(public_pem(key))
    signature = sign(key, b"message")
    public.verify(signature, b"message")
    for wrong in (b"massage", b"", b"message "):
        with pytest.raises(SignatureInvalid):
            public.verify(signature, wrong)


def test_signing_twice_gives_the_same_bytes(key):
    assert sign(key, b"message") == sign(key, b"message")


def test_no_changed_byte_of_a_signature_is_accepted(key):
    public, signature = load_public(public_pem(key)), sign(key, b"message")
    for place in range(len(signature)):
        for bit in (1, 128):
            changed = bytearray(signature)
            changed[place] ^= bit
            with pytest.raises(SignatureInvalid):
                public.verify(bytes(changed), b"message")


@pytest.mark.parametrize(
    "other", [lambda s: s + b"\0", lambda s: s[:-1], lambda s: b"\0" + s, lambda s: b"", lambda s: s * 2]
)
def test_no_other_length_is_accepted(key, other):
    with pytest.raises(SignatureInvalid):
        load_public(public_pem(key)).verify(other(sign(key, b"message")), b"message")


def test_the_equal_twin_of_an_ecdsa_signature_is_refused():
    key = generate("ECDSA-P256-SHA256")
    r, s = decode_dss_signature(sign(key, b"message"))
    twin = encode_dss_signature(r, ORDER - s)
    key.public_key().verify(twin, b"message", ec.ECDSA(__import__("cryptography").hazmat.primitives.hashes.SHA256()))
    with pytest.raises(SignatureInvalid):
        load_public(public_pem(key)).verify(twin, b"message")


def test_the_key_id_is_what_openssl_and_sha256sum_give(key, tmp_path):
    (tmp_path / "public.pem").write_text(public_pem(key))
    command = ["openssl", "pkey", "-pubin", "-in", tmp_path / "public.pem", "-outform", "DER"]
    der = subprocess.run(command, capture_output=True, check=True).stdout
    assert load_public(public_pem(key)).keyid == hashlib.sha256(der).hexdigest()


def pem(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        pem(rsa.generate_private_key(65537, 1024)),
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(ec.generate_private_key(ec.SECP256K1())),
        pem(dsa.generate_private_key(1024)),
    ],
    ids=["empty", "nonsense", "garbled", "RSA-1024", "P-384", "secp256k1", "DSA"],
)
def test_weak_or_strange_keys_are_refused(text):
    with pytest.raises(KeyNotValid):
        load_public(text)


@pytest.mark.parametrize(("algorithm", "bits"), [("RSA-SHA256", 1024), ("RSA-SHA1", 3072), ("none", 3072)])
def test_weak_or_strange_keys_are_not_made(algorithm, bits):
    with pytest.raises(ValueError):
        generate(algorithm, bits)
