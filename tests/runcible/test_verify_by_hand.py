"""The commands of docs/verify-by-hand.md, taken from the page and run as a reader would."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runcible.certification import bundle
from runcible.certification.unpack import unpack
from runcible.content import Output

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "verify-by-hand.md").read_text()
BEFORE, _, AFTER = PAGE.partition("### Without Python")
INSTEAD, _, AFTER = AFTER.partition("## 2.")


def steps(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


COMMANDS = [command for step in steps(BEFORE + AFTER) for command in step.splitlines()]
BY_HAND = "".join(steps(INSTEAD))
CHECKS_BY_HAND = "".join(step for step in steps(AFTER) if "python" not in step)
TOOLS = ("awk", "base64", "cat", "cmp", "cut", "grep", "mkdir", "openssl", "sed", "sha256sum", "tail", "wc")


@pytest.fixture
def place(certified, trust_root, tmp_path):
    """A reader's directory: the two files that the page asks for, and `python` as the reader has it."""
    (tmp_path / "certificate.rcb.json").write_bytes(certified.data)
    (tmp_path / "trust-root.json").write_bytes(trust_root.bytes)
    return tmp_path


def run(script, cwd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = f"set -e -o pipefail\n{script}"
    return subprocess.run(["bash", "-c", script], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_page_has_its_commands():
    assert len(COMMANDS) == 12
    assert "payload.bin" in BY_HAND
    assert any("openssl ts -verify" in command for command in COMMANDS)


def test_every_command_of_the_page_succeeds(place, certify, trust_root, noon):
    # The last command judges at the present moment: such a certificate has to be in its time now.
    commands = [command + " --at 2026-11-22T12:00:00Z" if "verify cert" in command else command for command in COMMANDS]
    done = run("\n".join(commands), place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Verified OK") == 2
    assert "Verification: OK" in done.stdout
    assert "Verified: every required check passes." in done.stdout


@pytest.fixture
def parts(certified, place):
    unpack(bundle.read(certified.data), place / "parts")
    return place / "parts"


def by_hand(place, tmp_path_factory, script=BY_HAND):
    """Run lines of the page as `sh` does where there is neither Python nor jq. A line that fails ends it."""
    tools = tmp_path_factory.mktemp("tools")
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    environment = {"PATH": str(tools), "LANG": "C.UTF-8"}
    command = ["/bin/sh", "-c", f"set -e\n{script}"]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


def written_by(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "places.txt"}


AWKWARD = [
    "The sky was clear at noon.",
    'She said "no" \\ and \\\\"never\\\\\\": a\ttab,\r\nlines\n\n, \u2600, \\n, \\u0041, %s %d, $HOME `id` \'.\n',
    "\\",
    '"',
    'x", "envelope": {"payload": "AAAA"}, "text": "y',
    "\x01\x1f\x0b\b\f\x7f/ \u2028 \U0001f600 \u00e9",
    "  Blanks at both ends  ",
    'one "two" three\\four\n' * 4000,
]


@pytest.mark.parametrize("text", AWKWARD, ids=lambda text: ascii(text)[:30])
def test_the_lines_for_the_way_without_python_write_what_unpack_writes(certify, place, tmp_path_factory, text):
    made = certify(Output.of_text(text))
    (place / "certificate.rcb.json").write_bytes(made.data)
    done = by_hand(place, tmp_path_factory)
    assert done.returncode == 0, done.stderr
    unpack(bundle.read(made.data), place / "expected")
    assert written_by(place / "parts") == written_by(place / "expected")


AWKWARD_JSON = [
    {"b": 1.0, "a": ["\u00e9", 'x"y\\']},
    {"envelope": {"payload": "AAAA", "signatures": [{"keyid": "0", "sig": "AAAA"}]}, "trust": {"keys": []}},
    {"media_type": "x", "text": 'a","media_type":"b'},
    {"a": {"b": 1, "media_type": "x"}, "envelope": {"payload": "AAAA"}},
    [],
    "only a text",
    {"envelope.payload": "AAAA", ".envelope": {"payload": "B"}, "": {"timestamps": ["A"]}, "a b": [[], {}, [["x"]]]},
]


@pytest.mark.parametrize("value", AWKWARD_JSON, ids=lambda value: ascii(value)[:30])
def test_the_same_holds_for_json_whatever_it_pretends_to_be(certify, place, tmp_path_factory, value):
    made = certify(Output.of_json(value))
    (place / "certificate.rcb.json").write_bytes(made.data)
    done = by_hand(place, tmp_path_factory)
    assert done.returncode == 0, done.stderr
    unpack(bundle.read(made.data), place / "expected")
    assert written_by(place / "parts") == written_by(place / "expected")


def test_a_bundle_without_its_content_has_everything_else(certify, place, tmp_path_factory):
    made = certify(with_content=False)
    (place / "certificate.rcb.json").write_bytes(made.data)
    assert by_hand(place, tmp_path_factory).returncode == 0
    unpack(bundle.read(made.data), place / "expected")
    assert written_by(place / "parts") == written_by(place / "expected")


def test_without_python_every_check_of_the_page_passes(place, tmp_path_factory):
    done = by_hand(place, tmp_path_factory, BY_HAND + CHECKS_BY_HAND)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Verified OK") == 2
    assert "Verification: OK" in done.stdout


BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


COVERED = [
    '"payload":"',
    '"sig":"',
    '"sig":"[^"]*"},{"keyid":"[^"]*","sig":"',
    '"timestamps":\\["',
    '"text":"',
]


@pytest.mark.parametrize("after", COVERED)
def test_a_changed_byte_of_the_bundle_fails_a_check_of_the_page(certified, place, tmp_path_factory, after):
    data = certified.data.decode()
    found = re.search(after, data)
    at = found.end() + 20
    other = BASE64[BASE64.index(data[at]) ^ 1] if data[at] in BASE64 else "x"
    (place / "certificate.rcb.json").write_text(data[:at] + other + data[at + 1 :])
    assert by_hand(place, tmp_path_factory).returncode == 0
    done = by_hand(place, tmp_path_factory, "cd parts\n" + CHECKS_BY_HAND)
    assert done.returncode != 0


def flip(path, at=-1):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


CHECKS = {
    "first key": "openssl pkey -pubin -in public.pem",
    "second key": "openssl pkey -pubin -in public-2.pem",
    "first signature": "openssl dgst -sha256 -verify public.pem",
    "second signature": "openssl dgst -sha256 -verify public-2.pem",
    "statement": "tail -c",
    "content": "sha256sum content",
    "time": "openssl ts -verify",
}


def outcomes(parts):
    """Which of the checks of the page fail."""
    failing = set()
    for name, start in CHECKS.items():
        (command,) = (command for command in COMMANDS if command.startswith(start))
        if run(command, parts).returncode != 0:
            failing.add(name)
    return failing


@pytest.mark.parametrize(
    ("name", "at", "fails"),
    [
        ("payload.bin", -1, {"first signature", "second signature", "statement"}),
        ("payload.bin", 8, {"first signature", "second signature"}),
        ("signature.bin", 0, {"first signature", "time"}),
        ("signature-2.bin", -1, {"second signature"}),
        ("statement.json", 10, {"statement"}),
        ("content.txt", 0, {"content"}),
        ("token.tsr", -1, {"time"}),
    ],
)
def test_a_changed_byte_fails_the_check_that_covers_it(parts, name, at, fails):
    assert outcomes(parts) == set()
    flip(parts / name, at)
    assert outcomes(parts) == fails


def test_the_keys_of_a_stranger_are_found_out(place, parts, strangers_ring):
    (parts / "public.pem").write_text(strangers_ring.trust_root.keys[0].pem)
    assert outcomes(parts) == {"first key", "first signature"}


def test_the_content_of_json_is_written_in_the_bytes_that_are_hashed(certify, tmp_path):
    made = certify(Output.of_json({"b": 1.0, "a": ["\u00e9"]}))
    names = unpack(bundle.read(made.data), tmp_path)
    assert "content.json" in names
    assert (tmp_path / "content.json").read_bytes() == '{"a":["\u00e9"],"b":1}'.encode()


def test_unpacking_another_bundle_mixes_nothing(certify, tmp_path):
    unpack(bundle.read(certify(Output.of_json({"a": 1})).data), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    names = unpack(bundle.read(certify(with_content=False).data), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "notes.txt"])
