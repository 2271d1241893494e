"""Signing: the one thing that holds private keys. It runs in the signer process and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass

from runcible.certification.algorithms import PrivateKey, PublicKey, load_public, public_pem, sign
from runcible.certification.bundle import Parts, Seal
from runcible.certification.dsse import STATEMENT_TYPE, Envelope, Signature, pae


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key beside its public half, with which everything it signs is verified at once."""

    private: PrivateKey
    public: PublicKey

    @classmethod
    def of(cls, private: PrivateKey) -> "SigningKey":
        """Pair `private` with its public half."""
        return cls(private, load_public(public_pem(private)))

    def sign(self, message: bytes) -> Signature:
        """Sign, and verify before anybody sees the result: a fault in the machine must not leave a wrong signature."""
        value = sign(self.private, message)
        self.public.verify(value, message)
        return Signature(self.public.keyid, value)


class Signer:
    """The service's keys in order: the first signs first, the last, which is the fastest, seals bundles.

    Signing is deterministic: the same payload gives the same envelope, in every process that holds these keys.
    """

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise ValueError("a signer needs at least one key")
        self._keys = tuple(keys)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Of each key, in the order in which they sign."""
        return tuple(key.public.algorithm for key in self._keys)

    @property
    def keyids(self) -> tuple[str, ...]:
        """Of each key, in the order in which they sign."""
        return tuple(key.public.keyid for key in self._keys)

    def sign(self, payload: bytes) -> Envelope:
        """Sign the frozen bytes of a statement with every key."""
        message = pae(STATEMENT_TYPE, payload)
        return Envelope(payload, tuple(key.sign(message) for key in self._keys))

    def seal(self, parts: Parts) -> Seal:
        """Sign the parts of a bundle as a whole, except the content, so that none can be exchanged.

        Raises SignatureInvalid or TimestampInvalid when the policy requires more than is there.
        """
        parts.check_complete()
        return Seal(self._keys[-1].sign(parts.sealed_bytes(self._keys[-1].public.keyid)))
