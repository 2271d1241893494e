"""The command line tells a person what is wrong, and a script by its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runcible import cli
from runcible.certification import bundle
from runcible.content import Context

ROOT = Path(__file__).parents[2]
NOON = "2026-11-22T12:00:00Z"


@pytest.fixture
def files(certified, trust_root, tmp_path):
    (tmp_path / "good.rcb.json").write_bytes(certified.data)
    (tmp_path / "root.json").write_bytes(trust_root.bytes)
    return tmp_path


def verify(files, name="good.rcb.json", *, root="root.json", at=NOON, more=()):
    return cli.main(["verify", str(files / name), "--trust-root", str(files / root), "--at", at, *more])


def test_a_good_bundle_exits_with_0_and_prints_each_check(files, capsys):
    assert verify(files) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("RC-2026-0000000042-Y: certified\nIssued by Acme Ltd (acme), asked for by user:7\n")
    for name in (
        "form",
        "seal",
        "signature",
        "keys",
        "content",
        "timestamp",
        "inclusion",
        "policy",
        "status",
        "expiry",
    ):
        assert f" {name} " in shown
    assert shown.endswith("Verified: every required check passes.\n")


def test_expired_exits_with_1(files, capsys):
    assert verify(files, at="2027-01-01") == 1
    assert "fail    expiry" in capsys.readouterr().out


def test_a_rejection_exits_with_1_and_is_called_genuine(files, certify, capsys):
    (files / "no.rcb.json").write_bytes(certify("x" * 1001).data)
    assert verify(files, "no.rcb.json") == 1
    shown = capsys.readouterr().out
    assert "RC-2026-0000000042-Y: rejected" in shown
    assert "a genuine record, but one not to be relied on" in shown


@pytest.mark.parametrize(
    "data",
    [b"", b"garbage", b"\xff\xfe", b"{}", b"[]", b"{" * 100_000, b"\0" * 1000, b'{"a":1e999999}', b"\x1b[31mred"],
    ids=repr,
)
def test_garbage_exits_with_1_and_no_traceback(files, data, capsys):
    (files / "bad").write_bytes(data)
    assert verify(files, "bad") == 1
    shown = capsys.readouterr()
    assert "fail    form" in shown.out
    assert "Traceback" not in shown.out + shown.err
    assert "\x1b" not in shown.out


@pytest.mark.parametrize("data", [b"", b"garbage", b"{}", b"{" * 100_000])
def test_a_garbled_trust_root_exits_with_2(files, data, capsys):
    (files / "bad").write_bytes(data)
    assert verify(files, root="bad") == 2
    assert "trust root" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nothing", ".", "huge", "locked/x", "a\0b"], ids=repr)
def test_what_can_not_be_read_exits_with_2(files, name, capsys):
    with (files / "huge").open("wb") as file:
        file.truncate(bundle.LARGEST + 1)
    assert verify(files, name) == 2
    assert verify(files, root=name) == 2
    assert capsys.readouterr().err.startswith("runcible: ")


@pytest.mark.parametrize(
    "arguments",
    [[], ["verify"], ["verify", "x"], ["verify", "x", "--trust-root", "y", "--at", "noon"], ["sing", "x"],
     ["verify", "x", "--trust-root", "y", "--at", "0001-01-01"]],
    ids=str,
)  # fmt: skip
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_content_can_be_handed_in(files, certify, certified, capsys):
    (files / "without.rcb.json").write_bytes(certify(with_content=False).data)
    (files / "content.txt").write_bytes(certified.output.bytes)
    assert verify(files, "without.rcb.json") == 1
    assert "unknown content " in (shown := capsys.readouterr().out)
    assert "a genuine record, and nothing failed" in shown
    assert verify(files, "without.rcb.json", more=["--content", str(files / "content.txt")]) == 0


def test_other_content_handed_in_is_no_genuine_record(files, certify, capsys):
    (files / "without.rcb.json").write_bytes(certify(with_content=False).data)
    (files / "content.txt").write_text("Another text.")
    assert verify(files, "without.rcb.json", more=["--content", str(files / "content.txt")]) == 1
    shown = capsys.readouterr().out
    assert "fail    content " in shown
    assert "genuine" not in shown


def test_unpack_says_that_nothing_was_verified(files, capsys):
    assert cli.main(["unpack", str(files / "good.rcb.json"), str(files / "a" / "b")]) == 0
    assert "Nothing was verified" in capsys.readouterr().out
    assert (files / "a" / "b" / "token.tsr").exists()


def test_unpack_of_garbage_or_into_a_file_exits_with_2(files):
    (files / "bad").write_bytes(b"garbage")
    assert cli.main(["unpack", str(files / "bad"), str(files / "x")]) == 2
    assert not (files / "x").exists()
    assert cli.main(["unpack", str(files / "good.rcb.json"), str(files / "bad")]) == 2


def test_replay_finds_the_same_to_the_byte(files, capsys):
    assert cli.main(["replay", str(files / "good.rcb.json")]) == 0
    assert capsys.readouterr().out == "The same to the byte.\n"


def test_replay_needs_the_input_that_the_rules_saw(files, certify, load_policy, capsys):
    made = certify(policy=load_policy("general"), context=Context("acme", "m", "Why?"))
    (files / "asked.rcb.json").write_bytes(made.data)
    (files / "input").write_text("Why?")
    (files / "other").write_text("How?")
    command = ["replay", str(files / "asked.rcb.json")]
    assert cli.main(command) == 2
    assert "--input" in capsys.readouterr().err
    assert cli.main([*command, "--input", str(files / "input")]) == 0
    assert cli.main([*command, "--input", str(files / "other")]) == 2


def test_replay_names_the_rule_that_came_out_otherwise(
    files, certify, load_policy, rules_with, rule, monkeypatch, capsys
):
    made = certify(
        policy=load_policy(rules_with(rule(id="same"), rule(id="other", check={"validator": "hidden_text"})))
    )
    (files / "made.rcb.json").write_bytes(made.data)
    monkeypatch.setattr("runcible.governance.policy_engine.SECONDS_FOR_A_RULE", -1)
    assert cli.main(["replay", str(files / "made.rcb.json")]) == 1
    assert "DIFFERENT: same, other" in capsys.readouterr().out


def test_it_runs_as_a_module_without_the_application(files):
    command = [sys.executable, "-m", "runcible", "verify", "good.rcb.json", "--trust-root", "root.json", "--at", NOON]
    done = subprocess.run(
        command, cwd=files, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Verified" in done.stdout


def test_nothing_of_the_application_is_loaded():
    script = (
        "import sys, runcible.cli; print([m for m in sys.modules if m.split('.')[0] in {'app', 'flask', 'sqlalchemy'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
