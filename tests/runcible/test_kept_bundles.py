"""Bundles that an earlier version made are read as they were then, each wrong in the one way that its name says."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runcible.certification import bundle
from runcible.certification.replay import replay
from runcible.certification.trust_root import TrustRoot
from runcible.certification.verifier import verify_bundle

FIRST = Path(__file__).parent.parent / "vectors" / "bundles"
SETS = {"v1": FIRST, "v2": FIRST / "v2"}
EXPECTED = {version: json.loads((place / "expected.json").read_text()) for version, place in SETS.items()}
KEPT = [(version, name) for version, names in EXPECTED.items() for name in names]
AT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def kept(version, name):
    return (SETS[version] / f"{name}{bundle.FILE_SUFFIX}").read_bytes()


def judged(version, name):
    return verify_bundle(
        kept(version, name), TrustRoot.from_bytes((SETS[version] / "trust-root.json").read_bytes()), AT
    )


@pytest.mark.parametrize("version", SETS)
def test_every_file_is_expected(version):
    files = {path.name.removesuffix(bundle.FILE_SUFFIX) for path in SETS[version].glob("*.rcb.json")}
    assert files == set(EXPECTED[version])


@pytest.mark.parametrize(("version", "name"), KEPT)
def test_it_is_judged_as_it_was(version, name):
    report = judged(version, name)
    failing = [check.name for check in report.checks if check.required and check.verdict != "pass"]
    assert {"ok": report.ok, "authentic": report.authentic, "failing": failing} == EXPECTED[version][name]


def test_both_versions_are_judged_alike():
    assert EXPECTED["v1"] == EXPECTED["v2"]


@pytest.mark.parametrize("version", SETS)
@pytest.mark.parametrize("name", ["certified", "certified-json", "rejected"])
def test_the_policy_still_comes_to_the_same(version, name):
    again = replay(bundle.read(kept(version, name)), input_text="What is the weather?")
    assert again.agrees


def test_the_first_version_names_its_issuer_by_an_id_only():
    statement = judged("v1", "certified").statement
    assert str(statement.issuer) == "01939f5e-7b1a-7000-8000-00000000000a"
    assert (statement.issuer.name, statement.requested_by) == (None, None)


def test_the_second_version_names_issuer_and_requester():
    statement = judged("v2", "certified").statement
    assert (str(statement.issuer), statement.requested_by) == ("Acme Ltd (acme)", "user:7")
