"""The built-in time-stamping authority (RFC 3161): for installations that name no outside one.

Its time is *asserted* by the installation itself: it says in its name, in the trust root and in every verification
that nobody outside testifies to it. Its tokens have the form of any other, so that `openssl ts -verify` reads them.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runcible.certification import der

NAME = "Oversing built-in time-stamping authority (asserted time)"
ROOT_NAME = "Oversing built-in time-stamping root (asserted time)"
POLICY = "2.25.324045264777018607821149409349333466577"  # an arc of its own (ITU-T X.667): tokens of asserted time
LARGEST_REQUEST = 16_384
ACCURACY_SECONDS = 1

_ROOT_LIFE = timedelta(days=7300)
_LIFE = timedelta(days=5475)
_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_TST_INFO = der.oid("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
_SIGNING_TIME = der.oid("1.2.840.113549.1.9.5")
_SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")
_SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_ECDSA_WITH_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))

_GRANTED, _REJECTION = 0, 2  # PKIStatus
_FAILURES = {  # PKIFailureInfo
    "bad_alg": 0,
    "bad_request": 2,
    "bad_data_format": 5,
    "unaccepted_policy": 15,
    "unaccepted_extensions": 16,
}
_HASH_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}


@dataclass(frozen=True, slots=True)
class TimeStampAuthority:
    """A key, and its certificate with the root above it. `answer` is all that it does."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def answer(self, request: bytes, *, at: datetime) -> bytes:
        """Answer a DER TimeStampReq with a DER TimeStampResp: a token, or a rejection that says why. Never raises.

        `at` is the time to assert, aware; it is written to the microsecond.
        """
        try:
            asked = _read(request)
        except _Refused as refused:
            return _rejection(refused.failure, str(refused))
        token = self._sign(_info(asked, at), at, with_certificate=asked.wants_certificate)
        return der.sequence(der.sequence(der.integer(_GRANTED)), token)

    def _sign(self, info: bytes, at: datetime, *, with_certificate: bool) -> bytes:
        """Wrap a TSTInfo in CMS SignedData (RFC 5652 section 5), signed through signed attributes."""
        certificate = self.certificate.public_bytes(Encoding.DER)
        attributes = _signed_attributes(info, certificate, at)
        signer = der.sequence(
            der.integer(1),
            der.sequence(self.certificate.issuer.public_bytes(), der.integer(self.certificate.serial_number)),
            _SHA256,
            der.tagged(0xA0, attributes[_set_head(attributes) :]),  # the same SET OF under an implicit tag
            _ECDSA_WITH_SHA256,
            der.octets(self.key.sign(attributes, ec.ECDSA(hashes.SHA256()))),
        )
        signed = der.sequence(
            der.integer(3),
            der.set_of([_SHA256]),
            der.sequence(_TST_INFO, der.explicit(0, der.octets(info))),
            der.tagged(0xA0, certificate) if with_certificate else b"",
            der.set_of([signer]),
        )
        return der.sequence(_SIGNED_DATA, der.explicit(0, signed))


def certify_authority(
    root_key: ec.EllipticCurvePrivateKey, key: ec.EllipticCurvePrivateKey, *, at: datetime
) -> tuple[x509.Certificate, x509.Certificate]:
    """Make the authority's certificate and the root that signs it, in this order, both beginning at `at`."""
    begin = at - timedelta(minutes=5)
    root_name, name = _name(ROOT_NAME), _name(NAME)
    root = (
        _builder(root_name, root_name, root_key.public_key(), begin, begin + _ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    certificate = (
        _builder(name, root_name, key.public_key(), begin, begin + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        # RFC 3161 section 2.3: critical, and nothing but time-stamping.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return certificate, root


class _Refused(Exception):
    """A request that gets no token; `failure` is a PKIFailureInfo of RFC 3161."""

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class _Asked:
    """What matters of a TimeStampReq."""

    imprint: bytes  # MessageImprint in DER
    nonce: int | None
    wants_certificate: bool


def _read(request: bytes) -> _Asked:
    if len(request) > LARGEST_REQUEST:
        raise _Refused("bad_data_format", "the request is too large")
    try:
        read = tsp.TimeStampReq.load(request, strict=True)
        imprint, plain = read["message_imprint"].dump(), read.native  # native decodes every part
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise _Refused("bad_data_format", "this is not a TimeStampReq in DER") from None
    if plain["version"] != "v1":
        raise _Refused("bad_request", "only version 1 is understood")
    size = _HASH_SIZES.get(plain["message_imprint"]["hash_algorithm"]["algorithm"])
    if size is None:
        raise _Refused("bad_alg", "the hash must be SHA-256, SHA-384 or SHA-512")
    if len(plain["message_imprint"]["hashed_message"]) != size:
        raise _Refused("bad_data_format", "the hash doesn't have the size of its algorithm")
    if plain["req_policy"] not in (None, POLICY):
        raise _Refused("unaccepted_policy", "this authority stamps under one policy only")
    if plain["extensions"]:
        raise _Refused("unaccepted_extensions", "extensions are not understood")
    return _Asked(imprint, plain["nonce"], bool(plain["cert_req"]))


def _rejection(failure: str, message: str) -> bytes:
    """PKIStatusInfo alone: no token."""
    words = der.sequence(der.utf8(message))
    return der.sequence(der.sequence(der.integer(_REJECTION), words, der.bits([_FAILURES[failure]])))


def _info(asked: _Asked, at: datetime) -> bytes:
    """TSTInfo (RFC 3161 section 2.4.2). The serial number is random: 127 bits don't meet twice."""
    return der.sequence(
        der.integer(1),
        der.oid(POLICY),
        asked.imprint,
        der.integer(secrets.randbits(127) + 1),
        der.generalized_time(at),
        der.sequence(der.integer(ACCURACY_SECONDS)),
        b"" if asked.nonce is None else der.integer(asked.nonce),
    )


def _signed_attributes(info: bytes, certificate: bytes, at: datetime) -> bytes:
    """What the signature covers: type and digest of the content, and which certificate signs (RFC 5816)."""
    identifier = der.sequence(der.octets(hashlib.sha256(certificate).digest()))  # ESSCertIDv2; SHA-256 is its default
    return der.set_of(
        [
            _attribute(_CONTENT_TYPE, _TST_INFO),
            _attribute(_SIGNING_TIME, der.utc_time(at)),
            _attribute(_MESSAGE_DIGEST, der.octets(hashlib.sha256(info).digest())),
            _attribute(_SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(identifier))),
        ]
    )


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(kind, der.set_of([value]))


def _set_head(encoded: bytes) -> int:
    """How many bytes the tag and the length take."""
    return 2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
