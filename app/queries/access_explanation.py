"""Why a person may do something, or may not: the steps that `fetch` and `require` take, with the roles behind each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, func, literal, select

from app.core import clock
from app.core.actor import Actor
from app.core.database import db
from app.core.errors import Invalid, InvalidParameter, NotFound
from app.core.permissions import effective, fetch, require, viewing_of
from app.core.phrases import phrase
from app.core.roles import PERMISSIONS
from app.models.access_roles import AccessPermission, AccessRole
from app.models.api_keys import ApiKey
from app.models.certifications import Certification
from app.models.programs import Program
from app.models.tasks import Task
from app.models.users import User
from app.queries.access import HeldGrant, givers_in_place, grants_of_person, grants_reaching
from app.queries.users import get_user

ORGANISATION = "application_instance"
EVERYTHING = frozenset({"*"})
ASKABLE = tuple(name for name in PERMISSIONS if not name.endswith(".view_own"))  # one's own is part of the answer

# What lies in programs and on tasks, and so can be asked about there.
_PLACED = {
    "program": ("program", "task", "certification", "access_grant"),
    "task": ("task", "certification", "access_grant"),
    "certification": ("certification",),
}
# Kinds whose rows are fetched before anything is done to them: who acts has to see them.
_FETCHED = frozenset({"program", "task", "certification", "user_group", "access_role"})
# What lies in no place, and is seen by whoever may see it anywhere.
_ANYWHERE = frozenset({"policy.view", "user.view", "user_group.view"})


@dataclass(frozen=True, slots=True)
class Thing:
    """What is asked about, and where it lies. The organisation itself lies nowhere."""

    kind: str
    id: UUID
    name: str
    number: str = ""  # by which `find_thing` finds it
    row: Any = None
    program_id: UUID | None = None
    task_id: UUID | None = None

    @property
    def places(self) -> tuple[UUID | None, ...]:
        """What `Actor.may` is asked with."""
        return (self.program_id, self.task_id)


class Step(NamedTuple):
    """One permission that is needed, the grants that give it, and those that give it for one's own only."""

    permission: str
    grants: list[HeldGrant]
    own_grants: list[HeldGrant]
    is_own: bool

    @property
    def granted(self) -> bool:
        """Whether this step is passed."""
        return bool(self.grants) or self.by_own

    @property
    def by_own(self) -> bool:
        """Whether it is passed only because the thing is the person's own."""
        return not self.grants and self.is_own and bool(self.own_grants)

    @property
    def ways(self) -> list[HeldGrant]:
        """The grants by which it is passed."""
        return self.grants or (self.own_grants if self.is_own else [])


class Remedy(NamedTuple):
    """A role that would do, and by whom it can be given here."""

    access_role_id: UUID
    role_name: str
    givers: list[str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict with everything that led to it. `reason` is None where access is granted, else a word of REASONS."""

    person: Any
    thing: Thing
    permission: str
    steps: list[Step]
    held: list[HeldGrant]
    own_as: str | None
    reason: str | None
    remedies: list[Remedy]
    key: Any = None

    @property
    def granted(self) -> bool:
        """The verdict."""
        return self.reason is None

    @property
    def failed(self) -> Step | None:
        """The first step that was not passed."""
        return next((step for step in self.steps if not step.granted), None)


REASONS = ("deactivated", "no_role_here", "roles_lack_it", "only_own", "key_lacks_it")


def explain_access(
    actor: Actor, user_id: int, permission: str, *, api_key_id: UUID | None = None, **about: UUID | None
) -> Explanation:
    """Whether a person has a permission for a thing, and why. `about` names it: `program_id`, `task_id` or
    `certification_id`; none of them means the organisation itself.

    Raises NotFound for a person, key or thing that is not here or that the actor may not see, and where they may not
    see roles; InvalidParameter for a permission that is not decided there.
    """
    thing = _thing(actor, {name: value for name, value in about.items() if value is not None})
    require(actor, "access_role.view", *thing.places)
    person = get_user(actor, user_id)
    _refuse_senseless(permission, thing)
    key = None if api_key_id is None else _key(actor, user_id, api_key_id)
    if permission in _ANYWHERE:
        reaching = grants_of_person(actor, user_id)
    else:
        reaching = grants_reaching(actor, user_id, program_id=thing.program_id, task_id=thing.task_id)
    held = [_as_seen_by(actor, grant) for grant in reaching]
    own_as = _own_as(thing, user_id)
    needed = _needed(permission, thing)
    scopes = EVERYTHING if key is None else frozenset(key.scopes)
    steps = _steps(needed, held, own_as, thing, scopes)
    reason = _reason(user_id, person, steps, held)
    if reason in ("roles_lack_it", "only_own") and all(
        step.granted for step in _steps(needed, held, own_as, thing, EVERYTHING)
    ):
        reason = "key_lacks_it"
    remedies = [] if reason in (None, "deactivated", "key_lacks_it") else _remedies(actor, needed, thing)
    return Explanation(person, thing, permission, steps, held, own_as, reason, remedies, key)


def find_thing(actor: Actor, text: str) -> dict[str, UUID]:
    """The parameter of `explain_access` for what somebody typed: the key of a program, a number, or an id.

    Raises Invalid where there is no such thing. Whether it may be seen is asked later.
    """
    found = next((found for found in _candidates(actor, text.strip()) if found[1] is not None), None)
    if found is None:
        raise Invalid({"thing": phrase("There is nothing of this name that you may see.")})
    return {found[0]: found[1]}


def _candidates(actor: Actor, text: str) -> Any:
    kinds = (("program_id", Program), ("task_id", Task), ("certification_id", Certification))
    try:
        named = UUID(text)
    except ValueError:
        pass
    else:
        for name, model in kinds:
            yield name, db.session.scalar(_ids(actor, model).where(model.id == named))
        return
    key, _, number = text.upper().rpartition("-")
    yield "program_id", db.session.scalar(_ids(actor, Program).where(Program.key == text.upper()))
    if number.isascii() and number.isdecimal() and len(number) < 10:
        numbered = _ids(actor, Task).join(Program, Program.id == Task.program_id)
        yield "task_id", db.session.scalar(numbered.where(Program.key == key, Task.number == int(number)))
    yield (
        "certification_id",
        db.session.scalar(_ids(actor, Certification).where(Certification.certification_number == text.upper())),
    )


def _ids(actor: Actor, model: Any) -> Any:
    return select(model.id).where(model.application_instance_id == actor.tenant_id)


def _thing(actor: Actor, about: dict[str, UUID]) -> Thing:
    """What is asked about, for somebody who may see it."""
    if not about:
        return Thing(ORGANISATION, actor.tenant_id, actor.tenant.name)
    if len(about) > 1:
        raise InvalidParameter(dict.fromkeys(about, phrase("Ask about one thing at a time.")))
    [(name, thing_id)] = about.items()
    if name == "program_id":
        program = fetch(actor, Program, thing_id, "program.view")
        return Thing("program", program.id, program.name, program.key, program, program_id=program.id)
    if name == "task_id":
        task = fetch(actor, Task, thing_id, "task.view")
        key = db.session.scalar(select(Program.key).where(Program.id == task.program_id))
        number = f"{key}-{task.number}"
        return Thing("task", task.id, f"{number} {task.name}", number, task, task.program_id, task.id)
    made = fetch(actor, Certification, thing_id, "certification.view")
    lies_in = db.session.scalar(select(Task.program_id).where(Task.id == made.task_id))
    number = made.certification_number or str(made.id)
    return Thing("certification", made.id, number, number, made, lies_in, made.task_id)


def _refuse_senseless(permission: str, thing: Thing) -> None:
    if permission not in ASKABLE:
        raise InvalidParameter({"permission": phrase("There is no such permission.")})
    kind = permission.partition(".")[0]
    placed = _PLACED.get(thing.kind)
    if placed is not None and kind not in placed and permission != "access_role.view":
        raise InvalidParameter(
            {"permission": phrase("This is not decided by %(kind)s. Ask about the organisation.", kind=thing.kind)}
        )


def _key(actor: Actor, user_id: int, key_id: UUID) -> ApiKey:
    key = fetch(actor, ApiKey, key_id, "api_key.view")
    if key.user_id != user_id or key.revoked_at is not None or (key.expires_at and key.expires_at <= clock.now()):
        raise NotFound
    return key


def _as_seen_by(actor: Actor, grant: HeldGrant) -> HeldGrant:
    """The grant without the names of what the actor may not see."""
    if not actor.may_somewhere("user_group.view"):
        grant = grant._replace(groups=["?"] * len(grant.groups))
    if grant.program_id is not None and not actor.may_in("program.view", grant.program_id):
        grant = grant._replace(program_name=None)
    if grant.task_id is not None and not actor.may("task.view", grant.task_id, grant.program_of_task_id):
        grant = grant._replace(task_number=None)
    return grant


def _own_as(thing: Thing, user_id: int) -> str | None:
    """By what the thing is the person's own: made, assigned, has_task, requested; None where it is not."""
    model = {"program": Program, "task": Task, "certification": Certification}.get(thing.kind)
    if model is None:
        return None
    own = select(model.is_own(literal(user_id, BigInteger))).where(model.id == thing.id)  # type: ignore[attr-defined]
    if not db.session.scalar(own):
        return None
    if thing.kind == "task":
        return "made" if thing.row.created_by_user_id == user_id else "assigned"
    return {"program": "has_task", "certification": "requested"}[thing.kind]


def _needed(permission: str, thing: Thing) -> list[str]:
    """Every permission that this takes, in the order in which it is asked for."""
    kind, _, act = permission.partition(".")
    needed = []
    if thing.row is not None and (
        kind in (thing.kind, "access_grant") or (thing.kind == "task" and permission == "certification.create")
    ):
        needed.append(viewing_of(type(thing.row)))  # what is not seen cannot be worked on
    elif act not in ("view", "create") and kind in _FETCHED:
        needed.append(f"{kind}.view")
    return needed if permission in needed else [*needed, permission]


def _steps(
    needed: list[str], held: list[HeldGrant], own_as: str | None, thing: Thing, scopes: frozenset[str]
) -> list[Step]:
    allowed = [(grant, effective(frozenset(grant.permissions), scopes)) for grant in held]

    def giving(permission: str) -> list[HeldGrant]:
        return [grant for grant, permissions in allowed if permission in permissions]

    def step(permission: str) -> Step:
        is_own = own_as is not None and permission == f"{thing.kind}.view"
        return Step(permission, giving(permission), giving(f"{permission}_own"), is_own)

    return [step(permission) for permission in needed]


def _reason(user_id: int, person: Any, steps: list[Step], held: list[HeldGrant]) -> str | None:
    account = db.session.get(User, user_id)
    if person.status != "active" or account is None or account.deactivated_at is not None:
        return "deactivated"
    failed = next((step for step in steps if not step.granted), None)
    if failed is None:
        return None
    if not held:
        return "no_role_here"
    return "only_own" if failed.own_grants else "roles_lack_it"


def _remedies(actor: Actor, needed: list[str], thing: Thing) -> list[Remedy]:
    """The roles that hold all of it, each with those who can give it where the thing lies."""
    holding = (
        select(func.count())
        .where(AccessPermission.application_instance_id == actor.tenant_id)
        .where(AccessPermission.access_role_id == AccessRole.id, AccessPermission.permission.in_(needed))
        .scalar_subquery()
    )
    roles = (
        select(AccessRole.id, AccessRole.name)
        .where(AccessRole.application_instance_id == actor.tenant_id, holding == len(needed))
        .order_by(AccessRole.name)
        .limit(50)
    )
    givers = givers_in_place(actor, program_id=thing.program_id, task_id=thing.task_id)
    return [
        Remedy(role.id, role.name, [giver.name for giver in givers if giver.every or role.id in giver.role_ids])
        for role in db.session.execute(roles)
    ]
