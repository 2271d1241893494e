"""Programs in JSON."""

from flask import url_for

from app.blueprints.api import api
from app.commands import programs as commands
from app.core.idempotency import once
from app.models.programs import Program
from app.queries import history
from app.queries import programs as queries
from app.schemas.history import EventOut
from app.schemas.programs import NewProgram, ProgramChanges, ProgramOut
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.listing import one_page
from app.web.parsing import (
    idempotent_request,
    if_match,
    read_json,
    read_paging,
    read_parameters,
    with_if_match,
)
from app.web.resources import one_resource
from app.web.responses import nothing


@api.get("/programs")
def list_programs():
    """A page of programs."""
    given = read_parameters("cursor", "limit", "fields")
    page = queries.list_programs(current_actor(), read_paging(given))
    rows = with_fields(given, ProgramOut, [ProgramOut.of(row) for row in page.rows])
    return one_page(page, rows, given)


@api.post("/programs")
def create_program():
    """Make a program."""
    actor, new = current_actor(), read_json(NewProgram)
    program = once(actor, idempotent_request(), Program, lambda: commands.create_program(actor, new))
    return _one(program, status=201, location=url_for(".get_program", program_id=program.id))


@api.get("/programs/<uuid:program_id>")
def get_program(program_id):
    """One program."""
    given = read_parameters("fields")
    program = queries.get_program(current_actor(), program_id)
    return _one(program, given=given)


@api.patch("/programs/<uuid:program_id>")
def update_program(program_id):
    """Change a program."""
    changes = with_if_match(read_json(ProgramChanges))
    return _one(commands.update_program(current_actor(), program_id, changes))


@api.delete("/programs/<uuid:program_id>")
def delete_program(program_id):
    """Put a program in the trash."""
    commands.delete_program(current_actor(), program_id, version=if_match())
    return nothing()


@api.post("/programs/<uuid:program_id>/restore")
def restore_program(program_id):
    """Bring a program back from the trash, with its tasks."""
    return _one(commands.restore_program(current_actor(), program_id, version=if_match()))


@api.get("/programs/<uuid:program_id>/history")
def program_history(program_id):
    """The audit trail of a program."""
    actor, given = current_actor(), read_parameters("cursor", "limit")
    queries.get_program(actor, program_id)
    page = history.program_history(actor, program_id, read_paging(given))
    return one_page(page, [EventOut.of(event) for event in page.rows], given)


def _one(program, **told):
    return one_resource(ProgramOut.of(program), **told)
