"""Mails: as sure as their cause, sealed until a server has taken them, and nowhere afterwards."""

from __future__ import annotations

import email
import smtplib
from datetime import timedelta
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from app.adapters import mail as way_out
from app.core import valkey
from app.core.actor import Visitor
from app.core.database import db, fresh_session
from app.core.mails import find_mail, mails, send_mail
from app.core.transaction import command
from app.jobs import relay, runner
from app.local.ports import choose_port
from tests.jobs.outbox import change, row_of
from tests.trail import as_superuser

ROW = "SELECT * FROM mails WHERE id = %s"


class Postbox:
    """What a mail server that speaks the real protocol was given, and what it answers."""

    def __init__(self):
        self.taken, self.answer = [], "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server, _session, envelope):
        self.taken.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def postbox(web_app, app):
    """A mail server on this machine, and the product told to use it."""
    box = Postbox()
    port = choose_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    told = web_app.config["SETTINGS"].model_copy(
        update={
            "mail_folder": None,
            "smtp_url": f"smtp://127.0.0.1:{port}",
            "mail_from": "Oversing <no@oversing.example>",
        }
    )
    way_out.configure(told)
    yield box
    server.stop(no_assert=True)


@command(anyone="the test writes a mail", unrecorded="nothing happens yet")
def write(visitor, error=None, **changed):
    values = {"who": "Alice", "organisation": "Acme", "path": "/invitations/secret", "locale": "en-GB", **changed}
    mail_id = send_mail(visitor, to="ivy@acme.example", template="invitation", **values)
    if error is not None:
        raise error
    return mail_id


def run(mail_id):
    """Have the worker do what the relay would hand over."""
    change("due_at = now()", "subject_id = %s", mail_id)
    runner.run("mails.send", "", [str(row_of(mail_id).id)])


def test_a_mail_reaches_the_server_whole(postbox):
    mail_id = write(Visitor())
    run(mail_id)
    (message,) = postbox.taken
    assert message["To"] == "ivy@acme.example"
    assert message["From"] == "Oversing <no@oversing.example>"
    assert message["Subject"] == "Alice invites you to Acme"
    assert message["Message-ID"] == f"<{mail_id}@oversing.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "http://localhost/invitations/secret" in message.get_body(("plain",)).get_content().splitlines()
    assert '<a href="http://localhost/invitations/secret">' in message.get_body(("html",)).get_content()


def test_what_it_says_is_sealed_while_it_waits_and_gone_once_it_was_sent(postbox):
    mail_id = write(Visitor())
    (row,) = as_superuser(ROW, mail_id)
    assert not any(word in row.content for word in ("ivy", "Alice", "secret"))
    run(mail_id)
    assert as_superuser(ROW, mail_id) == []
    assert row_of(mail_id).done_at is not None


def test_running_it_twice_sends_one_mail(postbox):
    mail_id = write(Visitor())
    run(mail_id)
    change("done_at = NULL, due_at = now()", "subject_id = %s", mail_id)
    run(mail_id)
    assert len(postbox.taken) == 1


def test_a_mail_whose_cause_was_rolled_back_is_never_sent(app):
    with pytest.raises(ZeroDivisionError):
        write(Visitor(), ZeroDivisionError())
    assert db.session.execute(mails.select().where(mails.c.content == "")).all() == []


def test_a_server_that_says_later_is_asked_again_later(postbox):
    mail_id = write(Visitor())
    postbox.answer = "451 greylisted"
    run(mail_id)
    waiting = row_of(mail_id)
    assert (waiting.attempts, waiting.done_at, waiting.last_error) == (1, None, "SMTPRecipientsRefused")
    postbox.answer = "250 OK"
    run(mail_id)
    assert len(postbox.taken) == 1


def test_a_server_that_is_away_loses_nothing(postbox, web_app):
    mail_id = write(Visitor())
    told = way_out.settings()
    way_out.configure(told.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"}))
    run(mail_id)
    assert row_of(mail_id).done_at is None
    way_out.configure(told)
    run(mail_id)
    assert len(postbox.taken) == 1


def test_an_address_that_is_refused_for_good_is_not_tried_for_ever(postbox):
    mail_id = write(Visitor())
    postbox.answer = "550 no such person"
    run(mail_id)
    assert row_of(mail_id).done_at is not None
    assert as_superuser(ROW, mail_id) == []


def test_after_three_days_a_mail_is_given_up(postbox):
    mail_id = write(Visitor())
    db.session.rollback()
    as_superuser("UPDATE mails SET created_at = created_at - %s WHERE id = %s RETURNING id", timedelta(days=3), mail_id)
    postbox.answer = "451 later"
    run(mail_id)
    assert as_superuser(ROW, mail_id) == []


def test_a_name_makes_no_header_and_no_link_of_its_own(postbox):
    run(write(Visitor(), who="Eve\r\nBcc: everybody@acme.example\n\nhttp://localhost/evil", organisation="<b>Acme</b>"))
    (message,) = postbox.taken
    assert message["Bcc"] is None
    page = message.get_body(("html",)).get_content()
    assert "<b>" not in page
    assert page.count("<a ") == 1


def test_nothing_is_said_in_the_clear_to_a_server_elsewhere(monkeypatch):
    said = []

    class Plain(smtplib.SMTP):
        def __init__(self, *_given, **_more):
            super().__init__()

        def ehlo(self, *_given):
            return 250, b"plain"

        def docmd(self, cmd, args=""):
            said.append(cmd)
            return 221, b"bye"

    monkeypatch.setattr(smtplib, "SMTP", Plain)
    with pytest.raises(smtplib.SMTPNotSupportedError), way_out._connected(way_out.urlsplit("smtp://u:p@mail.example")):
        raise AssertionError("connected without TLS")
    assert "AUTH" not in " ".join(said)


def test_what_an_emptied_valkey_has_forgotten_is_sent_all_the_same(postbox, clock_app):
    change("done_at = now()", "done_at IS NULL AND failed_at IS NULL")
    valkey.client().flushdb()  # of what other tests have asked for
    mail_id = write(Visitor())
    for _time in range(2):
        with clock_app.app_context(), fresh_session():
            relay.hand_over()
        (job,) = relay.queue_named("default").jobs
        assert job.args[:2] == ["mails.send", ""]
        if not _time:
            valkey.client().flushdb()
    runner.run(*job.args)
    assert len(postbox.taken) == 1
    assert find_mail(mail_id) is None


def test_a_mail_of_this_machine_is_shown_on_it(web_app, app, monkeypatch, tmp_path):
    told = web_app.config["SETTINGS"].model_copy(update={"mail_folder": tmp_path})
    monkeypatch.setitem(web_app.config, "SETTINGS", told)
    way_out.configure(told)
    mail_id = write(Visitor())
    run(mail_id)
    browser = web_app.test_client()
    assert 'href="/mail"' in browser.get("/sign-in").text
    assert "Alice invites you to Acme" in browser.get("/mail").text
    assert 'href="/invitations/secret"' in browser.get(f"/mail/{mail_id}").text


def test_where_mails_are_sent_none_are_shown(web_app):
    browser = web_app.test_client()
    assert browser.get("/mail").status_code == 404
    assert "/mail" not in browser.get("/sign-in").text


@pytest.mark.parametrize("changed", [{"base_url": "https://oversing.example"}, {"smtp_url": "smtp://mail.example"}])
def test_mails_never_lie_open_in_production(web_app, tmp_path, changed):
    told = web_app.config["SETTINGS"].model_copy(update={"mail_folder": tmp_path})
    with pytest.raises(ValueError, match="MAIL_FOLDER"):
        type(told)(**{**told.model_dump(), **changed})
