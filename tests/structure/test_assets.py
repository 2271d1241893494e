"""The bundles: fingerprinted, precompressed, small, and never served stale."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil

import brotli
import pytest
from PIL import Image, ImageColor

from app.web import app_icons, assets, installed_app


@pytest.fixture
def dist(tmp_path, monkeypatch):
    """A folder of this test's own to build into."""
    monkeypatch.setattr(assets, "DIST", tmp_path / "dist")
    assets._addresses.cache_clear()
    yield tmp_path / "dist"
    assets._addresses.cache_clear()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What was built once, for tests that only look at it: where each bundle is."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("built")
        patch.setattr(assets, "DIST", folder)
        assets._addresses.cache_clear()
        assets.build()
        found = {name: folder / url.removeprefix("/static/dist/") for name, url in assets._addresses().items()}
    assets._addresses.cache_clear()
    return found


@pytest.fixture
def built_before(dist, built):
    """A folder of this test's own in which everything was built already."""
    shutil.copytree(built["app.css"].parent, dist)
    assert not assets.build()
    return dist


def test_it_names_each_bundle_by_its_bytes(dist):
    assert assets.build()
    for name in ("app.css", "app.js", "passkeys.js", "sw.js", "together.js", "vitals.js", "icons.svg", "favicon.svg"):
        file = dist / assets.asset(name).removeprefix("/static/dist/")
        assert hashlib.sha256(file.read_bytes()).hexdigest()[:10] == file.name.split(".")[1]
        assert assets.is_immutable("", assets.asset(name))


def test_it_puts_compressed_twins_beside_them(built_before):
    for name in ("app.css", "app.js", "passkeys.js", "sw.js", "together.js", "vitals.js", "icons.svg", "favicon.svg"):
        file = built_before / assets.asset(name).removeprefix("/static/dist/")
        assert gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes()) == file.read_bytes()
        assert brotli.decompress(file.with_name(f"{file.name}.br").read_bytes()) == file.read_bytes()


def test_it_builds_the_same_again_and_only_when_needed(dist):
    assert assets.build()
    first = {path.name: path.read_bytes() for path in dist.iterdir()}
    assert not assets.build()
    assert assets.build(force=True)
    assert {path.name: path.read_bytes() for path in dist.iterdir()} == first


def test_it_builds_again_when_a_file_is_gone(built_before):
    (built_before / assets.asset("app.js").removeprefix("/static/dist/")).unlink()
    assert assets.build()


def test_it_says_what_to_run_when_nothing_is_built(dist):
    with pytest.raises(assets.AssetsNotBuilt, match=re.escape(assets.COMMAND)):
        assets.asset("app.css")


def test_it_says_what_to_run_when_the_sources_are_newer(built_before):
    manifest = json.loads((built_before / "manifest.json").read_text())
    (built_before / "manifest.json").write_text(json.dumps(manifest | {"sources": "of last week"}))
    with pytest.raises(assets.AssetsNotBuilt, match="older than their sources"):
        assets.asset("app.css")


def test_it_refuses_a_name_that_is_no_bundle(built_before):
    with pytest.raises(assets.AssetsNotBuilt, match=r"no bundle named 'other\.css'"):
        assets.asset("other.css")


@pytest.mark.parametrize("url", ["/static/css/app.css", "/static/dist/manifest.json", "/static/dist/app.css"])
def test_only_fingerprinted_files_are_kept_for_ever(url):
    assert not assets.is_immutable("", url)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("app.js", 25_000),
        ("passkeys.js", 2_000),
        ("sw.js", 1_000),
        ("together.js", 30_000),
        ("vitals.js", 1_500),
        ("chunks.js", 2_000),
        ("elements.js", 1_500),
        ("app.css", 20_000),
        ("icons.svg", 3_000),
    ],
)
def test_it_stays_small(built, name, limit):
    """Of 60,000 bytes for a page with everything; both codings, since not every browser takes Brotli."""
    file = built[name]
    assert file.with_name(f"{file.name}.br").stat().st_size < limit
    assert file.with_name(f"{file.name}.gz").stat().st_size < limit


def test_each_icon_is_one_path_in_absolute_coordinates(built_before):
    """Several shapes would be laid out one by one; a relative move would start where the shape before it ended."""
    sprite = (built_before / assets.asset("icons.svg").removeprefix("/static/dist/")).read_text()
    drawn = dict(re.findall(r'<path id="([a-z0-9-]+)" d="([^"]+)"/>', sprite))
    assert set(drawn) == set(assets.ICONS)
    assert sprite.count("<") == len(drawn) + 2
    assert not [name for name, line in drawn.items() if re.search(r"[a-y]", line)]


def test_the_style_knows_every_layer(built_before):
    style = (built_before / assets.asset("app.css").removeprefix("/static/dist/")).read_text()
    assert style.startswith("@layer reset,tokens,base,layout,components,utilities,print;")
    assert "@import" not in style


def test_it_draws_the_seal_for_home_screens(built_before):
    """A mask may cut away all but the circle in the middle: its ground reaches every edge, and the seal none."""
    for name, (pixels, corners, _part) in app_icons.ICONS.items():
        with Image.open(built_before / assets.asset(name).removeprefix("/static/dist/")) as icon:
            shown = icon.convert("RGBA")
        assert shown.size == (pixels, pixels)
        ground = shown.getpixel((pixels // 2, 2))
        assert ground == (*ImageColor.getrgb(app_icons.GROUND), 255)
        assert (shown.getpixel((0, 0)) == ground) == (corners == 0)
        seal = Image.new("RGBA", shown.size, ground)
        seal.paste(shown.crop((0, 0, pixels, pixels // 10)), (0, 0))
        if name.startswith("maskable"):
            assert seal.getcolors() == [(pixels * pixels, ground)]
        assert len(shown.getcolors(pixels * pixels)) > 3


def test_a_new_file_is_a_new_version_of_the_service_worker(built_before, web_app):
    installed_app._script.cache_clear()
    with web_app.test_request_context():
        first = installed_app.service_worker_script()
        assert installed_app.service_worker_script() is first
        for name in installed_app.FIRST_LOAD:
            assert assets.asset(name).encode() in first
    with web_app.test_request_context(headers={"Accept-Language": "de"}):
        in_german = installed_app.service_worker_script()
        installed_app._script.cache_clear()
        assert in_german != first
        assert installed_app.service_worker_script() == in_german  # whatever was asked before
    installed_app._script.cache_clear()
