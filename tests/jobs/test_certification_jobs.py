"""The jobs of a certification: each step happens once, however often it is run and wherever it was interrupted."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.adapters import time_stamping
from app.commands import certification_signing, certifications
from app.core import sealing, tenancy
from app.core.audit import subject_of
from app.core.database import db, fresh_session
from app.jobs import certifications as jobs
from app.jobs import runner
from app.jobs.key_ring import key_ring
from app.queries.certification_proofs import bundle_of
from app.queries.trust import trust_root
from runcible.certification.verifier import verify_bundle
from runcible.errors import TimestampUnavailable
from tests.cast import system
from tests.core.test_certification_log import assert_links
from tests.factories import BOASTFUL, a_certification, settle
from tests.jobs.outbox import change, rows_of
from tests.trail import custody

WHOLE_LIFE = ["created", "judged", "signed", "timestamped", "certified"]
POINTS = {
    "certification.frozen": certifications,
    "certification.signed": jobs,
    "certification.stamped": jobs,
    "certification.before_commit": certification_signing,
    "job.before_done": runner,
}


class Killed(BaseException):
    """As if the process had ended at this very point."""


@pytest.fixture
def pending(alice):
    """A certification that was asked for; nobody has looked at it yet."""
    return a_certification(alice, settled=False)


@pytest.fixture
def no_authority(monkeypatch):
    """A time-stamping authority that does not answer."""

    def refuse(_request):
        raise TimestampUnavailable("nobody is there")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "authority", lambda ring: refuse)
        yield patched


def events(certification_id):
    return [row.event_type for row in custody(certification_id)]


def do(player, job, certification_id):
    """Run one job, as the runner does."""
    with fresh_session(), tenancy.entered(db.session, player.organisation.id):
        job(system(player.organisation), certification_id)


def bundle(player, certification_id):
    return player.sees(lambda actor: bundle_of(player.certification(certification_id)))


def assert_good(player, certification_id):
    """Decided once, in one unbroken chain, with a bundle that a stranger can verify."""
    rows = custody(certification_id)
    assert [row.event_type for row in rows] == WHOLE_LIFE
    assert_links(rows)
    certification = player.certification(certification_id)
    assert certification.certification_status == "certified"
    assert rows[1].event_data["number"] == certification.certification_number
    with fresh_session(), tenancy.entered(db.session, player.organisation.id):
        report = verify_bundle(bundle_of(certification), trust_root(), certification.decided_at)
    assert report.ok, [check for check in report.checks if check.verdict != "pass"]


def test_each_job_that_is_run_three_times_has_happened_once(alice, pending):
    for job in (jobs.judge, jobs.sign, jobs.seal, jobs.supersede):
        for _time in range(3):
            do(alice, job, pending)
    assert_good(alice, pending)


def test_jobs_in_the_wrong_order_do_nothing_wrong(alice, pending):
    for job in (jobs.seal, jobs.sign, jobs.supersede):
        do(alice, job, pending)
    assert events(pending) == ["created"]
    for job in (jobs.judge, jobs.seal, jobs.sign, jobs.judge, jobs.sign):
        do(alice, job, pending)
    assert_good(alice, pending)


@pytest.mark.parametrize("point", POINTS)
def test_who_is_killed_at_any_point_has_lost_nothing_and_doubled_nothing(alice, pending, monkeypatch, point):
    def die(name):
        if name == point:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(POINTS[point], "failpoint", die)
        with pytest.raises(Killed):
            settle(alice)
    change("due_at = now()", "application_instance_id = %s", alice.organisation.id)  # the lease has run out
    settle(alice)
    assert_good(alice, pending)


def test_what_was_signed_before_the_end_is_what_counts_after_it(alice, pending, monkeypatch):
    def die(name):
        if name == "certification.signed":
            raise Killed

    do(alice, jobs.judge, pending)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "failpoint", die)
        with pytest.raises(Killed):
            do(alice, jobs.sign, pending)
    before = alice.certification(pending)
    do(alice, jobs.sign, pending)
    after = alice.certification(pending)
    for name in ("certification_number", "payload", "signature", "dsse_envelope"):
        assert getattr(after, name) == getattr(before, name)
        assert getattr(after, name)


def test_two_signers_at_once_give_one_verdict(web_app, alice, pending):
    do(alice, jobs.judge, pending)
    start = threading.Barrier(3, timeout=20)

    def be_a_signer(_number):
        with web_app.app_context():
            start.wait()
            do(alice, jobs.sign, pending)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(be_a_signer, range(3)))
    assert_good(alice, pending)


def test_nothing_in_the_database_waits_for_the_authority(alice, pending, monkeypatch):
    seen = []

    def ask(request):
        seen.append(db.session().in_transaction())
        if len(seen) == 1:
            raise TimestampUnavailable("not now")
        return time_stamping.authority(key_ring())(request)

    monkeypatch.setattr(jobs, "authority", lambda ring: ask)
    do(alice, jobs.judge, pending)
    with pytest.raises(TimestampUnavailable):
        do(alice, jobs.sign, pending)
    do(alice, jobs.sign, pending)  # this time it was signed before
    assert seen == [False, False]
    assert_good(alice, pending)


def test_without_an_authority_it_waits_and_is_completed_later_under_its_number(alice, pending, no_authority):
    settle(alice)
    waiting = alice.certification(pending)
    assert (waiting.certification_status, waiting.timestamp_token, waiting.decided_at) == ("validating", None, None)
    row = rows_of([pending])[-1]
    assert (row.job, row.attempts, row.last_error, row.done_at) == (
        "certifications.sign", 1, "TimestampUnavailable", None,
    )  # fmt: skip
    no_authority.undo()
    change("due_at = now(), attempts = 0", "id = %s", row.id)
    settle(alice)
    assert_good(alice, pending)
    assert alice.certification(pending).certification_number == waiting.certification_number


def test_what_was_given_up_says_so_and_can_be_tried_again_under_its_number(alice, pending, no_authority):
    settle(alice)
    row = rows_of([pending])[-1]
    change("due_at = now(), attempts = 9", "id = %s", row.id)
    runner.run(row.job, str(alice.organisation.id), [str(row.id)])
    failed = alice.certification(pending)
    assert failed.certification_status == "failed"
    assert failed.failure_reason == "It was tried 10 times, the last time with TimestampUnavailable."
    assert events(pending) == ["created", "judged", "signed", "failed"]
    no_authority.undo()
    certifications.retry_certification(alice.actor, pending)
    settle(alice)
    assert events(pending) == ["created", "judged", "signed", "failed", "retried", "timestamped", "certified"]
    assert_links(custody(pending))
    assert alice.certification(pending).certification_number == failed.certification_number


def test_content_that_was_erased_before_the_verdict_gets_none(alice, pending):
    certification = alice.certification(pending)
    with fresh_session(), tenancy.entered(db.session, alice.organisation.id):
        sealing.erase(alice.organisation.id, subject_of(certification))
        db.session.commit()
    settle(alice)
    assert alice.certification(pending).certification_status == "pending"
    assert rows_of([pending])[-1].last_error == "Conflict"
    assert events(pending) == ["created"]


def test_a_rejection_is_signed_and_stamped_like_any_verdict(alice):
    policy = alice.organisation.policies["financial-promotions"]
    rejected = a_certification(alice, output_content=BOASTFUL, governance_policy_id=policy)
    assert events(rejected) == [*WHOLE_LIFE[:-1], "rejected"]
    row = alice.certification(rejected)
    assert (row.certification_status, row.certified_at) == ("rejected", None)
    assert row.signature
    assert row.timestamp_token


def test_numbers_have_no_gap_however_many_are_judged_at_once(web_app, alice):
    asked = [a_certification(alice, settled=False) for _number in range(12)]

    def judge(certification_id):
        with web_app.app_context():
            do(alice, jobs.judge, certification_id)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(judge, asked))
    sequences = sorted(int(alice.certification(each).certification_number.split("-")[2]) for each in asked)
    assert sequences == list(range(sequences[0], sequences[0] + 12))


def test_a_number_of_a_judgement_that_failed_is_given_to_the_next(alice, monkeypatch):
    first, second = (a_certification(alice, settled=False) for _number in range(2))
    with monkeypatch.context() as patched:
        patched.setattr(certifications, "failpoint", lambda name: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            do(alice, jobs.judge, first)
    do(alice, jobs.judge, second)
    do(alice, jobs.judge, first)
    numbers = [int(alice.certification(each).certification_number.split("-")[2]) for each in (second, first)]
    assert numbers[1] == numbers[0] + 1
