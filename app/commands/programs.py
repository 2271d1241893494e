"""Make, change, delete and restore programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core import clock
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.database import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.permissions import expect_version, fetch, require_in
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.programs import Program
from app.queries.access import roles_given_by, roles_held_by_place
from app.schemas.programs import NewProgram, ProgramChanges


@command
def create_program(actor: Actor, new: NewProgram) -> Program:
    """Make a program, perhaps in another. Raises Invalid where its key is taken or the other is not there."""
    require_in(actor, "program.create", new.parent_id)
    if new.parent_id is not None:
        _parent(actor, new.parent_id, "program.create")
    program = Program(application_instance_id=actor.tenant_id, **new.model_dump())
    db.session.add(program)
    db.session.flush()
    record(actor, "program.created", program)
    announce(program, "created")
    return program


@command
def update_program(
    actor: Actor, program_id: UUID, changes: ProgramChanges, *, facts: dict[str, Any] | None = None
) -> Program:
    """Change what was sent and leave the rest. Raises StaleVersion if somebody else was faster.

    To put it into another program is to give and take the roles that hold there, and needs what that needs. `facts` are
    what the trail has to tell beside the change.
    """
    program = fetch(actor, Program, program_id, "program.update")
    expect_version(program, changes.version)
    sent = changes.model_dump(exclude_unset=True, exclude={"version"})
    if "parent_id" in sent and sent["parent_id"] != program.parent_id:
        _put_into(actor, program, sent["parent_id"])
    for name, value in sent.items():
        if value is not None:
            setattr(program, name, value)
    if db.session.is_modified(program):
        db.session.flush()
        record(actor, "program.updated", program, facts=facts)
        announce(program)
    return program


@command
def delete_program(actor: Actor, program_id: UUID, *, version: int | None = None) -> Program:
    """Put a program in the trash. Its tasks go out of sight with it, and come back with it."""
    program = fetch(actor, Program, program_id, "program.delete")
    expect_version(program, version)
    program.put_in_trash(by=actor.user_id, at=clock.now())
    db.session.flush()
    record(actor, "program.deleted", program)
    announce(program, "deleted")
    return program


@command
def restore_program(actor: Actor, program_id: UUID, *, version: int | None = None) -> Program:
    """Bring a program back from the trash, with its tasks."""
    program = fetch(actor, Program, program_id, "program.delete", deleted=True)
    expect_version(program, version)
    program.restore()
    db.session.flush()
    record(actor, "program.restored", program)
    announce(program, "created")
    return program


def _put_into(actor: Actor, program: Program, parent_id: UUID | None) -> None:
    """Put a program into another, or on its own (None). Raises Invalid, or Forbidden where roles would change hands."""
    for place in (program.id, program.parent_id, parent_id):
        require_in(actor, "access_grant.create", place)
    if parent_id is not None:
        _parent(actor, parent_id, "program.update")
    before, after = roles_held_by_place(actor, program.parent_id), roles_held_by_place(actor, parent_id)
    changing = {role for grant, role in (before | after).items() if (grant in before) != (grant in after)}
    managed = roles_given_by(actor, program_id=program.id)
    if managed is not None and changing - managed:
        raise Forbidden(
            phrase("Roles that hold there would come to hold here, or end, which yours do not let you give or take.")
        )
    program.parent_id = parent_id


def _parent(actor: Actor, parent_id: UUID, permission: str) -> None:
    try:
        fetch(actor, Program, parent_id, permission)
    except NotFound:
        raise Invalid({"parent_id": phrase("There is no such program.")}) from None
