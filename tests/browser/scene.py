"""An organisation in which everything can be seen: each kind of page, and each state that a page can be in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from app.commands import certifications
from app.commands.access_roles import update_access_role
from app.commands.api_keys import create_api_key, revoke_api_key, rotate_api_key
from app.commands.programs import delete_program
from app.commands.task_assignments import assign_task
from app.commands.task_comments import comment_on_task
from app.commands.tasks import delete_task, move_task, update_task
from app.core import clock
from app.core.actor import Actor
from app.core.database import db
from app.core.outbox import outbox
from app.core.roles import SHIPPED_ROLES
from app.core.transaction import command
from app.schemas.access_roles import AccessRoleChanges
from app.schemas.api_keys import Rotation
from app.schemas.certifications import Revocation
from app.schemas.tasks import Assignment, Move, NewComment, TaskChanges
from app.schemas.tenants import NewApiKey
from tests import cast
from tests.cast import Player
from tests.factories import BOASTFUL, a_group, a_program, a_request, a_task, a_workspace, an_avatar
from tests.running import BREATH, PATIENCE

SHORTER = "You can cancel within fourteen days."
PROSE = "For **private clients**, in plain words:\n\n- a risk warning\n- `no` forecasts\n\n> and nothing else"

# Every kind of page, by what one sees on it; `format(scene)` fills in whose page it is.
PAGES = {
    "the task list": "/tasks",
    "a task list without a match": "/tasks?q=nothing-like-it",
    "a task list that ends": "/tasks?limit=1",
    "a task": "/tasks/{0.task}",
    "a bare task": "/tasks/{0.bare_task}",
    "the form of a new task": "/tasks/new",
    "the form of a task": "/tasks/{0.task}/edit",
    "a text written together": "/tasks/{0.task}/description",
    "to whom to give a task": "/tasks/{0.task}/assignment?back=/o/acme/tasks",
    "the history of a task": "/tasks/{0.task}/history",
    "whether to delete a task": "/tasks/{0.task}/delete",
    "the form of a certification": "/tasks/{0.task}/certifications/new",
    "the form of a corrected version": "/tasks/{0.task}/certifications/new?parent={0.certifications[rejected]}",
    "the program list": "/programs",
    "a program": "/programs/{0.program}",
    "a board": "/programs/{0.program}/board",
    "a board without cards": "/programs/{0.empty_program}/board",
    "the form of a new program": "/programs/new",
    "the form of a program": "/programs/{0.program}/edit",
    "the history of a program": "/programs/{0.program}/history",
    "whether to delete a program": "/programs/{0.program}/delete",
    "who may do what in a program": "/programs/{0.program}/access",
    "who may do what on a task": "/tasks/{0.task}/access",
    "the groups": "/groups",
    "a group": "/groups/{0.group}",
    "the form of a new group": "/groups/new",
    "the form of a group": "/groups/{0.group}/edit",
    "whether to delete a group": "/groups/{0.group}/delete",
    "the roles": "/roles",
    "a role that was changed": "/roles/{0.alice.organisation.roles[member]}",
    "the form of a new role": "/roles/new",
    "the form of a role": "/roles/{0.alice.organisation.roles[member]}/edit",
    "whether to delete a role": "/roles/{0.alice.organisation.roles[member]}/delete",
    "the certification list": "/certifications",
    "a certification list without a match": "/certifications?status=suspended",
    "the versions of an output": "/certifications/{0.certifications[corrected]}/versions",
    "the audit trail of a certification": "/certifications/{0.certifications[certified]}/audit",
    "whether to revoke a certification": "/certifications/{0.certifications[certified]}/revoke",
    "the policies": "/policies",
    "the people": "/people",
    "people of whom none is found": "/people?q=nobody-like-it",
    "a person": "/people/{0.alice.user_id}",
    "a person with a picture": "/people/{0.bob.user_id}",
    "the form to correct a name": "/people/{0.bob.user_id}/edit",
    "the form of an invitation": "/people/invite",
    "whether to deactivate somebody": "/people/{0.alice.user_id}/deactivate",
    "the settings": "/settings",
    "the question why somebody may do something": "/access",
    "why somebody may do something": "/access?user_id={0.alice.user_id}&permission=task.update&thing={0.task}",
    "why somebody may not do something": "/access?user_id={0.carol.user_id}&permission=task.move&thing={0.task}",
    "whether to close the organisation": "/settings/close",
    "the audit trail": "/audit",
    "an audit trail without a match": "/audit?object=nothing-like-it",
    "exports of the audit trail": "/audit/exports",
    "the trash": "/trash",
    "how quick pages are": "/page-speed",
    "how quick pages are, where nothing was measured": "/page-speed?days=1&device=touch",
    "an empty workspace": "/w",
    "the saved workspaces": "/workspaces",
    "the form to save a workspace": "/workspaces/new?p=tasks",
    "a saved workspace": "/workspaces/{0.workspace}",
    "the form of a workspace": "/workspaces/{0.workspace}/edit",
    "whether to delete a workspace": "/workspaces/{0.workspace}/delete",
    "a workspace": "/w?p=tasks/{0.task}&p=tasks/{0.bare_task}&p=programs/{0.program}/board&s=35,30,35",
    "a workspace in which something is not shown": "/w?p=tasks&p=tasks/{0.api_key}",
    "the API keys": "/api-keys",
    "the form of a new API key": "/api-keys/new",
    "the pages that may call the API": "/api-origins",
    "whether to rotate an API key": "/api-keys/{0.api_key}/rotate",
    "whether to revoke an API key": "/api-keys/{0.api_key}/revoke",
}
_UNDECIDED = ("pending", "validating", "failed")
_DECIDED = ("certified", "json", "rejected", "revoked", "superseded", "corrected", "expired")
PAGES |= {
    f"a certification that is {state}": f"/certifications/{{0.certifications[{state}]}}?refresh=off"
    for state in (*_UNDECIDED, *_DECIDED)
}


def decided(player: Player, certification_id: UUID) -> UUID:
    """Wait until worker and signer have brought a certification to its verdict."""
    deadline = time.monotonic() + PATIENCE
    while player.certification(certification_id).certification_status in ("pending", "validating"):
        assert time.monotonic() < deadline, "Worker or signer does nothing."
        BREATH.wait(0.05)
    return certification_id


def certify(player: Player, **given: object) -> UUID:
    """A certification with its verdict."""
    asked = certifications.request_certification(player.actor, a_request(player, **given))
    return decided(player, asked.id)


@dataclass(frozen=True)
class Scene:
    """The things in it that pages are about. `newcomer` has an organisation of their own, with nothing in it."""

    alice: Player
    bob: Player
    carol: Player
    newcomer: Player
    program: UUID
    task: UUID
    bare_task: UUID
    api_key: UUID
    certifications: dict[str, UUID]
    group: UUID
    empty_program: UUID
    workspace: UUID

    @classmethod
    def built(cls) -> Scene:
        """Make everything, as people would. Worker, signer and clock have to run."""
        acme = cast.found("acme")
        alice, bob, carol = (cast.join(acme, name) for name in ("alice", "bob", "carol"))
        program = a_program(alice, name="Client operations", description=PROSE)
        empty = a_program(alice, name="Website relaunch")
        task = a_task(alice, program, name="Draft the spring fund letter", description=PROSE, estimate_minutes=150)
        bare = a_task(alice, program, name="Check the wording of the fee table")
        _work_on(task.id, alice, bob)
        _throw_away(alice)
        _change_a_role(alice)
        newcomer, key = cast.join(cast.found("globex"), "mallory"), _keys(alice, bob)
        made = dict(_certifications(alice, task.id))
        group = a_group(acme, bob, name="Editors", inside=a_group(acme, carol, name="Everybody who writes"))
        desk = a_workspace(alice, "Release desk", f"programs/{program.id}/board", f"tasks/{task.id}", widths=(60, 40))
        things = (program.id, task.id, bare.id, key, made, group, empty.id, desk.id)
        return cls(alice, bob, carol, newcomer, *things)


def _work_on(task_id: UUID, alice: Player, bob: Player) -> None:
    an_avatar(bob)
    for player in (alice, bob):
        assign_task(alice.actor, task_id, Assignment(user_id=player.user_id))
        comment_on_task(player.actor, task_id, NewComment(body=f"{PROSE}\n\n{player.name}"))
    move_task(bob.actor, task_id, Move(state="doing"))
    update_task(bob.actor, task_id, TaskChanges(name="Draft the spring fund letter for clients"))


def _change_a_role(alice: Player) -> None:
    """Members here may invite people, which those of other organisations may not."""
    member = alice.organisation.roles["member"]
    allowed = SHIPPED_ROLES["member"].permissions | {"user.invite"}
    update_access_role(alice.actor, member, AccessRoleChanges(permissions=tuple(sorted(allowed))))


def _keys(alice: Player, bob: Player) -> UUID:
    """Keys in each state; the id of one that is good."""
    new = NewApiKey(user_id=alice.user_id, name="Nightly export", scopes=("task.view",), networks=("203.0.113.0/24",))
    key, gone, old = (create_api_key(alice.actor, new)[0].id for _ in range(3))
    revoke_api_key(alice.actor, gone)
    rotate_api_key(alice.actor, old, Rotation())
    create_api_key(bob.actor, NewApiKey(user_id=bob.user_id, name="Build server"))
    return key


def _throw_away(alice: Player) -> None:
    delete_task(alice.actor, a_task(alice, name="Order a second kettle").id)
    delete_program(alice.actor, a_program(alice, name="Spring open day").id)


def _certifications(alice: Player, task_id: UUID) -> Iterator[tuple[str, UUID]]:
    """One in each state that can be reached."""
    promotion = alice.organisation.policies["financial-promotions"]
    yield "certified", certify(alice, task_id=task_id)
    yield "json", certify(alice, task_id=task_id, output_content={"complaints": [{"subject": "fees", "count": 4}]})
    yield "rejected", certify(alice, task_id=task_id, output_content=BOASTFUL, governance_policy_id=promotion)
    yield "revoked", _revoked(alice, task_id)
    first = certify(alice, task_id=task_id)
    corrected = {"parent_certification_id": first, "change_summary": "Says it shorter."}
    yield "corrected", certify(alice, task_id=task_id, output_content=SHORTER, **corrected)
    yield "superseded", first
    yield "pending", _left_lying(alice.actor, alice, task_id)
    yield "validating", _left_lying(alice.actor, alice, task_id, judge=True)
    failed = _left_lying(alice.actor, alice, task_id)
    certifications.fail_certification(cast.system(alice.organisation), failed, "The signer was out of reach.")
    yield "failed", failed
    yield "expired", _expired(alice, task_id)


def _revoked(alice: Player, task_id: UUID) -> UUID:
    certification_id = certify(alice, task_id=task_id)
    certifications.revoke_certification(alice.actor, certification_id, Revocation(reason="The figure was wrong."))
    return certification_id


def _expired(alice: Player, task_id: UUID) -> UUID:
    """One that was judged so long ago that its time is over."""
    certification_id = _left_lying(alice.actor, alice, task_id)
    with clock.stopped(clock.now() - timedelta(days=3 * 365)):
        certifications.judge_certification(cast.system(alice.organisation), certification_id)
    return decided(alice, certification_id)


@command
def _left_lying(_actor: Actor, alice: Player, task_id: UUID, *, judge: bool = False) -> UUID:
    """A request that nobody works on: its work counts as done before anybody can see that there is some."""
    asked = certifications.request_certification(alice.actor, a_request(alice, task_id=task_id)).id
    if judge:
        certifications.judge_certification(cast.system(alice.organisation), asked)
    db.session.execute(update(outbox).where(outbox.c.subject_id == asked).values(done_at=clock.now()))
    return asked
