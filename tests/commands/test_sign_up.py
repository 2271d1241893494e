"""Signing up: nothing is made before whoever reads the mail has said so."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.commands.sign_ups import PER_ADDRESS
from app.core import clock
from app.core.ids import new_token
from app.schemas.sign_ups import suggested_slug
from tests.cast import PASSWORD
from tests.doors import ORIGIN
from tests.mailbox import mails_to
from tests.security.newcomers import newcomer
from tests.trail import as_superuser

GOOD = "plum anvil quiet harbour"


@pytest.fixture
def browser(web_app, app):
    return web_app.test_client()


def given(**changed):
    word = "".join(letter for letter in new_token().lower() if letter.isalnum())[:12]
    return {
        "name": f"Initech {word}",
        "owner_name": "Peter",
        "owner_email": f"peter-{word}@initech.example",
        "owner_password": GOOD,
    } | changed


def send(browser, fields, number=1):
    return browser.post("/sign-up", data=fields, headers=ORIGIN, environ_overrides={"REMOTE_ADDR": f"192.0.2.{number}"})


def mail_to(address):
    return next(reversed(mails_to(address)), None)


def organisations(slug):
    return as_superuser("SELECT name FROM application_instances WHERE slug = %s", slug)


def sign_in(browser, email, password):
    return browser.post("/sign-in", data={"email": email, "password": password}, headers=ORIGIN)


def test_an_organisation_is_made_once_its_address_is_confirmed(browser):
    fields = given()
    slug = suggested_slug(fields["name"])
    assert "Check your mail" in send(browser, fields, 2).text
    mail = mail_to(fields["owner_email"])
    assert mail.template == "confirm_address"
    assert organisations(slug) == []
    assert sign_in(browser, fields["owner_email"], GOOD).status_code == 422
    path = mail.values["path"]
    assert fields["name"] in browser.get(path).text
    assert organisations(slug) == []
    assert "is ready" in browser.post(path, headers=ORIGIN).text
    assert [row.name for row in organisations(slug)] == [fields["name"]]
    assert browser.post(path, headers=ORIGIN).status_code == 404
    assert sign_in(browser, fields["owner_email"], GOOD).headers["Location"] == f"/o/{slug}/"


def test_the_answer_is_the_same_for_somebody_who_has_an_account(browser, acme):
    address = newcomer(acme).actor.email
    new, known = given(), given(owner_email=address)
    answers = [re.sub(re.escape(fields["owner_email"]), "", send(browser, fields, 3).text) for fields in (new, known)]
    assert answers[0] == answers[1]
    mail = mail_to(address)
    assert mail.template == "already_here"
    browser.post(mail.values["path"], headers=ORIGIN)
    slug = suggested_slug(known["name"])
    assert len(organisations(slug)) == 1
    assert sign_in(browser, address, GOOD).status_code == 422
    assert sign_in(browser, address, PASSWORD).status_code == 303
    assert browser.get(f"/o/{slug}/tasks").status_code == 200


def test_a_link_works_for_one_day(browser):
    fields = given()
    send(browser, fields, 4)
    path = mail_to(fields["owner_email"]).values["path"]
    with clock.stopped(clock.now() + timedelta(days=1, seconds=1)):
        assert browser.post(path, headers=ORIGIN).status_code == 404
    assert organisations(suggested_slug(fields["name"])) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": "Visit www.evil.example"}, "name"),
        ({"owner_name": "https://evil.example"}, "owner_name"),
        ({"owner_email": "nobody"}, "owner_email"),
        ({"owner_password": "password1234"}, "owner_password"),
        ({"slug": "Not So"}, "slug"),
        ({"name": "株式会社"}, "slug"),
    ],
)
def test_what_will_not_do_is_refused_and_nothing_is_sent(browser, changed, field):
    fields = given(**changed)
    page = send(browser, fields, 5)
    assert page.status_code == 422
    assert f'href="#f-{field}"' in page.text
    assert mail_to(fields["owner_email"]) is None
    assert GOOD not in page.text


def test_a_short_name_that_is_taken_is_refused(browser, acme):
    page = send(browser, given(slug=acme.slug), 6)
    assert page.status_code == 422
    assert "Another organisation has this short name." in page.text


def test_an_address_is_not_flooded(browser):
    fields = given()
    answers = [send(browser, fields, 10 + number).status_code for number in range(PER_ADDRESS + 1)]
    assert answers == [200] * PER_ADDRESS + [429]


@pytest.mark.parametrize(
    ("name", "slug"), [("Müller & Söhne", "muller-sohne"), ("  ACME, Inc. ", "acme-inc"), ("株式会社", "")]
)
def test_a_short_name_is_made_of_the_name(name, slug):
    assert suggested_slug(name) == slug
