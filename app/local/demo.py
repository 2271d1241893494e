"""Demo data: two small organisations, so that everything the product does can be seen at once.

Only for the embedded stack. Passwords and keys are random and go into one private file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.commands import certifications, tenants
from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.api_keys import create_api_key
from app.commands.invitations import invite_person
from app.commands.programs import create_program, delete_program
from app.commands.task_assignments import assign_task
from app.commands.task_comments import comment_on_task
from app.commands.tasks import create_task, delete_task, move_task, update_task
from app.commands.user_groups import add_user_group_member, create_user_group
from app.commands.users import deactivate_user
from app.commands.workspaces import create_workspace
from app.core import tenancy
from app.core.actor import Actor, Tenant, Visitor
from app.core.database import db
from app.core.ids import new_token
from app.core.outbox import outbox
from app.jobs import key_ring, runner
from app.local import demo_texts as texts
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstance
from app.models.governance_policies import GovernancePolicy
from app.models.users import User
from app.queries.identity import find_roles
from app.queries.programs import program_choices
from app.queries.users import list_people
from app.schemas.access_grants import NewAccessGrant
from app.schemas.certifications import NewCertification, Revocation
from app.schemas.invitations import NewInvitation
from app.schemas.programs import NewProgram
from app.schemas.tasks import Assignment, Move, NewComment, NewTask, TaskChanges
from app.schemas.tenants import NewApiKey, NewMember, NewTenant
from app.schemas.user_groups import NewUserGroup, NewUserGroupMember
from app.schemas.workspaces import NewWorkspace

GUEST = "guest"  # no role of the organisation: somebody from outside who helps in one program
CAST = {
    "acme": (
        "Acme Advice",
        [
            ("alice@acme.example", "Alice Andersson", "owner"),
            ("bob@acme.example", "Bob Okafor", "member"),
            ("carol@acme.example", "Carol Lindqvist", "viewer"),
            ("dave@acme.example", "Dave Moreau", "admin"),
            ("erin@acme.example", "Erin Walsh", "manager"),
            ("frank@acme.example", "Frank Osei", "reviewer"),
            ("grace@acme.example", "Grace Kim", "auditor"),
            ("heidi@acme.example", "Heidi Brandt", GUEST),
        ],
    ),
    "globex": ("Globex", [("mallory@globex.example", "Mallory Quill", "owner")]),
}


def load(path: Path, url: str, settings: Any, new_secret: Callable[[], str]) -> Path:
    """Make the demo organisations and write how to sign in to `path`. Loading twice is loading once.

    What an interrupted start has left is taken up: its people get new passwords and keys.
    """
    if not path.exists():
        key_ring.open_keys(settings)
        told = {"url": url, "tenants": [_tenant(slug, new_secret) for slug in CAST]}
        _write_privately(path, json.dumps(told, indent=2))
    return path


def _tenant(slug: str, new_secret: Callable[[], str]) -> dict[str, Any]:
    name, people = CAST[slug]
    passwords = {email: new_secret() for email, _name, _role in people}
    tenant = db.session.scalar(select(ApplicationInstance).where(ApplicationInstance.slug == slug))
    if tenant is None:
        email, owner, _role = people[0]
        tenant = tenants.create_tenant(
            Visitor(),
            NewTenant(slug=slug, name=name, owner_email=email, owner_name=owner, owner_password=passwords[email]),
        )
    system = tenants.system_actor(tenant)
    for email, person, role in people:
        member = NewMember(email=email, name=person, password=passwords[email], role=None if role == GUEST else role)
        if _is_there(tenant, email):
            tenants.set_password(system, email, passwords[email])
        else:
            tenants.create_member(system, member)
    users = []
    for email, _person, role in people:
        actor = _as_person(tenant, email)
        _key, secret = create_api_key(system, NewApiKey(user_id=actor.user_id or 0, name="Demo"))
        users.append({"email": email, "password": passwords[email], "role": role, "api_key": secret})
    if not _has_work(tenant):
        {"acme": _acme, "globex": _globex}[slug](tenant)
    return {"slug": slug, "users": users}


def _is_there(tenant: ApplicationInstance, email: str) -> bool:
    with tenancy.entered(db.session, tenant.id):
        return any(person.email == email for person in list_people(tenants.system_actor(tenant)))


def _has_work(tenant: ApplicationInstance) -> bool:
    """Whether an earlier start got this far before it was interrupted."""
    with tenancy.entered(db.session, tenant.id):
        return bool(program_choices(tenants.system_actor(tenant)))


def _as_person(tenant: ApplicationInstance, email: str) -> Actor:
    """A member at work, with the permissions of their roles."""
    tenancy.enter(db.session, tenant.id)
    user = db.session.scalars(select(User).where(User.email == email)).one()
    roles = find_roles(tenant.id, user.user_id)
    return Actor(
        tenant=Tenant(tenant.id, tenant.slug, tenant.name),
        permissions=frozenset(permission for role in roles for permission in role.permissions),
        user_id=user.user_id,
        name=user.name,
        email=user.email,
        authenticated_by="system",
    )


def _acme(tenant: ApplicationInstance) -> None:
    alice, bob = _as_person(tenant, "alice@acme.example"), _as_person(tenant, "bob@acme.example")
    programs = {
        key: create_program(alice, NewProgram(key=key, name=name, description=about))
        for key, name, about in texts.PROGRAMS
    }
    tasks = {}
    for key, name, about, minutes, path, assignee in texts.TASKS:
        new = NewTask(program_id=programs[key].id, name=name, description=about, estimate_minutes=minutes)
        task_id = tasks[name] = create_task(alice, new).id
        if assignee is not None:
            person = bob if assignee == "bob" else alice
            assign_task(alice, task_id, Assignment(user_id=person.user_id or 0))
        for state in path:
            move_task(bob, task_id, Move(state=state))
    move_task(alice, tasks[texts.MOST_PRESSING], Move(after=None))
    for name, who, body in texts.COMMENTS:
        comment_on_task(bob if who == "bob" else alice, tasks[name], NewComment(body=body))
    heidi = _as_person(tenant, "heidi@acme.example")
    member = db.session.scalars(select(AccessRole.id).where(AccessRole.key == "member")).one()
    create_access_grant(
        alice, NewAccessGrant(access_role_id=member, user_id=heidi.user_id, program_id=programs["WEB"].id)
    )
    update_task(bob, tasks[texts.TASKS[0][1]], TaskChanges(estimate_minutes=150))
    create_program(alice, NewProgram(key="BLOG", name="Articles", parent_id=programs["WEB"].id))
    _group(tenant, alice, programs["WEB"].id, member)
    _come_and_go(tenant, alice, member)
    create_access_role(_as_person(tenant, "dave@acme.example"), texts.OWN_ROLE)
    _certify(alice, bob, tasks)
    desk = (f"programs/{programs['OPS'].id}/board", f"tasks/{tasks[texts.TASKS[0][1]]}", "certifications")
    create_workspace(alice, NewWorkspace(name="Release desk", panels=desk, widths=(40, 35, 25), visibility="shared"))
    delete_task(alice, create_task(alice, NewTask(program_id=programs["OPS"].id, name="Order a second kettle")).id)
    delete_program(alice, create_program(alice, NewProgram(key="OLD", name="Spring open day")).id)


def _group(tenant: ApplicationInstance, alice: Actor, program_id: Any, role_id: Any) -> None:
    """Two who review may also work in one program, as a group."""
    group = create_user_group(alice, NewUserGroup(name="Compliance", description="Read what goes out to clients."))
    for email in ("frank@acme.example", "grace@acme.example"):
        add_user_group_member(alice, group.id, NewUserGroupMember(user_id=_as_person(tenant, email).user_id))
    create_access_grant(alice, NewAccessGrant(access_role_id=role_id, user_group_id=group.id, program_id=program_id))


def _come_and_go(tenant: ApplicationInstance, alice: Actor, role_id: Any) -> None:
    """Somebody who was invited and has not come yet, and somebody who has left."""
    ivan = NewMember(email="ivan@acme.example", name="Ivan Petrov", password=new_token(), role="member")
    deactivate_user(alice, tenants.create_member(tenants.system_actor(tenant), ivan).user_id)
    invite_person(alice, NewInvitation(email="judy@acme.example", access_role_id=role_id))


def _certify(alice: Actor, bob: Actor, tasks: dict[str, Any]) -> None:
    """One certified, one rejected with marks, one corrected and so superseded, one revoked, one of JSON."""
    policies = {row.key: row.id for row in db.session.scalars(select(GovernancePolicy))}

    def ask(actor: Actor, of: tuple[str, str, str, Any], parent: Any = None, why: str = "") -> Any:
        task, policy, question, answer = of
        new = NewCertification(
            task_id=tasks[task],
            output_content=answer,
            llm_provider="anthropic",
            model_name="claude-sonnet-4-5",
            input=question,
            governance_policy_id=policies[policy],
            parent_certification_id=parent,
            change_summary=why,
        )
        made_id = certifications.request_certification(actor, new).id
        _settle(actor)
        return made_id

    ask(bob, texts.CERTIFIED)
    rejected = ask(bob, texts.REJECTED)
    ask(bob, texts.CORRECTED, rejected, "Took out the promises and added the risk warning.")
    first = ask(alice, texts.FIRST_VERSION)
    ask(alice, texts.SECOND_VERSION, first, "Says which documents to bring.")
    certifications.revoke_certification(alice, ask(alice, texts.REVOKED), Revocation(reason=texts.WHY_REVOKED))
    ask(bob, texts.OF_JSON)
    _settle(alice)


def _settle(actor: Actor) -> None:
    """Do what waits in the outbox of the organisation, here and now, until nothing does."""
    while True:
        with tenancy.entered(db.session, actor.tenant_id):
            waiting = db.session.execute(
                select(outbox.c.id, outbox.c.job)
                .where(outbox.c.application_instance_id == actor.tenant_id)  # mails belong to none; the worker has them
                .where(outbox.c.done_at.is_(None), outbox.c.attempts < 1)
            ).all()
        if not waiting:
            return
        for row in waiting:
            runner.run(row.job, str(actor.tenant_id), [str(row.id)])


def _globex(tenant: ApplicationInstance) -> None:
    mallory = _as_person(tenant, "mallory@globex.example")
    program = create_program(mallory, NewProgram(key="GLX", name="Globex launch"))
    create_task(mallory, NewTask(program_id=program.id, name="Write the launch note"))


def _write_privately(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    fresh.replace(path)
