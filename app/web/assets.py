"""The front-end bundles: built once by `python -m app.web.assets`, then addressed by `asset("app.css")`.

Own sources lie in `app/static/{css,js,icons}`; htmx, the Lucide icons and esbuild come from `node_modules`. webassets
merges, esbuild bundles (run directly, so that building needs no Node), and each result lands in `app/static/dist`
under a name that holds the hash of its bytes, with a gzip and a Brotli twin beside it. Such a file never changes, so
browsers may keep it for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import brotli
from webassets import Bundle, Environment
from webassets.filter import ExternalTool, Filter

from app.web import app_icons

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "app" / "static"
DIST = STATIC / "dist"
MODULES = ROOT / "node_modules"
COMMAND = "python -m app.web.assets"
ADDRESS = "/static/dist/"

FINGERPRINTED = re.compile(rf"^{ADDRESS}[a-z0-9-]+\.[0-9a-f]{{10}}\.[a-z]+$")

# The icons that templates use, by their Lucide names; a test keeps this list and the templates equal.
ICONS = (
    "archive-restore",
    "arrow-down-to-line",
    "arrow-left-right",
    "arrow-up-to-line",
    "badge-check",
    "ban",
    "calendar-x",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "chevron-up",
    "circle",
    "circle-check",
    "circle-dashed",
    "circle-dot",
    "circle-pause",
    "circle-question-mark",
    "circle-slash",
    "clock",
    "columns-2",
    "copy",
    "download",
    "ellipsis",
    "eye",
    "folder",
    "gauge",
    "grip-vertical",
    "history",
    "image-up",
    "inbox",
    "key-round",
    "layers",
    "list-checks",
    "log-out",
    "maximize-2",
    "message-square",
    "minus",
    "monitor-smartphone",
    "octagon-x",
    "pencil",
    "plus",
    "printer",
    "refresh-cw",
    "scroll-text",
    "search",
    "settings",
    "shield-check",
    "square-kanban",
    "trash-2",
    "triangle-alert",
    "user",
    "user-plus",
    "users",
    "wifi-off",
    "x",
)


# As its makers publish it: smaller than what esbuild makes of their source.
SMALL_HTMX = (MODULES / "htmx.org" / "dist" / "htmx.esm.min.js").relative_to(ROOT).as_posix()


class AssetsNotBuilt(RuntimeError):
    """The bundles are missing, older than their sources, or cannot be built. The message says what to run."""


def asset(name: str) -> str:
    """The address of the built file `name`, such as "app.css". Raises AssetsNotBuilt where there is no fresh build."""
    try:
        return _addresses()[name]
    except KeyError:
        raise AssetsNotBuilt(f"There is no bundle named {name!r}; there are {', '.join(_addresses())}.") from None


def built(name: str) -> bytes:
    """What the built file `name` holds. Raises AssetsNotBuilt where there is no fresh build."""
    return (DIST / asset(name).removeprefix(ADDRESS)).read_bytes()


def is_immutable(_path: str, url: str) -> bool:
    """Whether browsers may keep what lies at `url` for ever: its name changes whenever its bytes do."""
    return FINGERPRINTED.match(url) is not None


def build(*, force: bool = False) -> bool:
    """Build what changed. Returns whether anything had to be done. May run in several processes at once.

    Raises AssetsNotBuilt when `node_modules` lacks a part, webassets' FilterError when a source does not compile.
    """
    sources = _fingerprint()
    before = _read_manifest()
    if not force and _is_fresh(before, sources):
        return False
    DIST.mkdir(parents=True, exist_ok=True)
    files = {name: _publish(name, content) for name, content in _bundles()}
    _write(DIST / "manifest.json", json.dumps({"sources": sources, "files": files}, indent=2).encode())
    _sweep({*files.values(), *before.get("files", {}).values()})
    _addresses.cache_clear()
    return True


@cache
def _addresses() -> Mapping[str, str]:
    manifest = _read_manifest()
    if not manifest:
        raise AssetsNotBuilt(f"The front-end bundles are not built. Run: {COMMAND}")
    if not _is_fresh(manifest, _fingerprint()):
        raise AssetsNotBuilt(f"The front-end bundles are older than their sources. Run: {COMMAND}")
    return {name: ADDRESS + file for name, file in manifest["files"].items()}


def _read_manifest() -> dict:
    try:
        return json.loads((DIST / "manifest.json").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _is_fresh(manifest: dict, sources: str) -> bool:
    return manifest.get("sources") == sources and all((DIST / file).is_file() for file in manifest["files"].values())


def _fingerprint() -> str:
    """One hash over everything that decides what a build gives: own sources, this file, and the lockfile of npm."""
    own = (path for folder in ("css", "js", "icons") for path in (STATIC / folder).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in [*sorted(own), Path(__file__), Path(__file__).with_name("app_icons.py"), ROOT / "package-lock.json"]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _bundles() -> Iterator[tuple[str, bytes]]:
    """Each bundle by name, built."""
    environment = Environment(directory=str(STATIC), url="/static", cache=False, manifest=False, versions=False)
    contents = {
        "app.css": ([str(STATIC / "css" / "app.css")], Esbuild),
        "styleguide.css": ([str(STATIC / "css" / "styleguide.css")], Esbuild),
        "app.js": ([str(STATIC / "js" / "app.js")], Esbuild),
        "drag.js": ([str(STATIC / "js" / "drag.js")], EsbuildModule),
        "cursors.js": ([str(STATIC / "js" / "cursors.js")], EsbuildModule),
        "presence.js": ([str(STATIC / "js" / "presence.js")], EsbuildModule),
        "passkeys.js": ([str(STATIC / "js" / "passkeys.js")], EsbuildModule),
        "elements.js": ([str(STATIC / "js" / "elements.js")], EsbuildModule),
        "chunks.js": ([str(STATIC / "js" / "chunks.js")], EsbuildModule),
        "vitals.js": ([str(STATIC / "js" / "vitals.js")], EsbuildModule),
        "sw.js": ([str(STATIC / "js" / "service_worker.js")], Esbuild),
        "workspace.js": ([str(STATIC / "js" / "workspace.js")], EsbuildModule),
        "together.js": ([str(STATIC / "js" / "together.js")], EsbuildModule),
        "icons.svg": ([str(MODULES / "lucide-static" / "icons" / f"{name}.svg") for name in ICONS], Sprite),
        "favicon.svg": ([str(STATIC / "icons" / "favicon.svg")], None),
    }
    for name, (sources, kind) in contents.items():
        _expect(sources)
        bundle = Bundle(*sources, filters=kind and kind(), output=name)
        bundle.env = environment
        built = io.StringIO()
        bundle.build(force=True, output=built, disable_cache=True)
        yield name, built.getvalue().encode()
    yield from app_icons.drawn(STATIC / "icons" / "favicon.svg")


def _expect(paths: list[str]) -> None:
    for path in paths:
        if not Path(path).is_file():
            raise AssetsNotBuilt(f"{path} is missing. Run `npm ci` first, then: {COMMAND}")


class Esbuild(ExternalTool):
    """Follows the imports of one entry file and writes them, minified, as one. Its native binary needs no Node.

    (rjsmin and rcssmin, the usual filters of webassets, change the meaning of today's JavaScript and CSS.)
    """

    name = "esbuild"
    max_debug_level = None
    form = "iife"

    def input(self, _in, out, source_path, **_):
        """Bundle `source_path`; the text that webassets has read of it is not needed."""
        entry = Path(source_path).relative_to(ROOT).as_posix()
        flags = ["--bundle", "--minify", f"--format={self.form}", "--log-level=warning", "--legal-comments=none"]
        flags.append(f"--alias:htmx.org=./{SMALL_HTMX}")
        self.subprocess([_esbuild(), entry, *flags], out, cwd=str(ROOT))


class EsbuildModule(Esbuild):
    """The same for what a page imports once it needs it."""

    name = "esbuild-module"
    form = "esm"


def _esbuild() -> str:
    """The binary that npm chose for this platform, relative to ROOT."""
    found = sorted([*MODULES.glob("@esbuild/*/bin/esbuild"), *MODULES.glob("@esbuild/*/esbuild.exe")])
    if not found:
        raise AssetsNotBuilt(f"esbuild is missing. Run `npm ci` first, then: {COMMAND}")
    return "./" + found[0].relative_to(ROOT).as_posix()


class Sprite(Filter):
    """Many icons in one file: a page asks for it once and shows parts of it with `<use href="...#name">`.

    Each is one path. A browser lays out every shape of every icon that it shows, dozens of them in a list, by itself.
    """

    name = "sprite"
    max_debug_level = None

    def input(self, _in, out, source_path, **_):
        """One icon. Colour and stroke come from the CSS of the page, so they follow the text."""
        svgelements = import_module("svgelements")  # loaded here: whoever serves pages draws nothing
        drawing = svgelements.SVG.parse(_in, reify=False)
        shapes = list(drawing.elements(lambda element: isinstance(element, svgelements.Shape)))
        assert shapes, f"{source_path} is no drawing"
        line = " ".join(svgelements.Path(shape).d(relative=False) for shape in shapes)
        out.write(f'<path id="{Path(source_path).stem}" d="{line}"/>')

    def output(self, _in, out, **_):
        """All of them in one drawing."""
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg">{_in.read().replace(chr(10), "")}</svg>')


def _publish(name: str, content: bytes) -> str:
    """Write `content` and its compressed twins under a name that holds its hash. Returns that name."""
    stem, _, kind = name.partition(".")
    file = f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{kind}"
    _write(DIST / file, content)
    if kind == "png":
        return file  # it is as small as it gets
    _write(DIST / f"{file}.gz", gzip.compress(content, compresslevel=9, mtime=0))
    _write(DIST / f"{file}.br", brotli.compress(content, quality=11))
    return file


def _write(path: Path, content: bytes) -> None:
    """Put the whole file in place at once, so that nobody reads half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)


def _sweep(keep: set[str]) -> None:
    """Remove what is of neither this build nor the last, once it is a day old: until then a process may serve it."""
    yesterday = time.time() - 86_400
    for path in DIST.iterdir():
        plain = path.name.removesuffix(".gz").removesuffix(".br")
        if plain not in {*keep, "manifest.json"} and path.stat().st_mtime < yesterday:
            path.unlink(missing_ok=True)


def main() -> None:
    """Build, and say what a browser will load."""
    try:
        built = build(force="--force" in sys.argv[1:])
    except AssetsNotBuilt as missing:
        sys.exit(str(missing))
    for name, file in _read_manifest()["files"].items():
        twin = DIST / f"{file}.br"
        size, small = (DIST / file).stat().st_size, (twin if twin.is_file() else DIST / file).stat().st_size
        sys.stdout.write(f"{name:<16} {size:>8,} bytes, {small:>7,} compressed\n")
    sys.stdout.write("Built.\n" if built else "Nothing has changed.\n")


if __name__ == "__main__":
    main()
