"""RFC 3161 time-stamps: asking for them, and verifying them without asking anybody.

A token is kept as the whole TimeStampResp, in the bytes in which it came: `openssl ts -verify -in` reads that.
Verifying believes the certificates of the trust root only, never those inside the token.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from asn1crypto import algos, core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from runcible.certification import der
from runcible.certification.trust_root import TrustedAuthority, TrustRoot
from runcible.errors import TimestampInvalid, TimestampUnavailable

TOLERANCE = timedelta(seconds=2)
"""How far the authority's clock may be from ours when a token is new."""

LARGEST_RESPONSE = 65_536
_WHOLE_SECONDS = timedelta(seconds=1)  # tokens may cut off the fraction
_NONCE_BITS = 64

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.NULL)
_TRUE = b"\x01\x01\xff"
_FOREIGN = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError)
"""What the ASN.1 reader raises for bytes that are not what they should be."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A verified token: `authority` says that the message existed at `gen_time`."""

    response: bytes
    gen_time: datetime
    serial: int
    authority: str
    built_in: bool


def obtain(
    message: bytes,
    *,
    ask: Callable[[bytes], bytes],
    trust_root: TrustRoot,
    clock: Callable[[], datetime],
    tolerance: timedelta = TOLERANCE,
) -> Timestamp:
    """Have `message` (the raw bytes of a signature) stamped, and verify the token before it is believed.

    `ask` sends a DER TimeStampReq and returns the DER answer. Raises TimestampUnavailable when there is no token,
    TimestampInvalid when there is one that is not for this request: other bytes, another nonce, another time.
    """
    nonce = secrets.randbits(_NONCE_BITS) | 1 << (_NONCE_BITS - 1)
    sent = clock()
    response = ask(request_for(message, nonce))
    received = clock()
    stamp = verify(response, message, trust_root, nonce=nonce)
    if not sent - tolerance - _WHOLE_SECONDS <= stamp.gen_time <= received + tolerance:
        raise TimestampInvalid("The clock of the time-stamping authority and ours disagree.")
    return stamp


def request_for(message: bytes, nonce: int) -> bytes:
    """Return a DER TimeStampReq over the SHA-256 of `message`; it asks for the authority's certificate."""
    imprint = der.sequence(_SHA256, der.octets(hashlib.sha256(message).digest()))
    return der.sequence(der.integer(1), imprint, der.integer(nonce), _TRUE)


def verify(response: bytes, message: bytes, trust_root: TrustRoot, *, nonce: int | None = None) -> Timestamp:
    """Check that a trusted authority stamped `message`, in this order:

    1. the answer grants a token, and is DER without a rest;
    2. the token is signed data over a TSTInfo, by one signer;
    3. the signer is the certificate of an authority in the trust root, whose chain holds at the token's time;
    4. the signature covers this TSTInfo;
    5. the TSTInfo is about `message`, and carries `nonce` if one is given.

    Raises TimestampInvalid, or TimestampUnavailable when the authority refused.
    """
    try:
        signed = _granted(response)
        info_der, info = _info(signed)
        signer = _only_signer(signed)
        covered = _covered(signer)
        authority = _authority_of(signer, trust_root)
        moment = info["gen_time"].native
        _check_chain(authority, moment)
        _check_signature(signer, covered, info_der, authority.chain[0])
        _check_info(info, message, authority, nonce)
        return Timestamp(response, moment, info["serial_number"].native, authority.name, authority.built_in)
    except _FOREIGN as garbled:
        raise TimestampInvalid("The time-stamp token is garbled.") from garbled


class _Response(core.Sequence):  # type: ignore[misc]  # the library has no types
    """TimeStampResp as RFC 3161 has it: a rejection carries no token, which the library's own class doesn't allow."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", tsp.ContentInfo, {"optional": True})]


def _granted(response: bytes) -> Any:
    if len(response) > LARGEST_RESPONSE:
        raise TimestampInvalid("The answer of the time-stamping authority is too large.")
    answer = _Response.load(response, strict=True)
    status = answer["status"]
    if status["status"].native not in {"granted", "granted_with_mods"}:
        failure = ", ".join(sorted(status["fail_info"].native or ())) or "no reason given"
        raise TimestampUnavailable(f"The time-stamping authority refused: {failure}.")
    token = answer["time_stamp_token"]
    if token["content_type"].native != "signed_data":
        raise TimestampInvalid("The time-stamp token is not signed.")
    return token["content"]


def _info(signed: Any) -> tuple[bytes, Any]:
    content = signed["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise TimestampInvalid("The token is not a time-stamp token.")
    der = content["content"].contents
    info = tsp.TSTInfo.load(der, strict=True)
    if info["version"].native != "v1":
        raise TimestampInvalid("The time-stamp token has a version that is not known here.")
    return der, info


def _only_signer(signed: Any) -> Any:
    signers = signed["signer_infos"]
    if len(signers) != 1:
        raise TimestampInvalid("A time-stamp token must have exactly one signer.")
    return signers[0]


def _covered(signer: Any) -> bytes:
    """What the signature covers: the attributes as a SET OF, stored with an implicit tag (RFC 5652 section 5.4).

    Taken before anything looks into them: the library may write again what it has decoded.
    """
    return b"\x31" + bytes(signer["signed_attrs"].dump()[1:])


def _attribute(signer: Any, name: str) -> Any:
    """The one value of one signed attribute, or None."""
    found = [attribute for attribute in signer["signed_attrs"] if attribute["type"].native == name]
    if not found:
        return None
    if len(found) > 1 or len(found[0]["values"]) != 1:
        raise TimestampInvalid("A signed attribute of the time-stamp token stands there twice.")
    return found[0]["values"][0]


def _authority_of(signer: Any, trust_root: TrustRoot) -> TrustedAuthority:
    """Find whose certificate the signer names in its signed attributes (RFC 5816, or RFC 2634 with SHA-1)."""
    named, hash_name = _attribute(signer, "signing_certificate_v2"), "sha256"
    if named is not None:
        hash_name = named["certs"][0]["hash_algorithm"]["algorithm"].native
    else:
        named, hash_name = _attribute(signer, "signing_certificate"), "sha1"
    if named is None or hash_name not in {"sha1", *_HASHES}:
        raise TimestampInvalid("The time-stamp token doesn't say which certificate signed it.")
    wanted = named["certs"][0]["cert_hash"].native
    for authority in trust_root.timestamp_authorities:
        certificate = authority.chain[0].public_bytes(Encoding.DER)
        if hashlib.new(hash_name, certificate, usedforsecurity=False).digest() == wanted:
            return authority
    raise TimestampInvalid("The trust root doesn't hold the time-stamping authority that signed this token.")


def _check_chain(authority: TrustedAuthority, moment: datetime) -> None:
    chain = authority.chain
    for certificate in chain:
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise TimestampInvalid("A certificate of the time-stamping authority was not valid at the token's time.")
    if not _may_only_stamp(chain[0]):
        raise TimestampInvalid("The certificate that signed the token is not one for time-stamping alone.")
    for certificate, issuer in pairwise((*chain, chain[-1])):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise TimestampInvalid("The certificates of the time-stamping authority are no chain.") from None
        if len(chain) > 1 and not _may_issue(issuer):
            raise TimestampInvalid("A certificate of the time-stamping authority was issued by one that may not.")


def _may_only_stamp(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _check_signature(signer: Any, covered: bytes, info_der: bytes, certificate: x509.Certificate) -> None:
    content_type, digest = _attribute(signer, "content_type"), _attribute(signer, "message_digest")
    hash_name = signer["digest_algorithm"]["algorithm"].native
    if content_type is None or content_type.native != "tst_info" or hash_name not in _HASHES:
        raise TimestampInvalid("The signature of the time-stamp token is not of a kind that is accepted here.")
    if digest is None or digest.native != hashlib.new(hash_name, info_der).digest():
        raise TimestampInvalid("The time-stamp token was changed after it was signed.")
    _verify_with(certificate.public_key(), signer["signature"].native, covered, _signature_hash(signer, hash_name))


def _signature_hash(signer: Any, digest_name: str) -> hashes.HashAlgorithm:
    algorithm: algos.SignedDigestAlgorithm = signer["signature_algorithm"]
    if algorithm.signature_algo not in {"rsassa_pkcs1v15", "ecdsa"}:
        raise TimestampInvalid("The signature of the time-stamp token is not of a kind that is accepted here.")
    bare = algorithm["algorithm"].native in {"rsassa_pkcs1v15", "ecdsa"}
    return _HASHES[digest_name if bare else algorithm.hash_algo]


def _verify_with(key: Any, signature: bytes, covered: bytes, algorithm: hashes.HashAlgorithm) -> None:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, covered, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, covered, ec.ECDSA(algorithm))
        else:
            raise TimestampInvalid("The key of the time-stamping authority is not of a kind that is accepted here.")
    except InvalidSignature:
        raise TimestampInvalid("The signature of the time-stamp token doesn't hold.") from None


def _check_info(info: Any, message: bytes, authority: TrustedAuthority, nonce: int | None) -> None:
    imprint = info["message_imprint"]
    hash_name = imprint["hash_algorithm"]["algorithm"].native
    if hash_name not in _HASHES:
        raise TimestampInvalid("The time-stamp token uses a hash that is not accepted here.")
    if imprint["hashed_message"].native != hashlib.new(hash_name, message).digest():
        raise TimestampInvalid("The time-stamp token is about other bytes than this signature.")
    if nonce is not None and info["nonce"].native != nonce:
        raise TimestampInvalid("The time-stamp token answers another request.")
    if authority.policy not in (None, info["policy"].dotted):
        raise TimestampInvalid("The time-stamp token was issued under another policy than the trust root names.")


def earliest(stamps: Iterable[Timestamp]) -> Timestamp | None:
    """Return the token to believe: testified before asserted, and the earliest of its kind."""
    return min(stamps, key=lambda stamp: (stamp.built_in, stamp.gen_time), default=None)
