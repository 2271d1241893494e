"""The settings of an organisation."""

from flask import Blueprint, url_for

from app.commands import organisations as commands
from app.core.errors import Invalid, StaleVersion
from app.core.parsing import parse
from app.queries import organisations as queries
from app.schemas.organisations import OrganisationChanges, currencies, time_zones
from app.web.conflicts import conflict_of
from app.web.parsing import form_values
from app.web.responses import Said, go_on, show
from app.web.sign_in import current_actor
from app.web.templating import translated as _

bp = Blueprint("organisations", __name__)

DAYS = {f"day.{number}": number for number in range(1, 8)}


@bp.get("/settings")
def edit():
    """The settings."""
    organisation = queries.get_organisation(current_actor())
    values = {name: getattr(organisation, name) for name in OrganisationChanges.model_fields}
    return _form(organisation, values)


@bp.post("/settings")
def update():
    """Change the settings."""
    actor, given = current_actor(), _given()
    try:
        commands.update_organisation(actor, _changes(given))
    except Invalid as refused:
        return _form(queries.get_organisation(actor), given, errors=refused.fields, status=422)
    except StaleVersion:
        organisation = queries.get_organisation(actor)
        return _form(organisation, given, conflict=conflict_of(organisation, given), status=409)
    return go_on(url_for(".edit"), Said(_("Changes saved.")))


def _given():
    """The fields of the form, with the days that are ticked as one of them."""
    values = form_values()
    days = tuple(number for name, number in DAYS.items() if values.pop(name, None))
    return values | {"working_days": days}


def _changes(given):
    """What the form asks for. Nothing in it can be emptied."""
    emptied = {name: _("This is required.") for name, value in given.items() if value in ("", ())}
    if emptied:
        raise Invalid(emptied)
    return parse(OrganisationChanges, given, typed=False)


def _form(organisation, values, *, errors=None, conflict=None, status=200):
    return show(
        "organisations/edit.html",
        status=status,
        organisation=organisation,
        values=values,
        errors=errors or {},
        conflict=conflict,
        time_zones=time_zones(),
        currencies=currencies(),
    )
