"""The catalogues of what pages and mails say: `python -m app.local.catalogues collect|compile`.

collect   find what is marked in sources and templates, and bring each catalogue up to date: what is new in it is
          empty, what is not said any more is gone
compile   write what the product reads, where a catalogue has changed since
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from app.core.languages import FOLDER, compiled_of

ROOT = FOLDER.parents[1]
JINJA = {"trim_blocks": "true", "lstrip_blocks": "true", "extensions": "jinja2.ext.i18n"}
METHODS = [
    ("styleguide/**", "ignore"),  # in English only: it is for who makes pages
    ("web/styleguide.py", "ignore"),
    ("static/**", "ignore"),
    ("local/**", "ignore"),
    ("templates/styleguide/**", "ignore"),
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("templates/**.txt", "jinja2"),
]
# How texts are marked: at once in the language of the reader (`_`), or to be said later (app/core/phrases.py).
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "plural": (1, 2), "phrase": None, "counted": (1, 2)}


def collected() -> Catalog:
    """Everything that is marked, with the files in which it stands."""
    catalogue = Catalog(project="Oversing", charset="utf-8", fuzzy=False)
    found = extract_from_dir(ROOT / "app", METHODS, {"templates/**.html": JINJA, "templates/**.txt": JINJA}, KEYWORDS)
    for file, _line, message, _comments, context in found:
        catalogue.add(message, locations=[(f"app/{file}", 1)], context=context)
    return catalogue


def read(path: Path) -> Catalog:
    """A catalogue as it lies in the folder."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def collect() -> None:
    """Bring each catalogue up to date with what is marked."""
    template = collected()
    for path in sorted(FOLDER.glob("*.po")):
        catalogue = read(path)
        catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
        catalogue.revision_date = catalogue.creation_date = template.creation_date
        path.write_bytes(_as_text(catalogue))
        missing = sum(1 for message in catalogue if message.id and not is_said(message.string))
        sys.stdout.write(f"{path.name}: {len(catalogue)} texts, {missing} of them without words.\n")


def is_said(string: object) -> bool:
    """Whether a text, or each form of something counted, has words."""
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _as_text(catalogue: Catalog) -> bytes:
    """As it is kept: without dates and places, which would change when nothing that is said has."""
    written = io.BytesIO()
    write_po(written, catalogue, width=110, sort_output=True, ignore_obsolete=True, no_location=True)
    lines = written.getvalue().split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(_HEADERS))


_HEADERS = tuple(
    f'"{name}'.encode() for name in ("POT-", "PO-Revision", "Report-", "Last-", "Language-Team", "Generated")
)


def compile_all() -> None:
    """Compile each catalogue that has changed, and sweep away what was compiled of older ones."""
    for path in sorted(FOLDER.glob("*.po")):
        target = compiled_of(path)
        for old in FOLDER.glob(f"{path.stem}.*.mo"):
            if old != target:
                old.unlink()
        if not target.exists():
            half = target.with_suffix(".half")
            with half.open("wb") as file:
                write_mo(file, read(path))
            half.replace(target)


def main() -> None:
    """Do what the command line says."""
    tasks = {"collect": collect, "compile": compile_all}
    if len(sys.argv) != 2 or sys.argv[1] not in tasks:
        sys.exit(__doc__)
    tasks[sys.argv[1]]()


if __name__ == "__main__":
    main()
