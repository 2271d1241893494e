"""Take a bundle apart into files that `openssl` and `sha256sum` read: see docs/verify-by-hand.md.

Nothing is verified on the way, and the public keys come from the bundle: the page tells how to compare them with those
that the issuer publishes.
"""

from pathlib import Path

from runcible.certification.bundle import Bundle

_NAMES = (
    "payload.bin",
    "signature.bin",
    "public.pem",
    "statement.json",
    "token.tsr",
    "tsa-chain.pem",
    "content.txt",
    "content.json",
)


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """Return the files by name. The first signature has no number, the others count from 2; tokens likewise."""
    pem = {key["keyid"]: key["public_key"].encode() for key in bundle.document["trust"]["keys"]}
    files = {"payload.bin": bundle.envelope.pae, "statement.json": bundle.envelope.payload}
    for place, signature in enumerate(bundle.envelope.signatures, start=1):
        files[_numbered("signature.bin", place)] = signature.sig
        if signature.keyid in pem:
            files[_numbered("public.pem", place)] = pem[signature.keyid]
    for place, response in enumerate(bundle.timestamps, start=1):
        files[_numbered("token.tsr", place)] = response
    certificates = bundle.document["trust"]["timestamp_certificates"]
    if certificates:
        files["tsa-chain.pem"] = "".join(certificates).encode()
    if bundle.output is not None:
        files["content.json" if bundle.output.is_json else "content.txt"] = bundle.output.bytes
    return files


def unpack(bundle: Bundle, directory: Path) -> list[str]:
    """Write the files of `bundle` into `directory`, made if need be, and return their names.

    Files of another bundle that was unpacked there before are removed first, so that no two get mixed. Raises OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name in {*_NAMES, *(_numbered(name, place) for name in _NAMES for place in range(2, 17))}:
        (directory / name).unlink(missing_ok=True)
    files = files_of(bundle)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return sorted(files)


def _numbered(name: str, place: int) -> str:
    stem, _, suffix = name.partition(".")
    return name if place == 1 else f"{stem}-{place}.{suffix}"
