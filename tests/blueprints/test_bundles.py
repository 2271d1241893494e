"""The bundle of a certification, taken from the product and checked by strangers: by runcible and by openssl."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.core import clock
from runcible.certification import keys
from runcible.certification.bundle import MEDIA_TYPE
from tests.factories import BOASTFUL, HONEST, a_certification, settle
from tests.stage import ROOT

# The page has two ways to take a bundle apart, and one to check what comes out of either.
START, WITHOUT_PYTHON, CHECKS = re.split(
    r"^(?=### Without Python|## 2\.)", (ROOT / "docs" / "verify-by-hand.md").read_text(), flags=re.MULTILINE
)


@pytest.fixture
def place(tmp_path, web_app, app) -> Path:
    """A stranger's directory, with the trust root as the product gives it to everybody."""
    (tmp_path / "trust-root.json").write_bytes(web_app.test_client().get("/api/v1/trust-root").data)
    return tmp_path


def download(door, certification_id, place) -> Path:
    answer = door.get(f"/certifications/{certification_id}/bundle")
    assert answer.status_code == 200
    (place / "certificate.rcb.json").write_bytes(answer.data)
    return place / "certificate.rcb.json"


def sh(script, place):
    """Run commands as a reader of the page would, with this interpreter as their python."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(place)}
    return subprocess.run(["bash", "-c", f"set -e -o pipefail\n{script}"], cwd=place, env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip


def verify(place):
    return sh("python -m runcible verify certificate.rcb.json --trust-root trust-root.json", place)


def test_the_bundle_is_a_download_under_its_number(door, alice):
    made = alice.certification(a_certification(alice))
    answer = door(alice).get(f"/certifications/{made.id}/bundle")
    assert answer.content_type == MEDIA_TYPE
    named = f'attachment; filename="{made.certification_number}.rcb.json"'
    assert answer.headers["Content-Disposition"] == named
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("apart", [START, WITHOUT_PYTHON], ids=["unpacked", "by hand"])
def test_a_stranger_verifies_it_with_openssl_alone(api, alice, place, apart):
    download(api(alice), a_certification(alice), place)
    done = sh("\n".join(re.findall(r"^```sh\n(.*?)^```$", apart + CHECKS, re.MULTILINE | re.DOTALL)), place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Verified OK") == 2
    assert "Verification: OK" in done.stdout
    assert (place / "parts" / "content.txt").read_text() == HONEST


def test_openssl_sees_one_changed_byte(api, alice, place):
    signed = "openssl dgst -sha256 -verify public.pem -signature signature.bin payload.bin"
    signed_again = "openssl dgst -sha256 -verify public-2.pem -signature signature-2.bin payload.bin"
    stamped = "openssl ts -verify -data signature.bin -in token.tsr -CAfile tsa-chain.pem"
    judged = "sha256sum content.txt | cut -d' ' -f1 | grep -F -f - statement.json"
    download(api(alice), a_certification(alice), place)
    assert sh("python -m runcible unpack certificate.rcb.json parts", place).returncode == 0
    for part, command in [
        ("payload.bin", signed),
        ("payload.bin", signed_again),
        ("signature.bin", signed),
        ("signature-2.bin", signed_again),
        ("signature.bin", stamped),
        ("token.tsr", stamped),
        ("content.txt", judged),
    ]:
        whole = (place / "parts" / part).read_bytes()
        assert sh(f"cd parts && {command}", place).returncode == 0, command
        (place / "parts" / part).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert sh(f"cd parts && {command}", place).returncode != 0, (part, command)
        (place / "parts" / part).write_bytes(whole)


def test_runcible_sees_any_changed_byte(api, alice, place):
    file = download(api(alice), a_certification(alice), place)
    whole = file.read_bytes()
    for at in (5, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verify(place).returncode != 0, whole[at - 20 : at + 20]


def test_runcible_takes_only_the_one_form_of_it(api, alice, place):
    file = download(api(alice), a_certification(alice), place)
    assert verify(place).returncode == 0
    file.write_text(json.dumps(json.loads(file.read_bytes()), indent=1))
    done = verify(place)
    assert done.returncode == 1
    assert "The bundle can't be read." in done.stdout


def test_the_bundle_of_a_rejection_says_that_it_is_one(api, alice, place):
    download(api(alice), a_certification(alice, output_content=BOASTFUL), place)
    done = verify(place)
    assert done.returncode == 1
    assert "the content was not certified" in done.stdout + done.stderr


def test_the_bundle_of_a_revoked_certificate_no_longer_verifies(api, alice, place):
    certification_id = a_certification(alice)
    download(api(alice), certification_id, place)
    assert verify(place).returncode == 0
    api(alice).revoke_certification(certification_id, reason="The price was wrong.")
    assert api(alice).get(f"/certifications/{certification_id}/bundle").status_code == 409
    settle(alice)
    download(api(alice), certification_id, place)
    done = verify(place)
    assert done.returncode == 1
    assert "The price was wrong." in done.stdout + done.stderr


def test_a_bundle_does_not_verify_under_the_keys_of_somebody_else(api, alice, place, tmp_path_factory):
    download(api(alice), a_certification(alice), place)
    stranger = keys.create(tmp_path_factory.mktemp("stranger") / "keys", b"another passphrase", at=clock.now())
    (place / "trust-root.json").write_bytes(stranger.bytes)
    assert verify(place).returncode == 1


def test_the_policy_can_be_run_again_over_the_content(api, alice, place):
    download(api(alice), a_certification(alice, output_content=BOASTFUL), place)
    assert sh("python -m runcible replay certificate.rcb.json", place).returncode == 0


def test_a_bundle_there_is_only_after_the_verdict(door, alice):
    certification_id = a_certification(alice, settled=False)
    assert door(alice).get(f"/certifications/{certification_id}/bundle").status_code == 409


def test_a_stranger_finds_no_bundle(door, alice, mallory):
    assert door(mallory).get(f"/certifications/{a_certification(alice)}/bundle").status_code == 404
