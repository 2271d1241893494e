"""Two organisations for tests that walk over every route, and the requests that somebody in them can send."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.commands import certifications, invitations, programs, second_steps, sessions, tasks, tenants
from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.api_keys import create_api_key
from app.commands.task_comments import comment_on_task
from app.commands.user_groups import add_user_group_member
from app.core import clock, tenancy
from app.core.actor import SignedIn, Visitor
from app.core.database import db
from app.core.ids import new_secret_id, new_token
from app.models.application_instances import ApplicationInstanceUser
from app.models.user_sessions import UserSession
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.invitations import NewInvitation
from app.schemas.tasks import NewComment
from app.schemas.tenants import NewApiKey, NewMember
from app.schemas.user_groups import NewUserGroupMember
from app.web.stored_sessions import token_hash
from tests import cast, factories
from tests.cast import Organisation, Player
from tests.doors import ORIGIN
from tests.security import access
from tests.trail import as_auditor, audit_rows

ACCESS = access.rows()
CANARY = "canary-7f3a"  # stands in every name and text of acme, and nowhere else
MOMENT = 60.0  # seconds; who signed in long ago is asked "Is it you?"
ELSEWHERE = "198.51.100.9"  # an address from which nobody in these tests signs in rightly


@dataclass(frozen=True)
class Route:
    """One method of one rule of the map of addresses."""

    method: str
    rule: Rule

    @property
    def name(self) -> str:
        """What the table of access calls it."""
        return f"{self.method} {self.rule.rule}"

    @property
    def is_api(self) -> bool:
        """Whether programs call it."""
        return self.rule.rule.startswith("/api/")

    @property
    def row(self) -> dict[str, Any]:
        """What the table of access says of it."""
        return dict(ACCESS[self.name])


def routes(app: Flask) -> list[Route]:
    """Every route of the application, in a fixed order."""
    found = [
        Route(method, rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return sorted(found, key=lambda route: (route.rule.rule, route.method))


@dataclass(frozen=True)
class Session:
    """A browser in which somebody is signed in, and until when (monotonic) that counts as a moment ago."""

    cookie: str
    until: float


@dataclass(frozen=True)
class World:
    """acme with somebody of every role, full of things; globex with mallory."""

    app: Flask
    acme: Organisation
    globex: Organisation
    people: dict[str, Player]
    things: dict[str, str]
    strange: dict[str, str] = field(compare=False)
    _sessions: dict[str, Session] = field(default_factory=dict, compare=False)
    _kept: dict[str, dict[str, str]] = field(default_factory=dict, compare=False)

    def ids(self, needs: str | None = None) -> dict[str, str]:
        """The ids of acme that a route is called with. `needs` names what has to be made anew for it."""
        made = {} if needs is None else _MAKERS[needs](self)
        return self.things | {name: str(value) for name, value in made.items()}

    def ids_for_nothing(self, needs: str | None = None) -> dict[str, str]:
        """The same for who is refused by all means, so that what was made stays as it is for the next as well."""
        if needs is None:
            return self.things
        if needs not in self._kept:
            self._kept[needs] = self.ids(needs)
        return self._kept[needs]

    @property
    def secrets(self) -> list[str]:
        """Every text that nobody outside of acme may see a byte of."""
        names = [name.capitalize() for name in (*access.AT_WORK, access.GUEST, access.LEFT)]
        return [CANARY, self.acme.slug, "Acme", *names]  # the slug stands in every address

    def send(
        self,
        route: Route,
        person: str | None,
        ids: dict[str, str],
        *,
        slug: str | None = None,
        client: FlaskClient | None = None,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        """Send what the table of access says, as `person` (None: signed out), about the things in `ids`."""
        client = client or self.app.test_client()
        told = self.credentials(route, person, client) | (headers or {})
        path = self.path(route, ids, slug or self.acme.slug)
        row = route.row
        body: dict[str, Any] = {}
        if "json" in row:
            body["json"] = _filled(row["json"], ids)
        elif "form" in row:
            body["data"] = _filled(row["form"], ids)
        answer = client.open(
            path,
            method=route.method,
            query_string=_filled(row.get("query", {}), ids),
            headers=told,
            environ_overrides={"REMOTE_ADDR": ELSEWHERE},
            **body,
        )
        if route.method != "GET" and answer.status_code < 400:
            self._sessions.clear()  # it may have been what ends them
        return answer

    def credentials(self, route: Route, person: str | None, client: FlaskClient) -> dict[str, str]:
        """The headers with which `person` calls `route`; the cookie of a session goes into `client`."""
        if route.is_api:
            return {} if person is None else {"Authorization": f"Bearer {self.people[person].api_key}"}
        if person is not None:
            client.set_cookie("sid", self._session(person), domain="localhost")
        return {} if route.method == "GET" else dict(ORIGIN)

    def _session(self, person: str) -> str:
        """The cookie of a browser in which `person` has signed in a moment ago."""
        known = self._sessions.get(person)
        if known is None or time.monotonic() > known.until:
            known = self._sessions[person] = Session(self.new_session(person), time.monotonic() + MOMENT)
        return known.cookie

    def new_session(self, person: str) -> str:
        """The cookie of one more browser in which `person` is signed in."""
        token = new_token()
        data = {"_user_id": str(self.people[person].user_id), "_fresh": True}
        with self.app.app_context():
            sessions.keep_session(Visitor(), None, token_hash(token), data, timedelta(days=1))
        return token

    @cached_property
    def _routes(self) -> dict[str, Route]:
        return {route.name: route for route in routes(self.app)}

    def route(self, name: str) -> Route:
        """A route by what the table of access calls it."""
        return self._routes[name]

    def trace(self, but: tuple[str, ...] = ()) -> int:
        """How many events acme's audit trail holds, `but` for some types: it grows with every change."""
        [found] = as_auditor(
            "SELECT count(*) FROM audit.audit_events WHERE application_instance_id = %s AND event_type <> ALL(%s)",
            self.acme.id,
            list(but),
        )
        return int(found.count)

    def path(self, route: Route, ids: dict[str, str], slug: str) -> str:
        """The address of a route with these ids in it."""
        values = ids | {"slug": slug}
        return re.sub(r"<(?:[^<>]*?:)?(\w+)>", lambda found: values[found[1]], route.rule.rule)


def build(app: Flask) -> World:
    """Make both organisations. Needs an application context."""
    acme, globex = cast.found("acme"), cast.found("globex")
    people = {name: cast.join(acme, name) for name in (*access.AT_WORK, access.GUEST, access.LEFT)}
    people["mallory"] = cast.join(globex, "mallory")
    for player in people.values():
        assert player.api_key
        assert player.cookie
    for player in people.values():
        _set_up_an_app(player)
    alice = people["alice"]
    program = factories.a_program(alice, key="CNRY", name=f"Program {CANARY}", description=f"About {CANARY}")
    task = factories.a_task(alice, program, name=f"Task {CANARY}", description=f"Do {CANARY}")
    factories.a_grant(alice, access.GUEST_ROLE, people[access.GUEST], program_id=program.id)
    _let_go(people[access.LEFT])
    comment_on_task(alice.actor, task.id, NewComment(body=f"Said {CANARY}"))
    certification = factories.a_certification(
        alice, task_id=task.id, output_content=f"{factories.HONEST} {CANARY}", model_name=f"model {CANARY}"
    )
    things = {
        "export_id": factories.an_export(alice).id,
        "event_id": audit_rows(task)[0].event_id,
        "program_id": program.id,
        "task_id": task.id,
        "certification_id": certification,
        "policy_id": acme.policies["general"],
        "key_id": _key_of(alice),
        "user_id": people["bob"].user_id,
        "secret": new_token(),
        "invitation_id": _invited(alice).id,
        "mail_id": new_secret_id(),  # mails are shown on a developer's machine only
        "session_id": _session_of(people["alice"]),
        "passkey_id": factories.a_passkey(alice, f"Passkey {CANARY}"),
        "access_role_id": acme.roles["viewer"],
        "grant_id": factories.a_grant(alice, "viewer", people["bob"], task_id=task.id).id,
        "workspace_id": factories.a_workspace(alice, f"Workspace {CANARY}").id,
        "avatar_id": factories.an_avatar(people["bob"]),
        **_group_with(alice, people["bob"], f"Group {CANARY}"),
    }
    strange = {name: str(new_secret_id()) for name in things} | {"user_id": "9007199254740991"}
    return World(app, acme, globex, people, {name: str(value) for name, value in things.items()}, strange)


def _invited(player: Player) -> Any:
    """Somebody who was invited and has not come yet."""
    address = cast.address_of(player.organisation, f"{CANARY}-{new_token()[:8]}")
    new = NewInvitation(email=address, access_role_id=player.organisation.roles["viewer"])
    return invitations.invite_person(player.actor, new)


def _set_up_an_app(player: Player) -> None:
    """An authenticator app that waits for its first code."""
    actor = player.actor
    somebody = SignedIn(player.user_id, actor.name, actor.email, new_secret_id(), clock.now())
    second_steps.start_totp(somebody)


def _session_of(player: Player) -> UUID:
    """One more browser in which somebody is signed in."""
    token = new_token()
    data = {"_user_id": str(player.user_id), "_fresh": True}
    sessions.keep_session(Visitor(), None, token_hash(token), data, timedelta(days=1))
    found = db.session.scalar(select(UserSession.id).where(UserSession.token_hash == token_hash(token)))
    assert found is not None
    return found


def _let_go(player: Player) -> None:
    """Somebody works here no longer, with a key and a session left over from before."""
    with tenancy.entered(db.session, player.organisation.id):
        db.session.execute(
            update(ApplicationInstanceUser)
            .where(ApplicationInstanceUser.user_id == player.user_id)
            .values(deactivated_at=clock.now())
        )
        db.session.commit()


def _filled(template: Any, ids: dict[str, str]) -> Any:
    """A body or query of the table, with `{task_id}` and the like replaced."""
    if isinstance(template, dict):
        return {name: _filled(value, ids) for name, value in template.items()}
    if not isinstance(template, str) or "{" not in template:
        return template
    value = template.format(token=new_token()[:6].replace("-", "x").replace("_", "y"), **ids)
    return int(value) if template == "{user_id}" and value.isdecimal() else value


def _fresh_program(world: World) -> dict[str, Any]:
    return {"program_id": factories.a_program(world.people["alice"], name=f"Fresh {CANARY}").id}


def _fresh_task(world: World) -> dict[str, Any]:
    task = factories.a_task(world.people["alice"], name=f"Fresh {CANARY}")
    return {"task_id": task.id, "program_id": task.program_id}


def _fresh_grant(world: World) -> dict[str, Any]:
    alice = world.people["alice"]
    place = factories.a_program(alice, name=f"Fresh {CANARY}").id
    bob = world.people["bob"]
    grant = factories.a_grant(alice, "viewer", bob, program_id=place)
    return {"grant_id": grant.id, "program_id": place, "user_id": bob.user_id}


def _fresh_task_grant(world: World) -> dict[str, Any]:
    made = _fresh_task(world)
    grant = factories.a_grant(world.people["alice"], "viewer", world.people["bob"], task_id=made["task_id"])
    return made | {"grant_id": grant.id}


def _fresh_key(world: World) -> dict[str, Any]:
    return {"key_id": _key_of(world.people["alice"])}


def _key_of(player: Player) -> UUID:
    return create_api_key(player.actor, NewApiKey(user_id=player.user_id, name=f"Key {CANARY}"))[0].id


def _fresh_invitation(world: World) -> dict[str, Any]:
    return {"invitation_id": _invited(world.people["alice"]).id}


def _fresh_member(world: World) -> dict[str, Any]:
    address = cast.address_of(world.acme, new_token()[:8])
    new = NewMember(email=address, name=f"Fresh {CANARY}", password=cast.PASSWORD, role="viewer")
    return {"user_id": tenants.create_member(cast.system(world.acme), new).user_id}


def _fresh_role(world: World) -> dict[str, Any]:
    """A role that nobody has; of an admin's making, so that admins manage it."""
    new = NewAccessRole(name=f"Fresh {CANARY} {new_token()}", permissions=("task.view",))
    return {"access_role_id": create_access_role(world.people["dave"].actor, new).id}


def _fresh_group(world: World) -> dict[str, Any]:
    """A group that brings a role, with somebody in it."""
    made = _group_with(world.people["alice"], world.people["carol"], f"Fresh {CANARY} {new_token()}")
    brings = NewAccessGrant(access_role_id=world.acme.roles["viewer"], user_group_id=made["group_id"])
    return made | {"grant_id": create_access_grant(world.people["alice"].actor, brings).id}


def _group_with(maker: Player, person: Player, name: str) -> dict[str, Any]:
    group = factories.a_group(maker.organisation, name=name)
    member = add_user_group_member(maker.actor, group, NewUserGroupMember(user_id=person.user_id))
    return {"group_id": group, "member_id": member.id}


def _fresh_session(world: World) -> dict[str, Any]:
    return {"session_id": _session_of(world.people["alice"])}


def _fresh_avatar(world: World) -> dict[str, Any]:
    bob = world.people["bob"]
    return {"user_id": bob.user_id, "avatar_id": factories.an_avatar(bob)}


def _fresh_passkey(world: World) -> dict[str, Any]:
    return {"passkey_id": factories.a_passkey(world.people["alice"])}


def _deleted_program(world: World) -> dict[str, Any]:
    made = _fresh_program(world)
    programs.delete_program(world.people["alice"].actor, made["program_id"])
    return made


def _deleted_task(world: World) -> dict[str, Any]:
    made = _fresh_task(world)
    tasks.delete_task(world.people["alice"].actor, made["task_id"])
    return made


def _fresh_certification(world: World) -> dict[str, Any]:
    return {"certification_id": factories.a_certification(world.people["alice"])}


def _failed_certification(world: World) -> dict[str, UUID]:
    made = factories.a_certification(world.people["alice"], settled=False)
    certifications.fail_certification(cast.system(world.acme), made, "The signer was away.")
    return {"certification_id": made}


_MAKERS = {
    "fresh_program": _fresh_program,
    "fresh_task": _fresh_task,
    "fresh_grant": _fresh_grant,
    "fresh_task_grant": _fresh_task_grant,
    "fresh_invitation": _fresh_invitation,
    "fresh_member": _fresh_member,
    "fresh_key": _fresh_key,
    "fresh_group": _fresh_group,
    "fresh_workspace": lambda world: {
        "workspace_id": factories.a_workspace(world.people["alice"], f"Fresh {CANARY} {new_token()}").id
    },
    "fresh_session": _fresh_session,
    "fresh_avatar": _fresh_avatar,
    "fresh_passkey": _fresh_passkey,
    "fresh_role": _fresh_role,
    "deleted_program": _deleted_program,
    "deleted_task": _deleted_task,
    "fresh_certification": _fresh_certification,
    "failed_certification": _failed_certification,
}
