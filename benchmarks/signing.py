"""Signatures a second on one core, by the product's own code, beside `openssl speed` of the same minute."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from typing import Any

from runcible.certification import algorithms
from runcible.certification.signer import Signer, SigningKey

SECONDS = 1
# name, algorithm, size; what `openssl speed` calls it, and the name of its line of results
KINDS = (
    ("RSA-3072", algorithms.RSA_SHA256, 3072, "rsa3072"),
    ("RSA-2048", algorithms.RSA_SHA256, 2048, "rsa2048"),
    ("ECDSA P-256", algorithms.ECDSA_P256_SHA256, 0, "ecdsap256"),
    ("Ed25519", algorithms.ED25519, 0, "ed25519"),
)
PAYLOAD = hashlib.shake_256(b"a statement").digest(2000)  # about the size of a statement


def measure() -> list[dict[str, Any]]:
    """Each algorithm: openssl's own figure, plain signing, and signing as the signer does, which verifies at once."""
    found = []
    for name, algorithm, bits, openssl_name in KINDS:
        private = algorithms.generate(algorithm, bits or 3072)
        signer = Signer([SigningKey.of(private)])
        found.append(
            {
                "name": name,
                "openssl": openssl_speed(openssl_name),
                "plain": _rate(lambda key=private: algorithms.sign(key, PAYLOAD)),  # type: ignore[misc]
                "verified": _rate(lambda signer=signer: signer.sign(PAYLOAD)),  # type: ignore[misc]
            }
        )
    return found


def openssl_speed(name: str) -> float | None:
    """Signatures a second by `openssl speed` on one core; None where there is no openssl, or it cannot do this one."""
    if not shutil.which("openssl"):
        return None
    done = subprocess.run(
        ["openssl", "speed", "-mr", "-seconds", str(SECONDS), name],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    # The lines of results: +F2:n:bits:sign:verify (RSA), +F4 (ECDSA), +F6:n:bits:name:sign:verify (Edwards curves).
    for line in done.stdout.splitlines():
        fields = line.split(":")
        if fields[0] in ("+F2", "+F4"):
            return _per_second(fields[3])
        if fields[0] == "+F6":
            return _per_second(fields[4])
    return None


def _per_second(text: str) -> float:
    """Newer versions print signatures a second, older ones the seconds of one."""
    value = float(text)
    return value if value > 1 else 1 / value


def _rate(sign: Any) -> float:
    """How often a second."""
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < SECONDS:
        sign()
        done += 1
    return done / took
