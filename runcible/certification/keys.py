"""Signing keys as files: encrypted PKCS #8 in PEM, in a directory that only its owner can read.

Besides the signing keys the directory holds the built-in time-stamping authority, and the public trust root of both.
It is made whole or not at all.
"""

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from runcible.certification.algorithms import (
    ECDSA_P256_SHA256,
    RSA_SHA256,
    PrivateKey,
    generate,
    load_public,
    public_pem,
)
from runcible.certification.signer import Signer, SigningKey
from runcible.certification.trust_root import TrustedAuthority, TrustedKey, TrustRoot
from runcible.certification.tsa import NAME, POLICY, TimeStampAuthority, certify_authority
from runcible.errors import KeyStoreError, VerificationError

DEFAULT_ALGORITHMS = (RSA_SHA256, ECDSA_P256_SHA256)
TRUST_ROOT_FILE = "trust-root.json"
_TSA_FILE, _TSA_ROOT_FILE = "time-stamping.pem", "time-stamping-root.pem"
_LARGEST_FILE = 1_048_576


@dataclass(frozen=True, slots=True)
class KeyRing:
    """An opened directory of keys. Only the signer process holds one."""

    signer: Signer
    tsa: TimeStampAuthority
    trust_root: TrustRoot


def create(
    directory: Path,
    passphrase: bytes,
    *,
    at: datetime,
    algorithms: Sequence[str] = DEFAULT_ALGORITHMS,
    rsa_bits: int = 3072,
) -> TrustRoot:
    """Make signing keys in the order in which they shall sign, and a time-stamping authority; return the trust root.

    The keys count from `at` on. Raises KeyStoreError when the directory holds anything already, so that no key is
    ever overwritten, and ValueError for an empty passphrase or an algorithm that is not used here.
    """
    if not passphrase or not algorithms:
        raise ValueError("keys need a passphrase, and at least one algorithm")
    keys = [generate(algorithm, rsa_bits) for algorithm in algorithms]
    authority_key, root_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    certificates = certify_authority(root_key, authority_key, at=at)
    trust_root = TrustRoot(
        keys=tuple(_trusted(key, at) for key in keys),
        timestamp_authorities=(
            TrustedAuthority(
                name=NAME,
                built_in=True,
                certificates=tuple(one.public_bytes(Encoding.PEM).decode() for one in certificates),
                policy=POLICY,
            ),
        ),
    )
    files = {_file_of(trusted): _encrypted(key, passphrase) for trusted, key in zip(trust_root.keys, keys, strict=True)}
    files[_TSA_FILE] = _encrypted(authority_key, passphrase)
    files[_TSA_ROOT_FILE] = _encrypted(root_key, passphrase)
    _write_whole(directory, {**files, TRUST_ROOT_FILE: trust_root.bytes})
    return trust_root


def open_ring(directory: Path, passphrase: bytes) -> KeyRing:
    """Open the directory that `create` made.

    Raises KeyStoreError when it, or a file in it, can be read by others, belongs to somebody else, is missing, or
    doesn't open with this passphrase.
    """
    _check_private(_stat(directory), directory, stat.S_ISDIR)
    try:
        trust_root = TrustRoot.from_bytes(_read_private(directory / TRUST_ROOT_FILE))
    except VerificationError as refused:
        raise KeyStoreError(f"The trust root beside the keys can't be used: {refused}") from None
    used = [trusted for trusted in trust_root.keys if trusted.state == "active"]
    signer = Signer([SigningKey.of(_load(directory / _file_of(trusted), passphrase)) for trusted in used])
    if signer.keyids != tuple(trusted.keyid for trusted in used):
        raise KeyStoreError("A key file doesn't hold the key that the trust root names.")
    authority_key = _load(directory / _TSA_FILE, passphrase)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise KeyStoreError("The key of the time-stamping authority is of a kind that is not used here.")
    return KeyRing(signer, TimeStampAuthority(authority_key, _own_authority(trust_root).chain[0]), trust_root)


def _trusted(key: PrivateKey, at: datetime) -> TrustedKey:
    pem = public_pem(key)
    public = load_public(pem)
    return TrustedKey(algorithm=public.algorithm, keyid=public.keyid, pem=pem, valid_from=at)


def _own_authority(trust_root: TrustRoot) -> TrustedAuthority:
    for authority in reversed(trust_root.timestamp_authorities):
        if authority.built_in:
            return authority
    raise KeyStoreError("The trust root beside the keys names no built-in time-stamping authority.")


def _file_of(key: TrustedKey) -> str:
    return f"{key.algorithm.lower()}-{key.keyid[:16]}.pem"


def _encrypted(key: PrivateKey, passphrase: bytes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


def _write_whole(directory: Path, files: dict[str, bytes]) -> None:
    """Write everything beside the directory, then move it into place in one step."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = directory.parent / f".{directory.name}.{secrets.token_hex(8)}"
    unfinished.mkdir(mode=0o700)
    try:
        for name, data in files.items():
            _write_private(unfinished / name, data)
        unfinished.rename(directory)  # replaces an empty directory, and nothing else
    except OSError as refused:
        raise KeyStoreError(f"{directory} can't be made: {refused.strerror}") from refused
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read_private(path: Path) -> bytes:
    """Read a file after checking the very file that was opened. A link is refused."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as refused:
        raise KeyStoreError(f"{path} can't be read: {refused.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        _check_private(os.fstat(file.fileno()), path, stat.S_ISREG)
        return file.read(_LARGEST_FILE)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat(follow_symlinks=False)
    except OSError as refused:
        raise KeyStoreError(f"{path} can't be read: {refused.strerror}") from None


def _check_private(found: os.stat_result, path: Path, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(found.st_mode):
        raise KeyStoreError(f"{path} is not of the kind that is expected here.")
    if found.st_mode & 0o077:
        raise KeyStoreError(f"{path} can be read by others; its mode must be 0600, that of a directory 0700.")
    if os.geteuid() not in {0, found.st_uid}:
        raise KeyStoreError(f"{path} belongs to another user.")


def _load(path: Path, passphrase: bytes) -> PrivateKey:
    try:
        key = load_pem_private_key(_read_private(path), passphrase)
    except (ValueError, TypeError):
        raise KeyStoreError(f"{path} doesn't open: the passphrase is wrong, or it is no key.") from None
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        return key
    raise KeyStoreError(f"{path} holds a kind of key that is not used here.")
