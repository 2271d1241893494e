"""Browser sessions: where they begin and end, and that whoever is shut out is out at once."""

from __future__ import annotations

import inspect
from datetime import timedelta

import psycopg
import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select, update

from app.core import clock, passwords, tenancy
from app.core.database import db
from app.core.ids import new_token
from app.models.application_instances import ApplicationInstanceUser
from app.models.user_sessions import UserSession
from app.models.users import User
from app.queries.socket_holders import Holder, welcome
from app.web.stored_sessions import token_hash
from tests.cast import PASSWORD, Organisation, Player
from tests.conftest import HASHER
from tests.doors import ORIGIN
from tests.security.newcomers import give_role, newcomer
from tests.stage import url_of

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/o/acme\\..",
    "javascript:alert(1)",
    "/sign-out",
]


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """A member of this organisation and of no other, with an address of her own."""
    return newcomer(acme)


@pytest.fixture
def browser(web_app):
    """A browser that keeps cookies, at an address from which nobody else signs in."""
    return web_app.test_client()


def test_signing_in_starts_a_session_that_the_database_knows(browser, dora):
    answer = sign_in(browser, dora)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/o/{dora.organisation.slug}/"
    row = session_row(cookie(browser))
    assert row.user_id == dora.user_id
    assert browser.get(f"/o/{dora.organisation.slug}/tasks").status_code == 200


def test_a_hash_from_weaker_times_is_made_anew_while_the_password_is_at_hand(browser, dora, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", HASHER)
    monkeypatch.setattr(passwords, "hash_password", inspect.unwrap(passwords.hash_password))
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    db.session.execute(update(User).where(User.user_id == dora.user_id).values(password_hash=weak))
    db.session.commit()
    assert sign_in(browser, dora, password="not the right one").status_code == 422
    assert stored_hash(dora) == weak
    assert sign_in(browser, dora).status_code == 303
    made = stored_hash(dora)
    assert extract_parameters(made).memory_cost >= 46 * 1024
    assert passwords.matches(PASSWORD, made)
    assert sign_in(browser, dora).status_code == 303
    assert stored_hash(dora) == made


def test_the_cookie_itself_is_stored_nowhere(browser, dora):
    sign_in(browser, dora)
    row = session_row(cookie(browser))
    assert cookie(browser) not in str(row.data)
    assert cookie(browser).encode() not in bytes(row.token_hash)


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(browser, dora):
    """Session fixation: whoever knew the cookie before knows nothing afterwards."""
    planted = new_token()
    browser.set_cookie("sid", planted, domain="localhost")
    sign_in(browser, dora)
    assert cookie(browser) != planted
    assert session_row(planted) is None
    browser.set_cookie("sid", planted, domain="localhost")
    assert is_shut_out(browser, dora)


def test_signing_in_again_ends_the_session_before(browser, dora):
    sign_in(browser, dora)
    before = cookie(browser)
    sign_in(browser, dora)
    assert cookie(browser) != before
    assert session_row(before) is None


def test_signing_out_ends_the_session_in_the_database_too(browser, dora):
    sign_in(browser, dora)
    ended = cookie(browser)
    answer = browser.post("/sign-out", headers=ORIGIN)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert session_row(ended) is None
    browser.set_cookie("sid", ended, domain="localhost")
    assert is_shut_out(browser, dora)


def test_one_session_that_ends_leaves_the_others(web_app, dora):
    here, there = web_app.test_client(), web_app.test_client()
    sign_in(here, dora)
    sign_in(there, dora)
    here.post("/sign-out", headers=ORIGIN)
    assert is_shut_out(here, dora)
    assert there.get(f"/o/{dora.organisation.slug}/tasks").status_code == 200


def test_a_session_that_is_idle_too_long_has_ended(browser, dora):
    sign_in(browser, dora)
    with clock.stopped(clock.now() + timedelta(hours=7, minutes=59)):
        assert browser.get(f"/o/{dora.organisation.slug}/tasks").status_code == 200
    with clock.stopped(clock.now() + timedelta(hours=15, minutes=58)):
        assert browser.get(f"/o/{dora.organisation.slug}/tasks").status_code == 200
    with clock.stopped(clock.now() + timedelta(hours=23, minutes=59)):
        assert is_shut_out(browser, dora)


def test_a_session_in_steady_use_ends_after_a_week_all_the_same(browser, dora):
    sign_in(browser, dora)
    began = clock.now()
    for hours in range(7, 7 * 24, 7):
        with clock.stopped(began + timedelta(hours=hours)):
            assert browser.get(f"/o/{dora.organisation.slug}/tasks").status_code == 200
    with clock.stopped(began + timedelta(days=7, minutes=1)):
        assert is_shut_out(browser, dora)


def stay_signed_in(organisation, **times):
    """Have an organisation decide how long its people do."""
    values = ", ".join(f"{name} = {int(value)}" for name, value in times.items())
    with psycopg.connect(url_of(db.engine.url.database, "superuser")) as connection:
        connection.execute(f"UPDATE application_instances SET {values} WHERE id = %s", [organisation.id])


def test_an_organisation_says_how_long_a_session_may_be_idle_in_it(browser, dora, acme):
    stay_signed_in(acme, session_idle_minutes=15)
    sign_in(browser, dora)
    began, token = clock.now(), cookie(browser)
    with clock.stopped(began + timedelta(minutes=14)):
        assert browser.get(f"/o/{acme.slug}/tasks").status_code == 200
    with clock.stopped(began + timedelta(minutes=30)):
        assert is_shut_out(browser, dora)
        assert session_row(token) is None
        assert browser.get("/account").status_code == 303, "it has ended, and not only here"


def test_an_organisation_says_how_long_a_session_lasts_in_it_and_asking_again_makes_it_last_anew(browser, dora, acme):
    stay_signed_in(acme, session_hours=2)
    sign_in(browser, dora)
    began = clock.now()
    with clock.stopped(began + timedelta(minutes=119)):
        assert browser.get(f"/o/{acme.slug}/tasks").status_code == 200
        sign_in(browser, dora)
    with clock.stopped(began + timedelta(minutes=121)):
        assert browser.get(f"/o/{acme.slug}/tasks").status_code == 200
    with clock.stopped(began + timedelta(minutes=240)):
        assert is_shut_out(browser, dora)


def test_an_organisation_lets_a_session_last_longer_but_not_ones_account_nor_the_installation(browser, dora, acme, app):
    stay_signed_in(acme, session_idle_minutes=1440, session_hours=720)
    sign_in(browser, dora)
    began = clock.now()
    with clock.stopped(began + timedelta(hours=23)):
        assert browser.get(f"/o/{acme.slug}/tasks").status_code == 200
    with clock.stopped(began + timedelta(hours=32)):
        assert browser.get("/account").status_code == 303
        assert is_shut_out(browser, dora)
    sign_in(browser, dora)
    with clock.stopped(clock.now() + timedelta(hours=24, minutes=1)):
        assert is_shut_out(browser, dora)


def test_an_organisation_ends_no_session_of_somebody_who_does_not_belong_to_it(browser, dora, acme, mallory):
    stay_signed_in(mallory.organisation, session_idle_minutes=5)
    sign_in(browser, dora)
    with clock.stopped(clock.now() + timedelta(minutes=30)):
        assert browser.get(f"/o/{mallory.organisation.slug}/tasks").status_code == 404
        assert browser.get(f"/o/{acme.slug}/tasks").status_code == 200


def test_a_socket_ends_with_the_session_of_its_organisation(browser, dora, acme, app):
    """Also where a session goes on elsewhere: whoever may not read pages here hears nothing of them either."""
    stay_signed_in(acme, session_idle_minutes=15)
    sign_in(browser, dora)
    session_id = db.session.scalar(select(UserSession.id).where(UserSession.user_id == dora.user_id))
    bounds = app.config["SETTINGS"].session_bounds
    here, nowhere = Holder(session_id, dora.user_id, acme.id), Holder(session_id, dora.user_id)
    late = clock.now() + timedelta(minutes=16)
    assert welcome({here, nowhere}, now=clock.now(), bounds=bounds) == {here, nowhere}
    assert welcome({here, nowhere}, now=late, bounds=bounds) == {nowhere}


def test_somebody_who_is_deactivated_is_out_at_once(browser, dora):
    sign_in(browser, dora)
    key = {"Authorization": f"Bearer {dora.api_key}"}
    assert browser.get(f"/o/{dora.organisation.slug}/tasks").status_code == 200
    db.session.execute(update(User).where(User.user_id == dora.user_id).values(deactivated_at=clock.now()))
    db.session.commit()
    assert is_shut_out(browser, dora)
    assert sign_in(browser, dora).status_code == 422
    assert browser.application.test_client().get("/api/v1/tasks", headers=key).status_code == 401


def test_somebody_who_left_the_organisation_is_out_at_once(browser, dora):
    sign_in(browser, dora)
    key = {"Authorization": f"Bearer {dora.api_key}"}
    assert browser.application.test_client().get("/api/v1/tasks", headers=key).status_code == 200
    with tenancy.entered(db.session, dora.organisation.id):
        db.session.execute(
            update(ApplicationInstanceUser)
            .where(ApplicationInstanceUser.user_id == dora.user_id)
            .values(deactivated_at=clock.now())
        )
        db.session.commit()
    assert browser.get(f"/o/{dora.organisation.slug}/tasks").status_code == 404
    assert browser.application.test_client().get("/api/v1/tasks", headers=key).status_code == 401


def test_a_right_that_was_taken_away_is_gone_with_the_next_request(browser, dora, acme):
    sign_in(browser, dora)
    path = f"/o/{acme.slug}/programs"
    assert browser.post(path, data={"key": "BEFORE", "name": "x"}, headers=ORIGIN).status_code == 303
    give_role(dora, "viewer")
    assert browser.post(path, data={"key": "AFTER", "name": "x"}, headers=ORIGIN).status_code == 403


def test_a_cookie_that_nobody_gave_out_is_nobody(browser, dora):
    browser.set_cookie("sid", new_token(), domain="localhost")
    assert is_shut_out(browser, dora)


def test_the_api_takes_no_browser_session_and_pages_take_no_key(web_app, dora):
    answer = web_app.test_client().get(
        f"/o/{dora.organisation.slug}/tasks", headers={"Authorization": f"Bearer {dora.api_key}"}
    )
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_nowhere_else(browser, dora, target):
    for _signed_in_already in (False, True):
        answer = sign_in(browser, dora, next=target)
        assert answer.headers["Location"] == f"/o/{dora.organisation.slug}/"
    shown = browser.get("/sign-in", query_string={"next": target})
    assert shown.headers["Location"] == f"/o/{dora.organisation.slug}/"


def test_signing_in_leads_back_to_where_one_wanted_to_go(browser, dora):
    wanted = f"/o/{dora.organisation.slug}/tasks?state=todo"
    asked = browser.get(wanted)
    assert asked.status_code == 303
    assert sign_in(browser, dora, next=wanted).headers["Location"] == wanted


def test_signing_in_leads_to_no_organisation_that_one_does_not_belong_to(browser, dora, mallory):
    answer = sign_in(browser, dora, next=f"/o/{mallory.organisation.slug}/tasks")
    assert answer.headers["Location"] == f"/o/{dora.organisation.slug}/"


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(web_app, dora, monkeypatch):
    """The same words, the same status, and the same work: one verification with the same parameters."""
    verified = []
    verify = passwords._verify

    def counted(password: str, hashed: str) -> bool:
        verified.append(hashed.rsplit("$", 2)[0])
        return verify(password, hashed)

    monkeypatch.setattr(passwords, "_verify", counted)
    wrong = sign_in(web_app.test_client(), dora, password="not this password")
    unknown = sign_in(web_app.test_client(), dora, email="nobody-at-all@acme.example", password="not this password")
    assert wrong.status_code == unknown.status_code == 422
    assert wrong.text.replace(dora.actor.email, "") == unknown.text.replace("nobody-at-all@acme.example", "")
    assert dict(wrong.headers).keys() == dict(unknown.headers).keys()
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_a_wrong_password_starts_no_session(browser, dora):
    answer = sign_in(browser, dora, password="not this password")
    assert "Set-Cookie" not in answer.headers
    assert is_shut_out(browser, dora)


def test_looking_at_the_sign_in_page_starts_no_session(browser):
    assert "Set-Cookie" not in browser.get("/sign-in").headers


def sign_in(browser, player: Player, *, email: str = "", password: str = PASSWORD, next: str = ""):  # noqa: A002
    """Send the form of the sign-in page, each person from an address of their own."""
    return browser.post(
        "/sign-in",
        data={"email": email or player.actor.email, "password": password, "next": next},
        headers=ORIGIN,
        environ_overrides={"REMOTE_ADDR": f"198.18.{player.user_id // 256 % 256}.{player.user_id % 256}"},
    )


def cookie(browser) -> str:
    return browser.get_cookie("sid", domain="localhost").value


def session_row(token: str):
    """What the database keeps for a cookie now."""
    db.session.rollback()
    return db.session.execute(
        select(UserSession.user_id, UserSession.data, UserSession.token_hash).where(
            UserSession.token_hash == token_hash(token)
        )
    ).first()


def stored_hash(player: Player) -> str:
    """What the database keeps of somebody's password now."""
    db.session.rollback()
    return db.session.scalar(select(User.password_hash).where(User.user_id == player.user_id))


def is_shut_out(browser, player: Player) -> bool:
    """Whether a page of the organisation sends the browser to the sign-in page."""
    answer = browser.get(f"/o/{player.organisation.slug}/tasks")
    return answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in")
