"""Authenticators: what a browser is asked to have signed by one, and what its answer is worth (W3C Web Authentication).

An answer counts for one challenge, one origin and one site, and only where the authenticator has made sure who is
before it. What strangers send is read here and nowhere else: whatever is wrong with it is one error without details.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from runcible import strict_json

SECONDS = 300  # that somebody has to answer
LONGEST_ID = 1023  # bytes, as the standard has it
LONGEST_ANSWER = 65_536
RSA_BITS = range(2048, 8193)
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# We ask for no attestation; what a browser hands on nevertheless is a key that vouches for itself.
FORMATS = {AttestationFormat.NONE, AttestationFormat.PACKED}


class AnswerRefused(ValueError):
    """What was sent is no answer to what was asked. Nobody is told which part of it is wrong."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put to a browser: its challenge, and the origin of our pages, which the settings fix."""

    origin: str
    challenge: bytes
    user_handle: bytes = b""  # under which an authenticator files a new key; it says nothing about the person

    @property
    def site(self) -> str:
        """The name that keys are bound to (the "RP id")."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True)
class NewKey:
    """The public half of a key that an authenticator has just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as it was sent: it says which key it is of, and nothing of that is true yet."""

    credential_id: bytes
    user_handle: bytes | None
    answer: dict[str, Any]


def question_for_new_key(asked: Asked, *, email: str, name: str, known: list[bytes]) -> dict[str, Any]:
    """What a browser is told to have a key made; not by an authenticator that holds one of the `known` ones."""
    options = generate_registration_options(
        rp_id=asked.site,
        rp_name="Oversing",
        user_id=asked.user_handle,
        user_name=email,
        user_display_name=name,
        challenge=asked.challenge,
        timeout=SECONDS * 1000,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        supported_pub_key_algs=ALGORITHMS,
    )
    return options_to_json_dict(options)


def question_for_key(asked: Asked, *, allowed: list[bytes]) -> dict[str, Any]:
    """What a browser is told to have one of the `allowed` keys used, or, where none is named, whichever it has."""
    options = generate_authentication_options(
        rp_id=asked.site,
        challenge=asked.challenge,
        timeout=SECONDS * 1000,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def read_new_key(asked: Asked, answer: str) -> NewKey:
    """The key that an authenticator has made for `asked`. Raises AnswerRefused."""
    try:
        given = parse_registration_credential_json(_decoded(answer))
        _refuse_frames(given.response.client_data_json)
        if parse_attestation_object(given.response.attestation_object).fmt not in FORMATS:
            raise AnswerRefused
        made = verify_registration_response(
            credential=given,
            expected_challenge=asked.challenge,
            expected_rp_id=asked.site,
            expected_origin=asked.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        _refuse_odd_key(made.credential_public_key)
    except Exception as refused:  # the library stumbles in many ways over what it does not expect
        raise AnswerRefused from refused
    if made.credential_id != given.raw_id or len(made.credential_id) > LONGEST_ID:
        raise AnswerRefused
    return NewKey(made.credential_id, made.credential_public_key, made.sign_count)


def read_shown(answer: str) -> Shown:
    """Which key an answer claims to be of. Raises AnswerRefused where it cannot be read."""
    try:
        decoded = _decoded(answer)
        given = parse_authentication_credential_json(decoded)
    except Exception as refused:
        raise AnswerRefused from refused
    return Shown(given.raw_id, given.response.user_handle, decoded)


def count_of(shown: Shown, asked: Asked, public_key: bytes) -> int:
    """The counter of the key that has answered `asked`. Raises AnswerRefused where `public_key` has not.

    Whether the counter went back is for who keeps the key to say: 0 is that of a key that is kept in several places.
    """
    try:
        _refuse_frames(parse_authentication_credential_json(shown.answer).response.client_data_json)
        verified = verify_authentication_response(
            credential=shown.answer,
            expected_challenge=asked.challenge,
            expected_rp_id=asked.site,
            expected_origin=asked.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as refused:
        raise AnswerRefused from refused
    return verified.new_sign_count


def _decoded(answer: str) -> dict[str, Any]:
    return strict_json.loads_object(answer.encode(), max_bytes=LONGEST_ANSWER)


def _refuse_frames(client_data: bytes) -> None:
    """Refuse what was signed in a frame of somebody else's page."""
    if parse_client_data_json(client_data).cross_origin:
        raise AnswerRefused


def _refuse_odd_key(public_key: bytes) -> None:
    """Refuse a key that is not what its algorithm says, or could never be checked, or only slowly."""
    decoded = decode_credential_public_key(public_key)
    key = decoded_public_key_to_cryptography(decoded)
    fits = {
        COSEAlgorithmIdentifier.ECDSA_SHA_256: isinstance(key, ec.EllipticCurvePublicKey) and key.key_size == 256,
        COSEAlgorithmIdentifier.EDDSA: isinstance(key, ed25519.Ed25519PublicKey),
        COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256: isinstance(key, rsa.RSAPublicKey)
        and key.key_size in RSA_BITS,
    }
    if not fits[COSEAlgorithmIdentifier(decoded.alg)]:
        raise AnswerRefused
