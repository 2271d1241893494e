"""Heads of the audit trail are signed: a changed line is refused by name, and a rewritten chain gets no signature."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from structlog.testing import capture_logs

from app import create_app
from app.commands.tasks import update_task
from app.core import clock
from app.core.database import db, fresh_session
from app.jobs import audit_chain, audit_heads, head_signing
from app.jobs.audit_heads import Heads, keep_head, keep_signed, newest_signed_in
from app.jobs.key_ring import key_ring
from app.jobs.relay import queue_named
from app.schemas.tasks import TaskChanges
from runcible.canonical import canonical_json
from runcible.certification.dsse import Envelope
from runcible.certification.head_statement import HeadStatement, build
from runcible.certification.keys import create
from runcible.certification.statement import Statement
from runcible.certification.trust_root import TrustRoot
from runcible.cli import main
from runcible.errors import BundleInvalid
from runcible.storage.audit_heads import head_line, read_heads, signed_line
from tests import cast, stage
from tests.factories import a_task


@pytest.fixture(scope="module")
def trail(play_stage, web_app, tmp_path_factory):
    """A database of its own with a linked trail; three of its heads are kept, each of them signed."""
    folder = tmp_path_factory.mktemp("signed")
    database = stage.copy(f"signed_{play_stage.worker_number}")
    there = stage.Stage(database, play_stage.worker_number)
    made = SimpleNamespace(stage=there, database=database, heads=folder / "heads.jsonl", root=folder / "root.json")
    made.clock, made.signer = (create_app(process, **there.settings) for process in ("clock", "signer"))
    made.web = create_app("web", **there.settings)
    made.root.write_bytes(key_ring().trust_root.bytes)
    with made.web.app_context(), fresh_session():
        made.alice = cast.play(cast.found("acme"), "alice")
        made.task = a_task(made.alice)
    for name in ("one", "two", "three"):
        more(made, name)
        keep(made, made.heads)
        sign(made)
        keep(made, made.heads)
    return made


def more(trail, name):
    """One more event, linked."""
    with trail.web.app_context(), fresh_session():
        update_task(trail.alice.actor, trail.task.id, TaskChanges(name=name))
    with trail.clock.app_context(), fresh_session():
        audit_chain.link_events(audit_chain.Settled())


def sign(trail):
    """What the signer does when it is called."""
    with trail.signer.app_context():
        head_signing.sign_head()


def keep(trail, path):
    """What the clock does in a minute."""
    with trail.clock.app_context(), fresh_session():
        keep_head(path)
        keep_signed(path, newest_signed_in(path))
        db.session.rollback()


def verified(trail, capsys, heads=None, root=None):
    """Exit code and what was said."""
    url = stage.url_of(trail.database, "auditor")
    given = ["audit", "verify", "--database", url, "--head", str(heads or trail.heads)]
    code = main([*given, *(["--trust-root", str(root)] if root else [])])
    said = capsys.readouterr()
    return code, said.out + said.err


def lines_of(trail):
    return trail.heads.read_bytes().splitlines(keepends=True)


def written(tmp_path, lines):
    path = tmp_path / "heads.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def is_signed(line):
    return b'"payloadType"' in line


def test_each_head_is_followed_by_the_signed_one_and_both_are_verified(trail, capsys):
    assert [is_signed(line) for line in lines_of(trail)] == [False, True] * 3
    code, said = verified(trail, capsys, root=trail.root)
    newest = read_heads(trail.heads.read_bytes())[0][-1].sequence
    assert (code, "TAMPERED" in said) == (0, False), said
    assert f"Signed: the heads up to sequence {newest}," in said
    assert "UNSIGNED" not in said


def test_without_a_trust_root_it_is_said_that_no_signature_was_checked(trail, capsys):
    code, said = verified(trail, capsys)
    assert code == 0
    assert "the signatures of 3 heads were not checked" in said


def test_an_unsigned_file_of_before_still_works_and_says_that_it_is_unsigned(trail, capsys, tmp_path):
    old = written(tmp_path, [line for line in lines_of(trail) if not is_signed(line)])
    for root in (None, trail.root):
        code, said = verified(trail, capsys, old, root)
        assert (code, "Note: UNSIGNED." in said) == (0, True), said


def changed_head(line, **changes):
    """The line with something else in its head, and the signatures as they were."""
    document = json.loads(line)
    statement = json.loads(base64.b64decode(document["payload"]))
    statement["predicate"]["head"] |= changes
    statement["subject"][0]["digest"]["sha256"] = statement["predicate"]["head"]["hash"]
    document["payload"] = base64.b64encode(canonical_json(statement)).decode()
    return canonical_json(document) + b"\n"


@pytest.mark.parametrize(
    "changes",
    [{"hash": "0" * 64}, {"sequence": 1}, {"time": "2020-01-01T00:00:00.000000Z"}, {"links": "0" * 64}, {"since": 1}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_changed_head_is_refused_by_its_line_and_its_sequence(trail, capsys, tmp_path, changes):
    lines = lines_of(trail)
    lines[3] = changed_head(lines[3], **changes)
    sequence = read_heads(lines[3])[0][0].sequence
    code, said = verified(trail, capsys, written(tmp_path, lines), trail.root)
    assert code == 1
    assert f"TAMPERED  heads, line 4, sequence {sequence}: is not as it was signed" in said


def test_whichever_byte_of_a_signed_line_is_changed_it_is_refused_and_the_line_named(trail, capsys, tmp_path):
    lines = lines_of(trail)
    for place in range(0, len(lines[3]) - 1, 41):
        changed = bytearray(lines[3])
        changed[place] ^= 1
        code, said = verified(trail, capsys, written(tmp_path, [*lines[:3], bytes(changed), *lines[4:]]), trail.root)
        assert code != 0, f"byte {place}: {said}"
        # An end that is no brace is a line that a loss of power cut off.
        assert "line 4" in said, f"byte {place}: {said}"


def test_an_unsigned_head_that_contradicts_the_signed_one_is_named(trail, capsys, tmp_path):
    lines = lines_of(trail)
    head = json.loads(lines[2]) | {"hash": "0" * 64}
    code, said = verified(trail, capsys, written(tmp_path, [*lines[:2], head_line(head), *lines[3:]]), trail.root)
    assert code == 1
    assert f"TAMPERED  heads, line 4, sequence {head['sequence']}: says otherwise than line 3" in said


def test_a_key_that_the_trust_root_does_not_hold_signs_nothing(trail, capsys, tmp_path, strangers_root):
    code, said = verified(trail, capsys, root=strangers_root)
    assert code == 1
    assert "TAMPERED  heads, line 2" in said
    assert "holds no key" in said


@pytest.fixture
def strangers_root(tmp_path):
    """The trust root of another installation."""
    root = tmp_path / "other.json"
    root.write_bytes(create(tmp_path / "keys", b"other", at=clock.now(), algorithms=["Ed25519"]).bytes)
    return root


def test_a_key_counts_in_its_time_only(trail, capsys, tmp_path):
    root = TrustRoot.from_bytes(trail.root.read_bytes())
    before = written_root(tmp_path, with_keys(root, valid_until=clock.now() - timedelta(days=2), state="retired"))
    code, said = verified(trail, capsys, root=before)
    assert (code, "was not in use at" in said) == (1, True), said


def test_what_a_compromised_key_has_signed_counts_as_unsigned(trail, capsys, tmp_path):
    root = TrustRoot.from_bytes(trail.root.read_bytes())
    at = clock.now() + timedelta(days=1)
    lost = written_root(tmp_path, with_keys(root, state="compromised", compromised_at=at, valid_until=at))
    code, said = verified(trail, capsys, root=lost)
    assert code == 0
    assert "3 heads were signed by a key that was compromised since" in said
    assert "Note: UNSIGNED." in said


def with_keys(root, **changes):
    return replace(root, keys=tuple(replace(key, **changes) for key in root.keys))


def written_root(tmp_path, root):
    path = tmp_path / "changed-root.json"
    path.write_bytes(root.bytes)
    return path


def test_a_head_that_was_signed_long_after_its_time_is_pointed_out(trail, capsys, tmp_path):
    head = json.loads(lines_of(trail)[-2])
    late = key_ring().signer.sign(build(head, signed_at=clock.now() + timedelta(hours=2)))
    path = written(tmp_path, [signed_line(late)])
    code, said = verified(trail, capsys, path, trail.root)
    assert (code, "was signed more than an hour after its time" in said) == (0, True), said


def verified_alone(database, capsys, root):
    """What is said without any head from outside: of the chain, and of the signed heads beside it."""
    given = ["audit", "verify", "--database", stage.url_of(database, "auditor")]
    code = main([*given, *(["--trust-root", str(root)] if root else [])])
    return code, capsys.readouterr().out


def test_without_a_file_the_signed_heads_beside_the_chain_are_checked(trail, capsys):
    code, said = verified_alone(trail.database, capsys, trail.root)
    assert (code, "3 signed heads beside the chain" in said) == (0, True), said


REWRITTEN = "UPDATE audit.audit_chain SET hash = sha256(hash) WHERE sequence = {0}"
OF_ANOTHER_HASH = """
    UPDATE audit_heads SET envelope = jsonb_set(envelope, '{{payload}}', to_jsonb(translate(encode(convert_to(replace(
        convert_from(decode(envelope ->> 'payload', 'base64'), 'UTF8'),
        (SELECT encode(hash, 'hex') FROM audit.audit_chain WHERE sequence = {0}), repeat('ab', 32)), 'UTF8'), 'base64'),
        E'\n', ''))) WHERE sequence = {0}"""


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        (REWRITTEN, "audit_heads, sequence {0}: head and chain disagree"),
        (OF_ANOTHER_HASH, "audit_heads, sequence {0}: "),
        ("UPDATE audit_heads SET sequence = {0} + 1000 WHERE sequence = {0}", "{moved}: stands in another place"),
        ("UPDATE audit_heads SET envelope = '{{}}' WHERE sequence = {0}", "sequence {0}: is not as it was signed"),
        ("DELETE FROM audit_heads WHERE sequence = {0}", "follows the head of sequence {0}, which was taken out"),
        (
            "DELETE FROM audit.audit_chain WHERE sequence >= {0}",
            "sequence {0}: head and chain disagree: the chain ends",
        ),
        (
            "UPDATE audit.audit_chain SET created_at = created_at + interval '1 microsecond' WHERE sequence = {0}",
            "sequence {0}: head and chain disagree: the links from",
        ),
    ],
    ids=["chain rewritten", "head changed", "moved", "unreadable", "taken out", "chain cut off", "moment of linking"],
)
def test_a_chain_and_signed_heads_that_disagree_are_named(copied, capsys, tampering, found):
    middle = signed_in_database(copied)[1]
    with psycopg.connect(stage.url_of(copied.database, "superuser"), autocommit=True) as connection:
        for trigger in ("oversing_audit_ddl", "oversing_audit_drop"):
            connection.execute(f"ALTER EVENT TRIGGER {trigger} DISABLE")
        connection.execute("ALTER TABLE audit.audit_chain DISABLE TRIGGER USER")
        connection.execute("ALTER TABLE audit_heads DISABLE TRIGGER USER")
        connection.execute(tampering.format(middle))
    wanted = found.format(middle, moved=f"audit_heads, sequence {middle + 1000}")
    for root in (copied.root, None):
        code, said = verified_alone(copied.database, capsys, root)
        assert (code, wanted in said) == (1, True), said


def test_a_signed_head_that_was_kept_and_is_not_beside_the_chain_any_more_is_named(copied, capsys):
    newest = signed_in_database(copied)[-1]
    with stage.superuser(copied.database) as connection:
        connection.execute("ALTER TABLE audit_heads DISABLE TRIGGER USER")
        connection.execute("DELETE FROM audit_heads WHERE sequence = %s", [newest])
    code, said = verified(copied, capsys, copied.heads, copied.root)
    assert (code, f"audit_heads, sequence {newest}: was taken out" in said) == (1, True), said


def test_a_head_is_no_certification_and_a_certification_no_head(trail):
    envelope = Envelope.from_document(json.loads(lines_of(trail)[1]))
    with pytest.raises(BundleInvalid):
        Statement.read(envelope.payload)
    document = json.loads(envelope.payload) | {"predicateType": "urn:runcible:certification:v2"}
    with pytest.raises(BundleInvalid):
        HeadStatement.read(canonical_json(document))


# --- the clock and the signer ---


@pytest.fixture
def copied(trail):
    """A copy of the trail, in which anything may be done."""
    name = f"{trail.database}_x"
    with stage.superuser() as connection:
        connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                           [trail.database])  # fmt: skip
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{trail.database}"')
        for role in ("auditor", "app", "clock", "signer"):
            connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO oversing_{role}')
    there = stage.Stage(name, trail.stage.worker_number)
    copy = SimpleNamespace(**vars(trail) | {"stage": there, "database": name})
    copy.clock, copy.signer, copy.web = (create_app(each, **there.settings) for each in ("clock", "signer", "web"))
    yield copy
    with stage.superuser() as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def signed_in_database(trail):
    with stage.superuser(trail.database) as connection:
        return [number for (number,) in connection.execute("SELECT sequence FROM audit_heads ORDER BY 1").fetchall()]


def test_signing_twice_signs_once(copied):
    before = signed_in_database(copied)
    sign(copied)
    assert signed_in_database(copied) == before
    more(copied, "four")
    sign(copied)
    sign(copied)
    assert len(signed_in_database(copied)) == len(before) + 1


@pytest.mark.parametrize("damage", ["rewritten", "cut off"])
def test_a_chain_that_does_not_continue_gets_no_signature(copied, damage):
    before = signed_in_database(copied)
    with stage.superuser(copied.database) as connection:
        connection.execute("ALTER EVENT TRIGGER oversing_audit_ddl DISABLE")
        connection.execute("ALTER TABLE audit.audit_chain DISABLE TRIGGER USER")
        if damage == "cut off":
            connection.execute("DELETE FROM audit.audit_chain WHERE sequence = %s", [before[-1]])
        else:
            connection.execute(r"UPDATE audit.audit_chain SET hash = '\x00' WHERE sequence = %s", [before[-1]])
            connection.execute(
                "INSERT INTO audit.audit_chain (sequence, event_id, event_created_at, hash)"
                r" SELECT sequence + 1, gen_random_uuid(), now(), '\x01' FROM audit.audit_chain WHERE sequence = %s",
                [before[-1]],
            )
    with capture_logs() as logs:
        sign(copied)
    assert signed_in_database(copied) == before
    assert [line["event"] for line in logs] == ["signer.chain_does_not_continue"]


def test_a_signed_head_that_was_forged_in_the_database_stops_the_signer(copied):
    before = signed_in_database(copied)
    more(copied, "five")
    with stage.superuser(copied.database) as connection:
        connection.execute("ALTER TABLE audit_heads DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE audit_heads SET envelope = (SELECT envelope || '{}' FROM audit_heads AS other"
            " ORDER BY sequence LIMIT 1) || jsonb_build_object('signatures', envelope -> 'signatures')"
            " WHERE sequence = %s",
            [before[-1]],
        )
    with capture_logs() as logs:
        sign(copied)
    assert signed_in_database(copied) == before
    assert [line["event"] for line in logs] == ["signer.signed_head_is_forged"]


@pytest.mark.parametrize("role", ["app", "owner", "signer", "clock", "auditor"])
@pytest.mark.parametrize("attempt", ["UPDATE audit_heads SET sequence = 1", "DELETE FROM audit_heads", "TRUNCATE {0}"])
def test_no_role_changes_what_was_signed(trail, role, attempt):
    with (
        psycopg.connect(stage.url_of(trail.database, role)) as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)),
    ):
        connection.execute(attempt.format("audit_heads"))


def test_the_clock_calls_the_signer_and_writes_down_what_it_signed(copied, tmp_path):
    path = tmp_path / "kept.jsonl"
    with copied.clock.app_context(), fresh_session():
        queue = queue_named("signer")
        queue.empty()
        kept = Heads(path)
        kept.look()
        newest = signed_in_database(copied)[-1]
        assert [is_signed(line) for line in path.read_bytes().splitlines()] == [False, True], "the newest alone"
        assert queue.count == 0, "it is signed already"
    more(copied, "six")
    with copied.clock.app_context(), fresh_session():
        kept.look()
        assert queue.count == 0, "not before the minute is over"
        kept._due = 0
        kept.look()
        [job] = queue.jobs
        assert (job.func_name, job.args, job.ttl) == ("app.jobs.head_signing.sign_head", [], 60)
        assert len(path.read_bytes().splitlines()) == 3
        queue.empty()
    sign(copied)
    with copied.clock.app_context(), fresh_session():
        kept.look()
        kept.look()
    heads, torn = read_heads(path.read_bytes())
    assert not torn
    assert [head.envelope is not None for head in heads] == [False, True, False, True]
    assert heads[-1].sequence == heads[-2].sequence > newest


def test_a_clock_that_starts_anew_goes_on_after_what_its_file_holds(copied):
    path = Path(str(copied.heads))
    before = path.read_bytes()
    with copied.clock.app_context(), fresh_session():
        assert Heads(path).look() is None
        assert Heads(path).look() is None
    assert path.read_bytes() == before


def test_a_redis_that_is_away_does_not_stop_the_heads(copied, tmp_path, monkeypatch):
    def away(_name):
        raise ConnectionRefusedError

    more(copied, "seven")
    path = tmp_path / "kept.jsonl"
    monkeypatch.setattr(audit_heads, "queue_named", away)
    with copied.clock.app_context(), fresh_session():
        Heads(path).look()
    assert [is_signed(line) for line in path.read_bytes().splitlines()] == [False, True]
