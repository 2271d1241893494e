"""Forgotten passwords: a link for who reads the mail, once and for an hour, and nothing to learn for anybody else."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pyotp
import pytest
from sqlalchemy import select, update

from app.commands import second_steps, sessions
from app.commands.accounts import change_password, end_other_sessions
from app.commands.password_resets import ANSWERING, PAUSE, PER_ADDRESS_AND_NETWORK, PER_NETWORK, reset_password
from app.core import clock, guessing, tenancy
from app.core.actor import SignedIn, Visitor
from app.core.database import db, fresh_session
from app.core.errors import NotFound
from app.core.ids import new_token
from app.core.mails import Mail
from app.core.transaction import command
from app.jobs import runner
from app.models.application_instances import ApplicationInstanceUser
from app.models.user_sessions import UserSession, known_devices, password_resets
from app.models.users import User
from app.schemas.accounts import PasswordChange
from app.schemas.password_resets import Reset
from tests.cast import PASSWORD, Organisation, Player
from tests.doors import ORIGIN, Htmx
from tests.jobs.outbox import change
from tests.mailbox import mails_to
from tests.security.newcomers import newcomer
from tests.security.test_account import Seat, events, grow_stale, trail
from tests.trail import as_superuser, await_in_line, be_patient

GOOD = "plum anvil quiet harbour"
OTHER = "seven violet lanterns drift"
OF_THE_MOMENT = ("X-Request-ID", "ETag", "Server-Timing")  # headers that differ between any two answers


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody who has forgotten her password."""
    return newcomer(acme)


@pytest.fixture
def browser(web_app, dora: Player) -> Seat:
    """A browser in which nobody has signed in yet."""
    return Seat(web_app, dora)


def ask(seat: Seat, email: str = "") -> Any:
    return seat.post("/password-reset", email=email or seat.player.actor.email)


def answer_wishes() -> None:
    """Have the worker answer every wish that waits."""
    db.session.rollback()
    change("due_at = now()", "job = %s AND done_at IS NULL", ANSWERING)
    waiting = as_superuser("SELECT id FROM outbox WHERE job = %s AND done_at IS NULL ORDER BY created_at", ANSWERING)
    runner.run(ANSWERING, "", [str(row.id) for row in waiting])


def letters(player: Player, template: str = "password_reset") -> list[Mail]:
    """The mails of one kind that wait to be sent to somebody, oldest first."""
    return [mail for mail in mails_to(player.actor.email) if mail.template == template]


def link_for(seat: Seat) -> str:
    """The path in the newest mail, after asking for one."""
    assert ask(seat).status_code == 200
    answer_wishes()
    return str(letters(seat.player)[-1].values["path"])


def follow(seat: Seat, path: str) -> Any:
    """Come by the link of a mail."""
    return seat.get(path)


def set_password(seat: Seat, password: str = GOOD) -> Any:
    return seat.post("/new-password", new_password=password)


def test_whoever_reads_the_mail_sets_a_new_password(web_app, browser, dora):
    elsewhere = Seat(web_app, dora).sign_in()
    assert "Forgotten your password?" in browser.get("/sign-in").text
    assert browser.get("/password-reset").status_code == 200
    assert "Check your mail" in ask(browser).text
    answer_wishes()
    (mail,) = letters(dora)
    taken = follow(browser, mail.values["path"])
    assert (taken.status_code, taken.headers["Location"]) == (303, "/new-password")
    assert dora.actor.email in browser.get("/new-password").text
    done = set_password(browser)
    assert (done.status_code, done.headers["Location"]) == (303, "/sign-in")
    assert "Your password is changed." in browser.get("/sign-in").text
    assert not browser.is_in
    assert not elsewhere.is_in
    assert Seat(web_app, dora).sign_in().answer.status_code == 422
    assert browser.sign_in(GOOD).is_in
    assert events(dora) == ["user.signed_in", "user.password_reset_asked", "user.password_reset", "user.signed_in"]
    assert trail(dora) == ["user.password_reset"]
    assert len(letters(dora, "password_changed")) == 1


def deactivate(player: Player) -> None:
    db.session.execute(update(User).where(User.user_id == player.user_id).values(deactivated_at=clock.now()))
    db.session.commit()


def expel(player: Player) -> None:
    """Let somebody go from the one organisation that they work in."""
    with tenancy.entered(db.session, player.organisation.id):
        mine = update(ApplicationInstanceUser).where(ApplicationInstanceUser.user_id == player.user_id)
        db.session.execute(mine.values(deactivated_at=clock.now()))
        db.session.commit()


def close(player: Player) -> None:
    """Close the one organisation that somebody works in."""
    db.session.rollback()
    closing = "UPDATE application_instances SET closed_at = now() WHERE id = %s RETURNING id"
    as_superuser(closing, player.organisation.id)


@pytest.mark.parametrize("headers", [{}, Htmx.headers], ids=["form", "htmx"])
def test_the_answer_is_the_same_whether_there_is_an_account(web_app, acme, count_queries, headers):
    """Body, headers, status and what is asked of the database: nothing of it depends on the address."""
    known, deactivated, expelled, nobody = (newcomer(acme) for _ in range(4))
    deactivate(deactivated)
    expel(expelled)
    addresses = [player.actor.email for player in (known, deactivated, expelled)]
    addresses.append(nobody.actor.email.replace("dora", "nora"))
    seen, now = [], clock.now()
    for number, email in enumerate(addresses):
        client, told = web_app.test_client(), []

        def send(client=client, email=email, told=told, number=number) -> None:
            place = {"REMOTE_ADDR": f"2001:db8:{known.user_id:x}:{number}::1"}
            told.append(
                client.post("/password-reset", data={"email": email}, headers=ORIGIN | headers, environ_overrides=place)
            )

        with clock.stopped(now):  # headers tell how long until one may ask more often
            statements = count_queries(send)
        (answer,) = told
        kept = {name: value for name, value in answer.headers.items() if name not in OF_THE_MOMENT}
        seen.append((answer.status_code, answer.text.replace(email, "…"), kept, statements))
    assert seen[0][0] == 200
    assert seen[1:] == seen[:1] * 3


@pytest.mark.parametrize("leave", [deactivate, expel, close])
def test_who_could_do_nothing_with_a_password_gets_no_mail(browser, dora, leave):
    leave(dora)
    ask(browser)
    answer_wishes()
    assert letters(dora) == []
    assert events(dora) == []


@pytest.mark.parametrize("leave", [deactivate, expel, close])
def test_a_link_is_void_once_its_person_has_left(browser, dora, leave):
    path = link_for(browser)
    follow(browser, path)
    leave(dora)
    assert set_password(browser).status_code == 404
    assert follow(browser, path).status_code == 404


def test_an_address_that_nobody_has_gets_no_mail_and_leaves_nothing_behind(browser, dora):
    stranger = dora.actor.email.replace("dora", "nora")
    before = len(as_superuser("SELECT FROM mails"))
    ask(browser, stranger)
    answer_wishes()
    assert len(as_superuser("SELECT FROM mails")) == before


def test_the_mail_goes_to_the_address_of_the_account_however_it_was_spelled(browser, dora):
    ask(browser, dora.actor.email.upper())
    answer_wishes()
    assert len(letters(dora)) == 1


def test_an_address_that_only_looks_the_same_is_another(browser, dora):
    for lookalike in (dora.actor.email.replace("o", "ο"), dora.actor.email.replace("a", "ａ")):
        ask(browser, lookalike)
    answer_wishes()
    assert letters(dora) == []


def test_a_wish_is_sealed_while_it_waits_and_answered_once(browser, dora):
    ask(browser)
    db.session.rollback()
    held = str(as_superuser("SELECT * FROM mails ORDER BY created_at DESC LIMIT 1"))
    assert dora.actor.email not in held
    answer_wishes()
    change("done_at = NULL, due_at = now()", "job = %s", ANSWERING)
    answer_wishes()
    assert len(letters(dora)) == 1


def test_a_link_works_once(browser, dora):
    path = link_for(browser)
    follow(browser, path)
    kept = browser.client.get_cookie("reset", domain="localhost").value
    assert set_password(browser).status_code == 303
    assert browser.client.get_cookie("reset", domain="localhost") is None
    assert follow(browser, path).status_code == 404
    browser.client.set_cookie("reset", kept, domain="localhost")
    again = set_password(browser, OTHER)
    assert again.status_code == 404
    assert "This link cannot be used any more" in again.text
    assert browser.sign_in(GOOD).is_in


def test_a_link_works_for_an_hour(browser, dora):
    path = link_for(browser)
    with clock.stopped(clock.now() + timedelta(minutes=59)):
        assert follow(browser, path).status_code == 303
    with clock.stopped(clock.now() + timedelta(hours=1, seconds=1)):
        assert follow(browser, path).status_code == 404
        assert set_password(browser).status_code == 404
    assert browser.sign_in().is_in


@pytest.mark.parametrize(
    "other",
    [lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), str.lower, lambda token: token[:-1], lambda _: ""],
    ids=["changed", "lower case", "cut off", "none"],
)
def test_another_token_than_the_one_in_the_mail_opens_nothing(browser, dora, other):
    token = link_for(browser).rpartition("/")[2]
    assert follow(browser, f"/password-reset/{other(token) or 'x'}").status_code == 404
    browser.client.set_cookie("reset", other(token), domain="localhost")
    assert browser.get("/new-password").status_code == 404
    assert set_password(browser).status_code == 404
    assert browser.sign_in().is_in


def test_a_link_sets_the_password_of_its_own_person_and_of_nobody_else(web_app, acme, browser, dora):
    """However it came into this browser: the form says nothing of whose password it is."""
    erna = Seat(web_app, newcomer(acme))
    follow(browser, link_for(erna))
    assert erna.player.actor.email in browser.get("/new-password").text
    answer = browser.post(
        "/new-password", new_password=GOOD, email=dora.actor.email, user_id=str(dora.user_id), token=new_token()
    )
    assert answer.status_code == 422
    assert set_password(browser).status_code == 303
    assert erna.sign_in(GOOD).is_in
    assert browser.sign_in().is_in


def test_a_link_is_void_once_the_password_was_changed_otherwise(web_app, browser, dora):
    path = link_for(browser)
    other = Seat(web_app, dora).sign_in()
    assert other.post("/account/password", old_password=PASSWORD, new_password=OTHER).status_code == 303
    assert follow(browser, path).status_code == 404


def test_a_newer_link_makes_the_older_one_void(browser, dora):
    older = link_for(browser)
    with clock.stopped(clock.now() + PAUSE):
        newer = link_for(browser)
        assert newer != older
        assert follow(browser, older).status_code == 404
        assert follow(browser, newer).status_code == 303


@command(anyone="the token in the mail is the permission")
def reset_patiently(visitor: Visitor, token: str, password: str) -> None:
    be_patient()
    reset_password(visitor, token, Reset(new_password=password))


def test_of_two_who_use_a_link_at_once_one_sets_the_password(web_app, browser, dora, play_stage):
    """Somebody holds the row of the person until both stand in line: only the database can say who was first."""
    token = link_for(browser).rpartition("/")[2]

    def use(password: str) -> str:
        with web_app.app_context(), fresh_session():
            try:
                reset_patiently(Visitor(), token, password)
            except NotFound:
                return ""
            return password

    with psycopg.connect(play_stage.url("superuser")) as holder, ThreadPoolExecutor(2) as pool:
        holder.execute("SELECT FROM users WHERE user_id = %s FOR UPDATE", [dora.user_id])
        sent = [pool.submit(use, password) for password in (GOOD, OTHER)]
        await_in_line(2)
        holder.rollback()
        (winner,) = filter(None, [each.result() for each in sent])
    assert browser.sign_in(winner).is_in
    assert len(letters(dora, "password_changed")) == 1


def test_who_has_the_old_password_does_not_change_the_new_one_that_was_set_by_a_link(browser, dora, one_after_another):
    """They would shut out whoever has just shut them out."""
    token = link_for(browser).rpartition("/")[2]
    thief = SignedIn(dora.user_id, dora.name, dora.actor.email)
    told = one_after_another(
        "users WHERE user_id = %s",
        [dora.user_id],
        lambda: reset_password(Visitor(), token, Reset(new_password=GOOD)),
        lambda: change_password(thief, PasswordChange(old_password=PASSWORD, new_password=OTHER)),
    )
    assert told == ["done", "Invalid"]
    assert browser.sign_in(GOOD).is_in


@pytest.mark.parametrize("easy", ["short", "password1234", "dora@acme.example", "AcmeAcmeAcme2026!", "x" * 1025])
def test_an_easily_guessed_password_is_refused_and_the_link_stays_good(browser, dora, easy):
    follow(browser, link_for(browser))
    refused = set_password(browser, easy)
    assert refused.status_code == 422
    assert easy not in refused.text
    assert 'href="#f-new_password"' in refused.text
    assert set_password(browser).status_code == 303


def test_the_second_step_is_asked_for_as_ever(web_app, browser, dora):
    owner = Seat(web_app, dora).sign_in()
    secret, _codes = owner.set_up_app()
    follow(browser, link_for(browser))
    set_password(browser)
    assert browser.sign_in(GOOD).answer.headers["Location"] == "/sign-in/second-step"
    assert not browser.is_in
    later = pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30))
    assert browser.post("/sign-in/second-step", code=later).status_code == 303
    assert browser.is_in


def test_who_stands_before_the_second_step_with_the_old_password_is_turned_away(web_app, browser, dora):
    owner = Seat(web_app, dora).sign_in()
    secret, _codes = owner.set_up_app()
    thief = Seat(web_app, dora).sign_in()
    assert thief.get("/sign-in/second-step").status_code == 200
    follow(browser, link_for(browser))
    set_password(browser)
    later = pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30))
    assert thief.post("/sign-in/second-step", code=later).headers["Location"].startswith("/sign-in")
    assert not thief.is_in


@pytest.fixture
def meanwhile(monkeypatch, browser):
    """Let the password be set anew just after the one of before was looked at, and was right."""
    path, checked = link_for(browser), sessions.check_credentials

    def then_reset(*given):
        found = checked(*given)
        monkeypatch.setattr(sessions, "check_credentials", checked)
        follow(browser, path)
        assert set_password(browser).status_code == 303
        return found

    return lambda: monkeypatch.setattr(sessions, "check_credentials", then_reset)


def test_who_is_being_let_in_by_the_old_password_is_turned_away(web_app, browser, dora, meanwhile):
    meanwhile()
    thief = Seat(web_app, dora).sign_in()
    assert thief.answer.status_code == 303
    assert not thief.is_in
    assert browser.sign_in(GOOD).is_in


def test_with_the_old_password_and_a_right_code_they_are_turned_away_too(web_app, dora, meanwhile):
    secret, _codes = Seat(web_app, dora).sign_in().set_up_app()
    meanwhile()
    thief = Seat(web_app, dora).sign_in()
    later = pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30))
    thief.post("/sign-in/second-step", code=later)
    assert not thief.is_in


def test_with_the_old_password_nobody_stays_who_was_asked_again(web_app, dora, meanwhile):
    thief = Seat(web_app, dora).sign_in()
    grow_stale(dora)
    meanwhile()
    thief.post("/account/app", confirm_password=PASSWORD)
    assert not thief.is_in


def test_with_a_right_code_nobody_stays_who_was_asked_again(web_app, browser, dora, monkeypatch):
    """A session that has ended does not go on because somebody in it proves once more who they are."""
    thief = Seat(web_app, dora).sign_in()
    secret, _codes = thief.set_up_app()
    grow_stale(dora)
    path, looked_at = link_for(browser), second_steps.use_code

    def then_reset(*given):
        how = looked_at(*given)
        follow(browser, path)
        assert set_password(browser).status_code == 303
        return how

    monkeypatch.setattr(second_steps, "use_code", then_reset)
    later = pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30))
    thief.post("/account/recovery-codes", confirm_code=later)
    assert not thief.is_in


@pytest.mark.parametrize("by_link", [True, False], ids=["a new password", "signing out everywhere"])
def test_a_session_that_goes_on_in_the_moment_in_which_all_are_ended_ends_too(
    web_app, browser, dora, one_after_another, by_link
):
    Seat(web_app, dora).sign_in()
    token = link_for(browser).rpartition("/")[2]
    owner = SignedIn(dora.user_id, dora.name, dora.actor.email)
    mine = select(UserSession.id).where(UserSession.user_id == dora.user_id)
    session_id, data = db.session.scalars(mine).one(), {"_user_id": str(dora.user_id)}
    db.session.rollback()
    told = one_after_another(
        "user_sessions WHERE id = %s",
        [session_id],
        lambda: sessions.keep_session(Visitor(), session_id, b"another", data, timedelta(days=1), goes_on=True),
        lambda: reset_password(Visitor(), token, Reset(new_password=GOOD)) if by_link else end_other_sessions(owner),
    )
    assert told == ["done", "done"]
    assert db.session.scalars(mine).all() == []


def test_no_browser_is_known_any_more_but_the_one_that_came_by_the_link(web_app, browser, dora):
    for _ in range(2):
        Seat(web_app, dora).sign_in()
    follow(browser, link_for(browser))
    set_password(browser)
    db.session.rollback()
    (kept,) = db.session.scalars(select(known_devices.c.token_hash).where(known_devices.c.user_id == dora.user_id))
    assert kept == guessing.subject(browser.client.get_cookie("device", domain="localhost").value)


def test_a_link_is_a_way_in_for_whom_guesses_from_their_own_network_make_wait(web_app, browser, dora):
    stranger = Seat(web_app, dora)
    assert [stranger.sign_in("x" * 1025).answer.status_code for _ in range(11)] == [422] * 10 + [429]
    follow(browser, link_for(browser))
    set_password(browser)
    [stranger.sign_in("x" * 1025) for _ in range(11)]
    assert browser.sign_in(GOOD).is_in


def test_a_session_that_was_planted_before_is_not_the_one_that_is_signed_in_afterwards(browser, dora):
    planted = new_token()
    browser.client.set_cookie("sid", planted, domain="localhost")
    follow(browser, link_for(browser))
    set_password(browser)
    assert not browser.is_in
    browser.sign_in(GOOD)
    assert browser.cookie != planted
    browser.client.set_cookie("sid", planted, domain="localhost")
    assert not browser.is_in


def test_whoever_was_signed_in_in_this_browser_is_so_no_more(web_app, acme, dora):
    seat = Seat(web_app, newcomer(acme)).sign_in()
    before = seat.cookie
    follow(seat, link_for(Seat(web_app, dora)))
    assert seat.is_in
    set_password(seat)
    assert not seat.is_in
    seat.client.set_cookie("sid", before, domain="localhost")
    assert not seat.is_in


def test_looking_at_a_link_makes_nobody_freshly_signed_in(web_app, browser, dora):
    """A session is fresh after somebody has proved who they are; a link in their mail is no such proof."""
    browser.sign_in()
    long_ago = clock.now() - timedelta(minutes=11)
    db.session.execute(update(UserSession).where(UserSession.user_id == dora.user_id).values(signed_in_at=long_ago))
    db.session.commit()
    follow(browser, link_for(browser))
    browser.get("/new-password")
    assert browser.post("/account/app").status_code == 403


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/o/globex/"])
def test_no_link_leads_anywhere_else(browser, dora, elsewhere):
    browser.get(f"/password-reset?next={elsewhere}")
    path = link_for(browser)
    places = [follow(browser, f"{path}?next={elsewhere}").headers["Location"]]
    assert elsewhere not in browser.get(f"/new-password?next={elsewhere}").text
    places.append(
        browser.client.post(
            f"/new-password?next={elsewhere}", data={"new_password": GOOD}, headers=ORIGIN | {"Referer": elsewhere}
        ).headers["Location"]
    )
    assert places == ["/new-password", "/sign-in"]


def test_the_link_of_a_mail_names_our_own_host_whatever_the_request_says(web_app, browser, dora):
    place = {"REMOTE_ADDR": browser.address}
    asked = web_app.test_client().post(
        "/password-reset",
        data={"email": dora.actor.email},
        headers=ORIGIN | {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
        environ_overrides=place,
    )
    assert asked.status_code == 200
    evil = web_app.test_client().post(
        "/password-reset",
        data={"email": dora.actor.email},
        headers=ORIGIN | {"Host": "evil.example"},
        environ_overrides=place,
    )
    assert evil.status_code == 400
    answer_wishes()
    (mail,) = letters(dora)
    assert re.fullmatch(r"/password-reset/[\w-]{43}", str(mail.values["path"]))


def test_the_token_is_in_no_address_page_or_row_once_it_was_taken(browser, dora):
    path = link_for(browser)
    token = path.rpartition("/")[2]
    taken = follow(browser, path)
    assert taken.headers["Referrer-Policy"] == "no-referrer"
    assert taken.headers["Cache-Control"] == "no-store"
    assert token not in taken.headers["Location"] + taken.text
    cookie = next(each for each in taken.headers.getlist("Set-Cookie") if each.startswith("reset="))
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=3600"} <= set(cookie.split("; "))
    form = browser.get("/new-password")
    assert form.headers["Cache-Control"] == "no-store"
    assert token not in form.text
    rows = as_superuser("SELECT password_resets::text AS row FROM password_resets")
    rows += as_superuser("SELECT user_sessions::text AS row FROM user_sessions")
    assert not any(token in row.row or token.encode().hex() in row.row for row in rows)


def test_over_tls_the_cookie_is_bound_to_this_host(web_app, browser, monkeypatch, dora):
    path = link_for(browser)
    told = web_app.config["SETTINGS"].model_copy(update={"base_url": "https://localhost"})
    monkeypatch.setitem(web_app.config, "SETTINGS", told)
    cookie = next(each for each in follow(browser, path).headers.getlist("Set-Cookie") if "reset=" in each)
    assert cookie.startswith("__Host-reset=")
    assert "Secure" in cookie.split("; ")


def test_one_network_asks_for_one_address_so_often_and_others_may_still_ask(web_app, browser, dora):
    answers = [ask(browser) for _ in range(PER_ADDRESS_AND_NETWORK + 1)]
    assert [each.status_code for each in answers] == [200] * PER_ADDRESS_AND_NETWORK + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    elsewhere = Seat(web_app, dora)
    elsewhere.address = f"2001:db8:{dora.user_id:x}:1::1"
    assert ask(elsewhere).status_code == 200


def test_one_network_does_not_ask_for_many_addresses(browser):
    answers = [ask(browser, f"somebody-{number}@acme.example").status_code for number in range(PER_NETWORK + 1)]
    assert answers == [200] * PER_NETWORK + [429]


def test_strangers_everywhere_keep_nobody_from_a_link_and_flood_no_mailbox(web_app, browser, dora):
    """They can only make the mail come that the person wants, and their wishes do not end its link at once."""
    for number in range(30):
        stranger = Seat(web_app, dora)
        stranger.address = f"2001:db8:{dora.user_id:x}:{number + 10:x}::1"
        assert ask(stranger).status_code == 200
    assert ask(browser).status_code == 200
    answer_wishes()
    (mail,) = letters(dora)
    follow(browser, str(mail.values["path"]))
    ask(stranger)
    answer_wishes()
    assert len(letters(dora)) == 1
    assert set_password(browser).status_code == 303


def test_what_is_no_address_is_refused(browser):
    for wrong in ("", " ", "a\nb@acme.example", "x" * 255):
        answer = browser.post("/password-reset", email=wrong)
        assert answer.status_code == 422
        assert 'href="#f-email"' in answer.text


def test_a_form_of_another_site_sets_no_password(browser, dora):
    follow(browser, link_for(browser))
    answer = browser.client.post(
        "/new-password", data={"new_password": GOOD}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    db.session.rollback()
    assert db.session.scalar(select(password_resets.c.user_id).where(password_resets.c.user_id == dora.user_id))
