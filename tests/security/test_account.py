"""One's own account: passwords, sessions, second steps, and proving again who one is."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from app.commands import second_steps
from app.commands.tenants import create_member
from app.core import clock, common_passwords, tenancy
from app.core.audit import audit_events
from app.core.database import db
from app.models.identity_events import IdentityEvent
from app.models.second_steps import RecoveryCode, TotpSecret
from app.models.user_sessions import UserSession
from app.schemas.tenants import NewMember
from tests.cast import PASSWORD, Organisation, Player, system
from tests.doors import ORIGIN
from tests.factories import a_passkey
from tests.running import PATIENCE
from tests.security.newcomers import newcomer
from tests.trail import as_auditor

BETTER = "purple anvil beneath quiet rivers"


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody whose account nobody else looks at."""
    return newcomer(acme)


@pytest.fixture
def browser(web_app, dora: Player) -> Seat:
    """A browser in which dora has signed in."""
    return Seat(web_app, dora).sign_in()


class Seat:
    """A browser before which somebody sits, at a network of their own."""

    def __init__(self, app: Any, player: Player) -> None:
        self.client, self.player = app.test_client(), player
        self.address = f"198.20.{player.user_id // 256 % 256}.{player.user_id % 256}"

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path, data=fields, headers=ORIGIN, environ_overrides={"REMOTE_ADDR": self.address})

    def get(self, path: str) -> Any:
        return self.client.get(path, environ_overrides={"REMOTE_ADDR": self.address})

    def sign_in(self, password: str = PASSWORD) -> Seat:
        self.answer = self.post("/sign-in", email=self.player.actor.email, password=password)
        return self

    @property
    def is_in(self) -> bool:
        return bool(self.get("/account").status_code == 200)

    @property
    def cookie(self) -> str:
        return str(self.client.get_cookie("sid", domain="localhost").value)

    def set_up_app(self) -> tuple[str, list[str]]:
        """Turn the app on. Returns its secret and the recovery codes."""
        assert self.post("/account/app").headers["Location"] == "/account/app/new"
        secret = re.search(r'<code class="digest">([A-Z2-7 ]+)</code>', self.get("/account/app/new").text)
        assert secret
        plain = secret[1].replace(" ", "")
        shown = self.post("/account/app/confirmation", code=pyotp.TOTP(plain).at(clock.now()))
        assert shown.status_code == 200
        return plain, re.findall(r"<code>([A-Z2-9-]+)</code>", shown.text)


def later(**by: int) -> Any:
    return clock.stopped(clock.now() + timedelta(**by))


def grow_stale(player: Player) -> None:
    """Let the time in which somebody counts as just signed in pass."""
    long_ago = clock.now() - timedelta(minutes=11)
    db.session.execute(update(UserSession).where(UserSession.user_id == player.user_id).values(signed_in_at=long_ago))
    db.session.commit()


def events(player: Player) -> list[str]:
    db.session.rollback()
    mine = select(IdentityEvent.event_type).where(IdentityEvent.user_id == player.user_id)
    return list(db.session.scalars(mine.order_by(IdentityEvent.id)))


def trail(player: Player) -> list[str]:
    """What the organisation was told of somebody's ways of signing in."""
    db.session.rollback()
    with tenancy.entered(db.session, player.organisation.id):
        told = select(audit_events.c.event_type).where(
            audit_events.c.entity_id == str(player.user_id), audit_events.c.event_type != "user.joined"
        )
        return [str(each) for each in db.session.scalars(told.order_by(audit_events.c.id))]


def test_a_password_is_changed_by_who_knows_the_old_one(web_app, browser, dora):
    assert browser.post("/account/password", old_password="x" * 20, new_password=BETTER).status_code == 422
    assert browser.post("/account/password", old_password=PASSWORD, new_password=BETTER).status_code == 303
    assert Seat(web_app, dora).sign_in().answer.status_code == 422
    assert Seat(web_app, dora).sign_in(BETTER).is_in
    assert "user.password_changed" in events(dora)
    assert trail(dora) == ["user.password_changed"]


@pytest.mark.parametrize(("asked", "stays"), [("on", False), ("", True)])
def test_a_new_password_ends_the_other_sessions_where_that_is_wanted(web_app, browser, dora, asked, stays):
    other = Seat(web_app, dora).sign_in()
    browser.post("/account/password", old_password=PASSWORD, new_password=BETTER, end_others=asked)
    assert browser.is_in
    assert other.is_in is stays


@pytest.mark.parametrize(
    "easy",
    [
        "short",
        "passwordpassword",
        "password1234",
        "123456789012",
        "aaaaaaaaaaaaaaaa",
        "qwertyuiopasdf",
        "dora@acme.example",
        "AcmeAcmeAcme2026!",
        "x" * 1025,
        "é" * 513,
    ],
)
def test_an_easily_guessed_or_endless_password_is_refused(browser, easy):
    answer = browser.post("/account/password", old_password=PASSWORD, new_password=easy)
    assert answer.status_code == 422
    assert easy not in answer.text


def test_a_password_is_verified_exactly_as_it_was_typed(web_app, browser, dora):
    odd = "  Spaces around, and e\u0301 in two code points  "
    assert browser.post("/account/password", old_password=PASSWORD, new_password=odd).status_code == 303
    assert Seat(web_app, dora).sign_in(odd.strip()).answer.status_code == 422
    assert Seat(web_app, dora).sign_in(odd.replace("e\u0301", "é")).answer.status_code == 422
    assert Seat(web_app, dora).sign_in(odd).is_in


def test_the_password_of_everybody_in_these_tests_is_no_common_one():
    assert not common_passwords.is_easily_guessed(PASSWORD)


def test_one_sees_where_one_is_signed_in_and_ends_what_one_does_not_know(web_app, browser, dora):
    other = Seat(web_app, dora).sign_in()
    page = browser.get("/account/sessions").text
    assert page.count("This device") == 1
    ended = re.findall(r'action="(/account/sessions/[0-9a-f-]+/deletion)"', page)
    assert len(ended) == 1
    assert browser.post(ended[0]).status_code == 303
    assert browser.is_in
    assert not other.is_in
    assert browser.post(ended[0]).status_code == 404


def test_signing_out_everywhere_else_leaves_this_browser(web_app, browser, dora):
    others = [Seat(web_app, dora).sign_in() for _ in range(2)]
    assert browser.post("/account/sessions/deletion").status_code == 303
    assert browser.is_in
    assert [each.is_in for each in others] == [False, False]


def test_nobody_ends_or_sees_a_session_of_somebody_else(web_app, browser, acme):
    theirs = Seat(web_app, newcomer(acme)).sign_in()
    db.session.rollback()
    found = db.session.scalar(select(UserSession.id).where(UserSession.user_id == theirs.player.user_id))
    assert str(found) not in browser.get("/account/sessions").text
    assert browser.post(f"/account/sessions/{found}/deletion").status_code == 404
    assert theirs.is_in


def test_what_happened_is_told_to_the_person_and_not_to_the_organisation(browser, dora):
    assert "Signed in with password" in browser.get("/account/activity").text
    assert events(dora) == ["user.signed_in"]
    assert trail(dora) == []


def test_how_somebody_can_sign_in_stands_in_the_trail_of_each_organisation_that_lets_them_in(acme, dora, mallory):
    like = NewMember(email=dora.actor.email, name="Dora", password=PASSWORD, role="member")
    create_member(system(mallory.organisation), like)
    a_passkey(dora)
    told = as_auditor(
        "SELECT application_instance_id AS id FROM audit.audit_events WHERE event_type = 'user.passkey_added'"
        " AND entity_id = %s",
        str(dora.user_id),
    )
    assert {row.id for row in told} == {acme.id, mallory.organisation.id}


def test_the_account_needs_somebody_and_leads_back_after_signing_in(web_app, dora):
    seat = Seat(web_app, dora)
    asked = seat.get("/account/sessions")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/sign-in?next=/account/sessions")
    answer = seat.post("/sign-in", email=dora.actor.email, password=PASSWORD, next="/account/sessions")
    assert answer.headers["Location"] == "/account/sessions"


@pytest.fixture
def guarded(web_app, browser, dora) -> tuple[str, list[str]]:
    """Dora's account with an app: its secret and her recovery codes."""
    return browser.set_up_app()


def code(secret: str, steps: int = 1) -> str:
    """The code of a later step than the one that was used to set the app up."""
    return pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30 * steps))


def test_a_password_alone_lets_nobody_in_where_there_is_an_app(web_app, dora, guarded):
    seat = Seat(web_app, dora).sign_in()
    assert seat.answer.headers["Location"] == "/sign-in/second-step"
    assert not seat.is_in
    assert seat.get(f"/o/{dora.organisation.slug}/tasks").status_code == 303
    half = seat.cookie
    answer = seat.post("/sign-in/second-step", code=code(guarded[0]))
    assert answer.headers["Location"] == f"/o/{dora.organisation.slug}/"
    assert seat.cookie != half
    assert seat.is_in


def test_a_code_counts_once_however_it_is_written(web_app, dora, guarded):
    given = code(guarded[0])
    assert enter(web_app, dora, f" {given[:3]} {given[3:]} ").is_in
    for written in (given, f"{given[:3]}-{given[3:]}", f" {given}"):
        again = enter(web_app, dora, written)
        assert again.answer.status_code == 422
        assert not again.is_in
    assert events(dora).count("user.second_step_failed") == 3


def test_of_two_at_once_who_give_the_same_code_one_is_let_in(web_app, dora, guarded, monkeypatch):
    """Both have looked at the code before either is told: only the database can say who was first."""
    seats, both = [Seat(web_app, dora).sign_in() for _ in range(2)], Barrier(2, timeout=PATIENCE)
    matching = second_steps.matching_step

    def looked_at(*given):
        step = matching(*given)
        both.wait()
        return step

    monkeypatch.setattr(second_steps, "matching_step", looked_at)
    given = code(guarded[0])
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda seat: seat.post("/sign-in/second-step", code=given).status_code, seats))
    assert sorted(answers) == [303, 422]
    assert sorted(seat.is_in for seat in seats) == [False, True]


def test_who_guesses_codes_keeps_nobody_out_of_a_browser_that_is_known(web_app, browser, dora, guarded):
    known = Seat(web_app, dora).sign_in()
    known.post("/sign-in/second-step", code=guarded[1][0])
    stranger = Seat(web_app, dora).sign_in()
    assert [stranger.post("/sign-in/second-step", code="000000").status_code for _ in range(6)] == [422] * 5 + [429]
    known.sign_in()
    assert known.post("/sign-in/second-step", code=code(guarded[0])).status_code == 303
    known.sign_in()
    assert [known.post("/sign-in/second-step", code="000000").status_code for _ in range(6)] == [422] * 5 + [429]


def test_the_code_that_set_the_app_up_does_not_count_again(web_app, dora, guarded):
    assert enter(web_app, dora, code(guarded[0], 0)).answer.status_code == 422


def test_a_code_of_long_ago_or_of_tomorrow_is_no_code(web_app, dora, guarded):
    for steps in (-10, 10):
        assert enter(web_app, dora, code(guarded[0], steps)).answer.status_code == 422


def test_codes_are_counted_before_they_are_looked_at(web_app, dora, guarded):
    seat = Seat(web_app, dora).sign_in()
    answers = [seat.post("/sign-in/second-step", code="000000").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    assert seat.post("/sign-in/second-step", code=code(guarded[0])).status_code == 429


def test_the_second_step_belongs_to_the_browser_of_the_first_and_waits_ten_minutes(web_app, dora, guarded):
    seat, stranger = Seat(web_app, dora).sign_in(), Seat(web_app, dora)
    assert stranger.post("/sign-in/second-step", code=code(guarded[0])).headers["Location"].startswith("/sign-in")
    with later(minutes=11):
        assert seat.get("/sign-in/second-step").headers["Location"].startswith("/sign-in")
        seat.post("/sign-in/second-step", code=pyotp.TOTP(guarded[0]).at(clock.now()))
    assert not seat.is_in


def test_ten_recovery_codes_let_one_in_once_each(web_app, dora, guarded):
    codes = guarded[1]
    assert len(set(codes)) == 10
    assert enter(web_app, dora, codes[0].lower()).is_in
    assert enter(web_app, dora, codes[0]).answer.status_code == 422
    assert enter(web_app, dora, codes[1].replace("-", " ")).is_in
    assert "user.recovery_code_used" in trail(dora)


def test_new_recovery_codes_make_the_old_ones_void(web_app, browser, dora, guarded):
    shown = browser.post("/account/recovery-codes").text
    new = re.findall(r"<code>([A-Z2-9-]+)</code>", shown)
    assert enter(web_app, dora, guarded[1][0]).answer.status_code == 422
    assert enter(web_app, dora, new[0]).is_in


def test_neither_secret_nor_code_is_stored_as_it_is(dora, guarded):
    db.session.rollback()
    row = db.session.get_one(TotpSecret, dora.user_id)
    assert guarded[0] not in row.sealed_secret
    kept = list(db.session.scalars(select(RecoveryCode.code_hash).where(RecoveryCode.user_id == dora.user_id)))
    assert len(kept) == 10
    assert not any(each.replace("-", "").encode() in bytes(one) for each in guarded[1] for one in kept)


def test_without_the_app_the_password_is_enough_again(web_app, browser, dora, guarded):
    assert browser.post("/account/app/deletion").status_code == 303
    assert Seat(web_app, dora).sign_in().is_in
    assert trail(dora) == ["user.totp_added", "user.totp_removed"]


GUARDED = ["/account/app", "/account/app/deletion", "/account/recovery-codes"]


@pytest.mark.parametrize("path", GUARDED)
def test_something_dangerous_asks_again_who_one_is(browser, dora, path):
    grow_stale(dora)
    asked = browser.post(path)
    assert asked.status_code == 403
    assert "Is it you?" in asked.text
    assert browser.post(path, confirm_password="x" * 20).status_code == 422
    before = browser.cookie
    assert browser.post(path, confirm_password=PASSWORD).status_code in (200, 303)
    assert browser.cookie != before
    assert browser.post(path).status_code in (200, 303)


def test_asking_again_loses_nothing_that_was_typed(browser, dora):
    grow_stale(dora)
    page = browser.post("/account/app/confirmation", code='12"<3')
    assert '<input type="hidden" name="code" value="12&#34;&lt;3">' in page.text
    assert 'action="/account/app/confirmation"' in page.text


def test_a_key_for_programs_is_made_by_who_has_just_said_who_they_are(browser, dora):
    grow_stale(dora)
    path = f"/o/{dora.organisation.slug}/api-keys"
    typed = {"name": "Nightly export", "scope.task.view": "on"}
    asked = browser.post(path, **typed)
    assert asked.status_code == 403
    typed |= dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', asked.text))
    answer = browser.post(path, confirm_password=PASSWORD, **typed)
    assert "Is it you?" not in answer.text
    assert "confirm_password" not in answer.text
    assert PASSWORD not in answer.text


def test_a_code_of_the_app_proves_it_too_and_counts_once(browser, dora, guarded):
    grow_stale(dora)
    given = code(guarded[0])
    assert browser.post("/account/recovery-codes", confirm_code=given).status_code == 200
    grow_stale(dora)
    assert browser.post("/account/recovery-codes", confirm_code=given).status_code == 422


def test_confirming_does_not_forget_since_when_the_browser_is_signed_in(browser, dora):
    db.session.rollback()
    since = db.session.scalar(select(UserSession.created_at).where(UserSession.user_id == dora.user_id))
    grow_stale(dora)
    browser.post("/account/app", confirm_password=PASSWORD)
    db.session.rollback()
    row = db.session.scalars(select(UserSession).where(UserSession.user_id == dora.user_id)).one()
    assert row.created_at == since
    assert row.signed_in_at > since


def enter(web_app: Any, player: Player, given: str) -> Seat:
    """Sign in with the password, and then with a code."""
    seat = Seat(web_app, player).sign_in()
    seat.answer = seat.post("/sign-in/second-step", code=given)
    return seat
