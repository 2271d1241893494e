"""Explain access: why somebody may do something, or may not."""

from flask import Blueprint

from app.core.errors import Invalid
from app.core.permissions import require_somewhere
from app.queries.programs import program_choices
from app.web import access_explanation_pages as pages
from app.web.actors import current_actor
from app.web.parsing import read_parameters
from app.web.responses import show

bp = Blueprint("access_explanation", __name__)


@bp.get("/access")
def index():
    """Ask about a person, a thing and a permission, and read the answer."""
    actor = current_actor()
    require_somewhere(actor, "access_role.view")
    given = read_parameters(*pages.PARAMETERS)
    errors, found = {}, None
    try:
        found = pages.answer(actor, given)
    except Invalid as refused:
        errors = refused.fields
    return show(
        "access_explanation/index.html",
        "access_explanation/_answer.html",
        status=422 if errors else 200,
        found=None if found is None else pages.told(found),
        values=given if found is None else given | {"thing": found.thing.number},  # a link says it by its id
        errors=errors,
        people=pages.people(actor, given),
        permissions=pages.permissions(),
        keys=pages.keys(actor, given),
        programs=program_choices(actor, "program.view") if actor.may_somewhere("program.view") else [],
    )
