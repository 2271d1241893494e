"""The backup file: a tar archive with a list of what is in it and the hash of each part."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import tarfile
from pathlib import Path

from app.local.environment import key_places
from app.local.home import Home, LocalError, write_private

FORMAT = 1
CONTENTS = "contents.json"
DUMP = "database.dump"
FIXED_PARTS = ("secrets/sealing.key", "secrets/signing.passphrase", "trust-root.json", "demo.json")


def write(file: Path, home: Home, dump: Path) -> None:
    """Write the dump and the keys of this state folder to `file`, readable by its owner only: whole or not at all."""
    parts = {DUMP: dump, **key_parts(home)}
    contents = {
        "format": FORMAT,
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "sha256": {name: digest(path) for name, path in parts.items()},
    }
    listing = dump.with_name(CONTENTS)
    listing.write_text(json.dumps(contents, indent=2) + "\n")
    unfinished = dump.with_name("backup.tar")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for name, path in {CONTENTS: listing, **parts}.items():
            archive.add(path, arcname=name, filter=anonymous)
        archive.close()
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def read(file: Path, home: Home, folder: Path) -> Path:
    """Unpack keys into the state folder and the dump into `folder`; return the path of the dump.

    Raises LocalError when a part is missing or changed, and what `tarfile` and `json` raise when it is no backup.
    """
    unpack(file, folder)
    contents = json.loads((folder / CONTENTS).read_text())
    if contents["format"] != FORMAT:
        raise LocalError(f"{file} has format {contents['format']}; this version of Oversing reads format {FORMAT}.")
    for name, expected in contents["sha256"].items():
        if digest(folder / name) != expected:
            raise LocalError(f"{file} is damaged: {name} is not what was written.")
        if name != DUMP:
            put_back(home, name, (folder / name).read_text())
    return folder / DUMP


def unpack(file: Path, folder: Path) -> None:
    """Write the parts that a backup has into the folder; whatever else is in the archive stays there."""
    with tarfile.open(file) as archive:
        for member in archive:
            content = archive.extractfile(member) if is_part(member.name) else None
            if content is None:
                continue
            (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / member.name).open("wb") as written:
                shutil.copyfileobj(content, written)


def key_parts(home: Home) -> dict[str, Path]:
    """Return what belongs into a backup beside the dump: name in the archive and where it lies now."""
    places = key_places(home)
    files = (places["SEALING_KEY_FILE"], places["SIGNING_PASSPHRASE_FILE"], places["TRUST_ROOT_FILE"], home.demo)
    parts = dict(zip(FIXED_PARTS, files, strict=True))
    keys = places["SIGNING_KEY_DIR"]
    parts |= {f"signing-keys/{path.relative_to(keys)}": path for path in sorted(keys.rglob("*"))}
    return {name: path for name, path in parts.items() if path.is_file()}


def is_part(name: str) -> bool:
    """Tell whether `write` gives such a name. No other one may reach the disk: it could lead out of the folder."""
    file = name.removeprefix("signing-keys/")
    return name in {CONTENTS, DUMP, *FIXED_PARTS} or (
        file != name and ".." not in Path(file).parts and not Path(file).is_absolute()
    )


def put_back(home: Home, name: str, text: str) -> None:
    """Write one part into the state folder. The trust root is public; everything else is for its owner only."""
    place = home.path / name
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(place, text)
    if place == home.trust_root:
        place.chmod(0o644)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who owned the file on the machine where the backup was made."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member
