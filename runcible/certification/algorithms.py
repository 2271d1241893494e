"""The signature algorithms by the names that documents use. The name always comes from the trust root, never from
what is being verified.

Every signature here has exactly one accepted form for a given key and message nonce: RSA and Ed25519 by their
definition, ECDSA because it is deterministic (RFC 6979), strict DER, and of the two equal values of `s` only the
smaller is written and accepted. So nobody can change a byte of a signature and keep it valid.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from runcible.errors import KeyNotValid, SignatureInvalid

RSA_SHA256 = "RSA-SHA256"
ECDSA_P256_SHA256 = "ECDSA-P256-SHA256"
ED25519 = "Ed25519"
ALGORITHMS = (RSA_SHA256, ECDSA_P256_SHA256, ED25519)

RSA_BITS = (2048, 3072, 4096)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class PublicKey(Protocol):
    """A public key that belongs to one algorithm."""

    @property
    def algorithm(self) -> str:
        """One of ALGORITHMS."""
        ...

    @property
    def keyid(self) -> str:
        """Lower-hex SHA-256 of the key's SubjectPublicKeyInfo in DER."""
        ...

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raise SignatureInvalid unless `signature` is the one form of this key's signature over `message`."""
        ...


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of any of the three kinds."""

    algorithm: str
    keyid: str
    _key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

    def verify(self, signature: bytes, message: bytes) -> None:
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                self._key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            elif isinstance(self._key, ec.EllipticCurvePublicKey):
                _check_one_form(signature)
                self._key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            else:
                self._key.verify(signature, message)
        except InvalidSignature:
            raise SignatureInvalid(f"The {self.algorithm} signature doesn't belong to these bytes.") from None


def load_public(pem: str) -> PublicKey:
    """Read a public key in PEM (SubjectPublicKeyInfo). Raises KeyNotValid for a kind or size that is not used here."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as refused:
        raise KeyNotValid(f"This is not a public key in PEM: {refused}") from None
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    keyid = hashlib.sha256(spki).hexdigest()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        return _Key(RSA_SHA256, keyid, key)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return _Key(ECDSA_P256_SHA256, keyid, key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _Key(ED25519, keyid, key)
    raise KeyNotValid("This kind or size of key is not used here.")


def public_pem(key: PrivateKey) -> str:
    """Return the public half of `key` in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def generate(algorithm: str, rsa_bits: int = 3072) -> PrivateKey:
    """Make a new private key. Raises ValueError for an algorithm or size that is not used here."""
    if algorithm == RSA_SHA256 and rsa_bits in RSA_BITS:
        return rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
    if algorithm == ECDSA_P256_SHA256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"{algorithm} with {rsa_bits} bits is not used here")


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign `message`. The same key and message always give the same bytes."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _smaller_form(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return key.sign(message)


def _smaller_form(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, _P256_ORDER - s))


def _check_one_form(signature: bytes) -> None:
    try:
        one_form = _smaller_form(signature)
    except ValueError:
        raise SignatureInvalid("The signature is not an ECDSA signature in DER.") from None
    if one_form != signature:
        raise SignatureInvalid("The ECDSA signature is not in its one accepted form.")
