"""Things to work with, made by the product's own commands."""

from __future__ import annotations

import io
import secrets
from itertools import count
from typing import Any
from uuid import UUID

import pyotp
from PIL import Image
from sqlalchemy import select

from app.commands import certifications, shared_texts
from app.commands.access_grants import create_access_grant
from app.commands.audit_exports import request_audit_export
from app.commands.invitations import invite_person
from app.commands.passkeys import register_passkey
from app.commands.profiles import change_avatar
from app.commands.programs import create_program
from app.commands.second_steps import confirm_totp, start_totp
from app.commands.task_assignments import assign_task
from app.commands.task_comments import comment_on_task
from app.commands.tasks import create_task
from app.commands.workspaces import choose_default_workspace, create_workspace
from app.core import clock, tenancy
from app.core.actor import SignedIn
from app.core.authenticators import Asked, question_for_new_key
from app.core.database import db
from app.core.ids import new_id
from app.core.outbox import outbox
from app.core.shared_documents import begun_with
from app.jobs import audit_exports, runner
from app.models.access_grants import AccessGrant
from app.models.audit_exports import AuditExport
from app.models.programs import Program
from app.models.tasks import Task
from app.models.user_groups import UserGroup, UserGroupMember
from app.models.workspaces import Workspace
from app.queries.accounts import waiting_secret, ways_of
from app.queries.audit_events import AuditFilters
from app.schemas.access_grants import NewAccessGrant
from app.schemas.accounts import GivenCode, NewPasskey
from app.schemas.certifications import NewCertification
from app.schemas.invitations import NewInvitation
from app.schemas.programs import NewProgram
from app.schemas.tasks import Assignment, NewComment, NewTask
from app.schemas.workspaces import NewWorkspace
from tests.authenticator import Authenticator
from tests.cast import Organisation, Player, afresh, system
from tests.doors import Json

_numbers = count(1)

HONEST = "You can cancel within fourteen days. Write to us and we send the money back within ten working days."
BOASTFUL = "This fund offers guaranteed returns and is risk-free. Act now."


def a_program(player: Player, **given: Any) -> Program:
    """A program."""
    number = next(_numbers)
    return create_program(player.actor, NewProgram(**{"key": f"P{number}", "name": f"Program {number}"} | given))


def a_task(player: Player, program: Program | None = None, **given: Any) -> Task:
    """A task, in a program of its own unless one is given."""
    program_id = (program or a_program(player)).id
    return create_task(player.actor, NewTask(**{"program_id": program_id, "name": "Water the plants"} | given))


def a_picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), color: str = "teal", **more: Any) -> bytes:
    """A picture, as the file of some program."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind, **more)
    return file.getvalue()


def an_avatar(player: Player) -> UUID:
    """A picture of somebody; its id."""
    somebody = SignedIn(player.user_id, player.actor.name, player.actor.email)
    shown = change_avatar(somebody, a_picture()).avatar_id
    assert shown is not None
    return shown


def an_app(player: Player) -> None:
    """An authenticator app of somebody, which counts."""
    somebody = SignedIn(player.user_id, player.actor.name, player.actor.email)
    start_totp(somebody)
    waiting = waiting_secret(somebody)
    assert waiting is not None
    confirm_totp(somebody, GivenCode(code=pyotp.TOTP(waiting.opened()).at(clock.now())))


def a_passkey(player: Player, name: str = "Blue key") -> UUID:
    """A passkey of somebody, on a device that nobody has; its id."""
    somebody = SignedIn(player.user_id, player.actor.name, player.actor.email)
    asked = Asked("http://localhost", secrets.token_bytes(32), secrets.token_bytes(32))
    question = question_for_new_key(asked, email=somebody.email, name=somebody.name, known=[])
    register_passkey(somebody, NewPasskey(name=name, answer=Authenticator().make(question)), asked)
    return ways_of(player.user_id).passkeys[-1].id


def a_grant(giver: Player, role: str, holder: Player, **place: Any) -> AccessGrant:
    """A role for a person: throughout, or with `program_id` or `task_id` in one place."""
    new = NewAccessGrant(access_role_id=giver.organisation.roles[role], user_id=holder.user_id, **place)
    return create_access_grant(giver.actor, new)


def a_workspace(owner: Player, name: str, *panels: str, **given: Any) -> Workspace:
    """A saved workspace, shared unless it is said to be private."""
    new = NewWorkspace(**{"name": name, "panels": panels or ("tasks", "programs"), "visibility": "shared"} | given)
    return create_workspace(owner.actor, new)


def a_group(organisation: Organisation, *members: Player, name: str = "", inside: UUID | None = None) -> UUID:
    """The id of a group with these people, perhaps inside of another group."""
    with tenancy.entered(db.session, organisation.id):
        group = UserGroup(id=new_id(), name=name or f"Group {next(_numbers)}")
        db.session.add(group)
        db.session.flush()
        db.session.add_all(UserGroupMember(user_group_id=group.id, user_id=member.user_id) for member in members)
        if inside is not None:
            db.session.add(UserGroupMember(user_group_id=inside, member_group_id=group.id))
        db.session.commit()
    return group.id


def a_request(player: Player, **given: Any) -> NewCertification:
    """What somebody sends to have an output certified."""
    return NewCertification(
        **{
            "output_content": HONEST,
            "llm_provider": "anthropic",
            "model_name": "claude-sonnet-4-5",
            "input": "How do I cancel?",
            "governance_policy_id": player.organisation.policies["general"],
        }
        | given
    )


def a_certification(player: Player, *, settled: bool = True, **given: Any) -> Any:
    """The id of a certification that was asked for and, if `settled`, decided."""
    certification_id = certifications.request_certification(player.actor, a_request(player, **given)).id
    if settled:
        settle(player)
    return certification_id


def a_shared_text(player: Player, task: Task, words: str = "Together") -> UUID:
    """The description of a task that is written by several people, with what one of them has typed."""
    shared = shared_texts.open_shared_text(player.actor, "task", task.id)
    shared_texts.keep_update(player.actor, "task", task.id, shared.id, begun_with(words))
    return shared.id


def something_of_everything(player: Player, api: Json) -> None:
    """Rows in every table that an organisation has rows in: a wall is tried with something behind it."""
    task = a_task(player)
    assign_task(player.actor, task.id, Assignment(user_id=player.user_id))
    comment_on_task(player.actor, task.id, NewComment(body="Looks good"))
    first = a_certification(player, task_id=task.id)
    a_certification(player, parent_certification_id=first)
    a_group(player.organisation, player)
    invited = NewInvitation(email="ivy@elsewhere.example", access_role_id=player.organisation.roles["member"])
    invite_person(player.actor, invited)
    an_export(player)
    a_shared_text(player, task)
    choose_default_workspace(player.actor, a_workspace(player, "Desk").id)
    made = api.send("POST", "/programs", {"key": "ONCE", "name": "Once only"}, Idempotency_Key="once")
    assert made.status_code == 201


def settle(player: Player) -> None:
    """Do the work that waits in the outbox of the organisation, as worker and signer would, until there is none."""
    tenant_id = player.organisation.id
    while True:
        with tenancy.entered(db.session, tenant_id):
            waiting = db.session.execute(
                select(outbox.c.id, outbox.c.job).where(outbox.c.done_at.is_(None), outbox.c.attempts < 1)
            ).all()
        afresh()
        if not waiting:
            return
        for row in waiting:
            runner.run(row.job, str(tenant_id), [str(row.id)])


def an_export(player: Player, file_format: str = "jsonl", *, settled: bool = True, **filters: Any) -> AuditExport:
    """An export of the audit trail, written unless it is to stay as it was asked for."""
    export = request_audit_export(player.actor, file_format, AuditFilters(**filters))
    if settled:
        audit_exports.write(system(player.organisation), export.id)
        afresh()
    return export
