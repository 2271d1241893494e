"""Bundles that an earlier version made are read as they were then, each wrong in the one way that its name says."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runcible.certification import bundle
from runcible.certification.replay import replay
from runcible.certification.trust_root import TrustRoot
from runcible.certification.verifier import verify_bundle

BUNDLES = Path(__file__).parent.parent / "vectors" / "bundles"
EXPECTED = json.loads((BUNDLES / "expected.json").read_text())
AT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def trust_root():
    return TrustRoot.from_bytes((BUNDLES / "trust-root.json").read_bytes())


def test_every_file_is_expected():
    assert {path.name.removesuffix(bundle.FILE_SUFFIX) for path in BUNDLES.glob("*.rcb.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_it_is_judged_as_it_was(name, trust_root):
    report = verify_bundle((BUNDLES / f"{name}.rcb.json").read_bytes(), trust_root, AT)
    failing = [check.name for check in report.checks if check.required and check.verdict != "pass"]
    assert {"ok": report.ok, "authentic": report.authentic, "failing": failing} == EXPECTED[name]


@pytest.mark.parametrize("name", ["certified", "certified-json", "rejected"])
def test_the_policy_still_comes_to_the_same(name):
    again = replay(bundle.read((BUNDLES / f"{name}.rcb.json").read_bytes()), input_text="What is the weather?")
    assert again.agrees
