"""Make, change, delete and restore programs."""

from __future__ import annotations

from uuid import UUID

from app.core import clock
from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.database import db
from app.core.permissions import expect_version, fetch, require
from app.core.transaction import command
from app.models.programs import Program
from app.schemas.programs import NewProgram, ProgramChanges


@command
def create_program(actor: Actor, new: NewProgram) -> Program:
    """Make a program. Raises Invalid where its key is taken."""
    require(actor, "program.create")
    program = Program(application_instance_id=actor.tenant_id, **new.model_dump())
    db.session.add(program)
    db.session.flush()
    record(actor, "program.created", program)
    announce(program, "created")
    return program


@command
def update_program(actor: Actor, program_id: UUID, changes: ProgramChanges) -> Program:
    """Change what was sent and leave the rest. Raises StaleVersion if somebody else was faster."""
    program = fetch(actor, Program, program_id, "program.update")
    expect_version(program, changes.version)
    for name, value in changes.model_dump(exclude_unset=True, exclude={"version"}).items():
        if value is not None:
            setattr(program, name, value)
    if db.session.is_modified(program):
        db.session.flush()
        record(actor, "program.updated", program)
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
def restore_program(actor: Actor, program_id: UUID) -> Program:
    """Bring a program back from the trash, with its tasks."""
    program = fetch(actor, Program, program_id, "program.delete", deleted=True)
    program.restore()
    db.session.flush()
    record(actor, "program.restored", program)
    announce(program, "created")
    return program
