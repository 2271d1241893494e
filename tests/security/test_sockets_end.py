"""Sockets die at once when somebody signs out, is let go or gets another password; and soon where nobody heard it."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from socket import socketpair
from threading import Event
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from app.commands import tenants, users
from app.commands.ended_sessions import end_sessions_of
from app.core import valkey
from app.core.actor import Visitor
from app.core.database import db
from app.core.transaction import command
from app.schemas.tenants import NewMember
from app.web.sockets import MOST_A_SECOND, MOST_OF_A_PERSON, MOST_WAITING, Socket
from app.web.wire import WholeFrames
from tests import cast
from tests.cast import PASSWORD
from tests.security.newcomers import newcomer
from tests.security.server import is_closed, running
from tests.security.test_account import Seat, grow_stale
from tests.security.test_live import SIGNED_OUT, TEXT, closing_code, receive, send, told
from tests.security.test_live import opened as opened_anywhere
from tests.stage import url_of
from tests.trail import as_superuser, await_in_line

pytestmark = pytest.mark.xdist_group("server")

COME_AGAIN, TRY_LATER, TOO_MUCH = 1012, 1013, 1008


def corner_of(play_stage, number):
    return urlunsplit(urlsplit(play_stage.redis_url)._replace(path=f"/{number}"))


@pytest.fixture(scope="module")
def live(play_stage, tmp_path_factory):
    """The live process. What is told reaches it; it looks at sockets by itself only long after the test.

    It has two connections to the database, so that a socket that held one would soon be noticed.
    """
    with running(
        play_stage,
        tmp_path_factory.mktemp("live"),
        kind="live",
        REDIS_URL=corner_of(play_stage, 14),
        LIVE_RECHECK_SECONDS="3600",
        DATABASE_POOL="1",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def deaf(play_stage, tmp_path_factory):
    """A live process to which no word comes: it has to find out by itself."""
    with running(
        play_stage,
        tmp_path_factory.mktemp("deaf"),
        kind="live",
        REDIS_URL="redis://127.0.0.1:9/0",
        LIVE_RECHECK_SECONDS="0.2",
    ) as server:
        yield server


@pytest.fixture(autouse=True)
def within_earshot(play_stage):
    """Say everything where the live process of this file listens, and no other."""
    valkey.configure(corner_of(play_stage, 14))
    yield
    valkey.configure(play_stage.redis_url)


@pytest.fixture
def dora(acme):
    return newcomer(acme)


@pytest.fixture
def opened(live):
    """Sockets that have been greeted, and are hung up after the test."""
    with ExitStack() as stack:
        yield lambda cookie, at=None, server=live: stack.enter_context(greeted(server, cookie, at))


def greeted(server, cookie, at):
    connection = opened_anywhere(server, cookie, path="/live" if at is None else f"/live?at={at}")
    assert told(connection)["event"] == "hello"
    return connection


def ended(connection):
    """The code with which a socket is closed, without any other word before it."""
    return closing_code(receive(connection))


def is_alive(connection):
    """Whether a socket still answers: all that was said before has reached the process by then."""
    send(connection, TEXT, b'{"event":"heartbeat"}')
    return told(connection) == {"event": "heartbeat"}


def end_all(player):
    """What a reset of the password does with sessions."""

    @command(anyone="only these tests call it", unrecorded="only these tests call it")
    def reset(_visitor):
        end_sessions_of(player.user_id)

    reset(Visitor())


def test_signing_out_ends_the_socket_of_that_browser_and_of_no_other(web_app, dora, opened):
    here, there = Seat(web_app, dora).sign_in(), Seat(web_app, dora).sign_in()
    mine, other = opened(here.cookie), opened(there.cookie)
    here.post("/sign-out")
    assert ended(mine) == SIGNED_OUT
    assert is_alive(other)


def test_signing_out_everywhere_else_ends_the_sockets_there(web_app, dora, opened):
    here, there = Seat(web_app, dora).sign_in(), Seat(web_app, dora).sign_in()
    mine, other = opened(here.cookie), opened(there.cookie)
    assert here.post("/account/sessions/deletion").status_code == 303
    assert ended(other) == SIGNED_OUT
    assert is_alive(mine)


def test_a_new_password_ends_the_sockets_of_other_browsers(web_app, dora, opened):
    here, there = Seat(web_app, dora).sign_in(), Seat(web_app, dora).sign_in()
    mine, other = opened(here.cookie), opened(there.cookie)
    change = {"old_password": PASSWORD, "new_password": "purple anvil beneath quiet rivers", "end_others": "on"}
    assert here.post("/account/password", **change).status_code == 303
    assert ended(other) == SIGNED_OUT
    assert is_alive(mine)


def test_a_password_that_is_reset_ends_every_socket_of_its_person(dora, alice, opened):
    sockets, alices = [opened(dora.cookie), opened(dora.cookie, dora.organisation.slug)], opened(alice.cookie)
    end_all(dora)
    assert [ended(each) for each in sockets] == [SIGNED_OUT, SIGNED_OUT]
    assert is_alive(alices)


def test_a_password_that_an_operator_sets_ends_them_too(dora, opened):
    socket = opened(dora.cookie)
    tenants.set_password(cast.system(dora.organisation), dora.actor.email, "purple anvil beneath quiet rivers")
    assert ended(socket) == SIGNED_OUT


def test_who_is_let_go_loses_their_sockets_at_once(live, alice, dora, opened):
    at = dora.organisation.slug
    sockets, alices = [opened(dora.cookie), opened(dora.cookie, at)], opened(alice.cookie, at)
    users.deactivate_user(alice.actor, dora.user_id)
    assert [ended(each) for each in sockets] == [SIGNED_OUT, SIGNED_OUT]
    assert is_alive(alices)
    with opened_anywhere(live, dora.cookie, path=f"/live?at={at}") as again:
        assert ended(again) == SIGNED_OUT


@pytest.mark.parametrize("place", ["globex", "no-such-organisation", "%00", "nowhere%0d"])
def test_no_socket_opens_in_an_organisation_that_one_does_not_belong_to(live, dora, mallory, place):
    at = mallory.organisation.slug if place == "globex" else place
    with opened_anywhere(live, dora.cookie, path=f"/live?at={at}") as connection:
        assert ended(connection) == SIGNED_OUT


def test_who_is_let_go_by_one_organisation_keeps_the_socket_in_another(alice, mallory, dora, opened):
    like = NewMember(email=dora.actor.email, name="Dora", password=PASSWORD, role="member")
    tenants.create_member(cast.system(mallory.organisation), like)
    here, there = opened(dora.cookie, dora.organisation.slug), opened(dora.cookie, mallory.organisation.slug)
    users.deactivate_user(alice.actor, dora.user_id)
    assert ended(here) == SIGNED_OUT
    assert is_alive(there)


def test_in_an_organisation_that_is_suspended_every_socket_ends(alice, mallory, opened):
    alices, mallorys = opened(alice.cookie, alice.organisation.slug), opened(mallory.cookie, mallory.organisation.slug)
    tenants.suspend_tenant(cast.system(alice.organisation))
    assert ended(alices) == SIGNED_OUT
    assert is_alive(mallorys)


def test_a_browser_that_gets_another_cookie_is_told_to_come_again(web_app, dora, opened):
    browser = Seat(web_app, dora).sign_in()
    socket = opened(browser.cookie)
    grow_stale(dora)
    browser.post("/account/app", confirm_password=PASSWORD)
    assert ended(socket) == COME_AGAIN
    assert is_alive(opened(browser.cookie))


@pytest.mark.parametrize("at", [None, "here"])
def test_what_nobody_said_is_found_out(deaf, dora, opened, at):
    socket = opened(dora.cookie, at and dora.organisation.slug, deaf)
    end_all(dora)
    assert ended(socket) == SIGNED_OUT


def test_that_somebody_was_let_go_is_found_out_too(deaf, alice, dora, opened):
    theirs, alices = (opened(each.cookie, each.organisation.slug, deaf) for each in (dora, alice))
    users.deactivate_user(alice.actor, dora.user_id)
    assert ended(theirs) == SIGNED_OUT
    assert is_alive(alices)


def test_nobody_opens_sockets_without_end(live, dora, opened):
    held = [opened(dora.cookie) for _number in range(MOST_OF_A_PERSON)]
    with opened_anywhere(live, dora.cookie) as one_more:
        assert ended(one_more) == TRY_LATER
    assert is_alive(held[0])
    held.pop().close()
    assert all(map(is_alive, held))


def test_a_flood_of_messages_ends_the_socket_and_no_other(dora, alice, opened):
    flooding, other = opened(dora.cookie), opened(alice.cookie)
    for _number in range(MOST_A_SECOND * 10):
        try:
            send(flooding, TEXT, b'{"event":"heartbeat"}')
        except OSError:  # it hung up already
            break
    frames = iter(lambda: receive(flooding), None)
    with suppress(ConnectionResetError):  # TCP drops the last word of who hangs up on what it has not read
        last = next(frame for frame in frames if frame[0] != TEXT)
        assert closing_code(last) == TOO_MUCH
    assert is_alive(other)


def test_what_a_browser_does_not_read_does_not_pile_up():
    server = Deaf()
    socket = Socket(server, holder=None)
    for number in range(MOST_WAITING + 1):
        socket.tell(str(number))
    socket.hold(hear=None)
    assert server.closed_with == TRY_LATER


class Deaf:
    """A connection to somebody who reads nothing: the system takes nothing more for them."""

    def __init__(self):
        here, self.there = socketpair()
        here.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                here.send(bytes(2**16))
        self.sock, self.event, self.input_buffer, self.connected = WholeFrames(here), Event(), [], True
        self.closed_with = None

    def close(self, code, _reason):
        self.closed_with, self.connected = code, False
        self.sock.close()
        self.there.close()


def test_a_database_that_breaks_off_ends_the_socket_and_it_may_come_again(acme, bob, opened):
    waiting = opened(bob.cookie, acme.slug)
    with psycopg.connect(url_of(db.engine.url.database, "superuser")) as locking:
        locking.execute("LOCK TABLE access_grants IN ACCESS EXCLUSIVE MODE")
        send(waiting, TEXT, b'{"event":"subscribe","channel":"task"}')
        await_in_line(1)
        as_superuser(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND application_name = 'oversing-live'"
        )
        assert ended(waiting) == TRY_LATER
        assert is_closed(waiting)
    again = opened(bob.cookie, acme.slug)
    send(again, TEXT, b'{"event":"subscribe","channel":"task"}')
    assert told(again)["event"] == "subscribed"


def test_a_process_that_is_told_to_stop_sends_everybody_away(bob, deaf, opened):
    sockets = [opened(bob.cookie, server=deaf) for _number in range(3)]
    deaf.stop()
    for each in sockets:
        kind, content = receive(each)
        assert closing_code((kind, content)) == COME_AGAIN
        assert content[2:] == b"Come again in 2.5 s."
    assert is_closed(sockets[0])


def test_nothing_of_it_was_a_defect(live, deaf):
    for process in (live, deaf):
        assert "Traceback" not in process.log
        assert "request.failed" not in process.log
