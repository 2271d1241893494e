"""An authenticator made of nothing but keys: it answers questions as a device and its browser would, or wrongly.

What stands in an answer is put together here by hand, after W3C Web Authentication, so that no test asks the library
that the product itself checks answers with.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

PRESENT, VERIFIED, HOLDS_A_NEW_KEY = 0x01, 0x04, 0x40
ES256, EDDSA, RS256 = -7, -8, -257


@dataclass
class Authenticator:
    """A device with one key. `synced` ones have no counter; `site` and `origin` are where its browser is."""

    algorithm: int = ES256
    synced: bool = False
    origin: str = "http://localhost"
    site: str = "localhost"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    user_handle: bytes | None = None
    key: Any = None

    def __post_init__(self) -> None:
        self.key = self.key or new_key(self.algorithm)

    def make(self, question: dict[str, Any], **wrong: Any) -> str:
        """The answer to being asked for a new key, as `PublicKeyCredential.toJSON()` has it."""
        assert question["rp"]["id"] == self.site or wrong
        self.user_handle = decoded(question["user"]["id"])
        held = (
            bytes(16)
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + wrong.pop("public_key", cbor2.dumps(cose_key(self.key)))
        )
        told = self._data(wrong.pop("flags", self.flags) | HOLDS_A_NEW_KEY, wrong) + held
        statement = {"fmt": wrong.pop("fmt", "none"), "attStmt": wrong.pop("statement", {}), "authData": told}
        client = self._client("webauthn.create", question, wrong)
        return self._answer(wrong, clientDataJSON=client, attestationObject=cbor2.dumps(statement), transports=["usb"])

    def show(self, question: dict[str, Any], **wrong: Any) -> str:
        """The answer to being asked for the key."""
        allowed = [decoded(each["id"]) for each in question.get("allowCredentials", [])]
        assert not allowed or self.credential_id in allowed or wrong, "Nobody has asked this device."
        told = self._data(wrong.pop("flags", self.flags), wrong)
        client = self._client("webauthn.get", question, wrong)
        signature = wrong.pop("signature", None) or self.sign(told + hashlib.sha256(client).digest())
        handle = wrong.pop("user_handle", self.user_handle)
        return self._answer(
            wrong, clientDataJSON=client, authenticatorData=told, signature=signature, userHandle=handle
        )

    def sign(self, content: bytes) -> bytes:
        """Sign as the algorithm of the key has it."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(content, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        return bytes(self.key.sign(content))

    def _data(self, flags: int, wrong: dict[str, Any]) -> bytes:
        """What the authenticator says: for which site, who is there, and how often the key was used."""
        if not self.synced:
            self.count += 1
        site = hashlib.sha256(wrong.pop("site", self.site).encode()).digest()
        return bytes(site + bytes([flags]) + wrong.pop("count", self.count).to_bytes(4, "big"))

    def _client(self, kind: str, question: dict[str, Any], wrong: dict[str, Any]) -> bytes:
        """What the browser says: to which question, and on whose page."""
        told = {
            "type": wrong.pop("type", kind),
            "challenge": wrong.pop("challenge", question["challenge"]),
            "origin": wrong.pop("origin", self.origin),
            "crossOrigin": wrong.pop("cross_origin", False),
        }
        return json.dumps(told).encode()

    def _answer(self, wrong: dict[str, Any], **parts: Any) -> str:
        name = encoded(wrong.pop("credential_id", self.credential_id))
        assert not wrong, f"Nobody knows how to do this wrong: {wrong}"
        written = {key: encoded(part) if isinstance(part, bytes) else part for key, part in parts.items()}
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "authenticatorAttachment": "cross-platform",
                "clientExtensionResults": {},
                "response": written,
            }
        )


def new_key(algorithm: int) -> Any:
    """The private half of a key."""
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate() if algorithm == EDDSA else ec.generate_private_key(ec.SECP256R1())


def cose_key(key: Any) -> dict[int, Any]:
    """The public half as COSE has it (RFC 9053)."""
    public = key.public_key()
    numbers = public.public_numbers() if hasattr(public, "public_numbers") else None
    if isinstance(public, rsa.RSAPublicKey):
        return {1: 3, 3: RS256, -1: numbers.n.to_bytes(public.key_size // 8, "big"), -2: numbers.e.to_bytes(3, "big")}
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()}
    size = (public.key_size + 7) // 8
    return {1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(size, "big"), -3: numbers.y.to_bytes(size, "big")}


def encoded(content: bytes) -> str:
    """As base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """The same back."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
