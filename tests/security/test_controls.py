"""What holds after finding out who asks holds by every way in: cookie, key and socket, with no gap between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import session
from sqlalchemy import update

from app import create_app
from app.commands.tenants import resume_tenant, suspend_tenant
from app.core import clock, tenancy
from app.core.database import db
from app.models.application_instances import ApplicationInstanceUser
from app.models.users import User
from app.web.door import public
from tests import cast
from tests.cast import Player
from tests.doors import Browser
from tests.security.newcomers import newcomer

LIMIT = 4
HANDSHAKE = {"Origin": "http://localhost", "Connection": "Upgrade", "Upgrade": "websocket"}
WAYS = ("cookie", "key", "socket")


@pytest.fixture(scope="module")
def apps(play_stage):
    """The processes that people and programs reach, with a limit that a test reaches."""
    apps = {kind: create_app(kind, **play_stage.settings | {"rate_person": LIMIT}) for kind in ("web", "live")}
    for app in apps.values():
        app.test_client_class = Browser
    apps["live"].view_functions["live"] = public(_greet)  # a socket itself needs a real connection
    return apps


@pytest.fixture
def dora(app, acme) -> Player:
    """Somebody who may come in by each way."""
    player = newcomer(acme)
    assert player.api_key
    assert player.cookie
    return player


@pytest.fixture
def come(apps, dora) -> Callable[[str], int]:
    """Come in by one way; by that of the socket as far as its handshake."""

    def send(way: str) -> int:
        client = apps["live" if way == "socket" else "web"].test_client()
        if way == "key":
            return client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {dora.api_key}"}).status_code
        client.set_cookie("sid", dora.cookie, domain="localhost")
        if way == "socket":
            return client.get("/live", headers=HANDSHAKE).status_code
        return client.get(f"/o/{dora.organisation.slug}/tasks").status_code

    return send


def _greet() -> tuple[str, int]:
    return ("Hello.", 200) if session.person else ("Sign in first.", 401)


def let_go(dora: Player) -> None:
    """Out of the organisation."""
    with tenancy.entered(db.session, dora.organisation.id):
        db.session.execute(
            update(ApplicationInstanceUser)
            .where(ApplicationInstanceUser.user_id == dora.user_id)
            .values(deactivated_at=clock.now())
        )
        db.session.commit()


def shut_out(dora: Player) -> None:
    """Out of every organisation."""
    db.session.execute(update(User).where(User.user_id == dora.user_id).values(deactivated_at=clock.now()))
    db.session.commit()


@pytest.mark.parametrize("way", WAYS)
def test_somebody_is_let_in_by_each_way(come, way):
    assert come(way) == 200


@pytest.mark.parametrize(("way", "status"), [("cookie", 404), ("key", 401)])
def test_somebody_who_was_let_go_gets_in_by_none(come, dora, way, status):
    let_go(dora)
    assert come(way) == status


@pytest.mark.parametrize(("way", "status"), [("cookie", 303), ("key", 401), ("socket", 401)])
def test_somebody_who_was_shut_out_gets_in_by_none(come, dora, way, status):
    shut_out(dora)
    assert come(way) == status


@pytest.mark.parametrize("way", ["cookie", "key"])
def test_nobody_works_in_a_suspended_organisation_until_it_is_resumed(come, dora, way):
    """The socket is a person's own yet, and belongs to no organisation."""
    suspend_tenant(cast.system(dora.organisation))
    assert come(way) == 403
    resume_tenant(cast.system(dora.organisation))
    assert come(way) == 200


def test_a_stranger_does_not_learn_that_an_organisation_is_suspended(apps, dora):
    suspend_tenant(cast.system(dora.organisation))
    stranger = newcomer(cast.found("globex"))  # of whom other tests count no requests
    client = apps["web"].test_client()
    client.set_cookie("sid", stranger.cookie, domain="localhost")
    assert client.get(f"/o/{dora.organisation.slug}/tasks").status_code == 404


@pytest.mark.parametrize("way", WAYS)
def test_somebody_who_asks_too_often_has_to_wait_by_each_way(come, way):
    answers = [come(way) for _ in range(LIMIT + 1)]
    assert answers == [200] * LIMIT + [429]


def test_changing_the_way_is_no_way_round_the_limit(come):
    """Page and API are work in one organisation; the two together have what one has."""
    answers = [come(way) for way in ("cookie", "key") * LIMIT]
    assert answers == [200] * LIMIT + [429] * LIMIT
