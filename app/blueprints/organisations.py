"""The settings of an organisation, and closing it."""

from flask import Blueprint, current_app, url_for

from app.commands import organisations as commands
from app.core.errors import Invalid, StaleVersion
from app.core.parsing import parse
from app.core.permissions import require
from app.queries import organisations as queries
from app.schemas.locales import time_zones
from app.schemas.organisations import Closing, OrganisationChanges, currencies
from app.web.actors import carry_on_in, current_actor
from app.web.conflicts import conflict_of
from app.web.dates import locale_choices, plain_day
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.languages import translated as _
from app.web.parsing import form_values, read_form
from app.web.responses import Said, Undo, go_on, leave, show
from app.web.session_choices import idle_choices, lasting_choices

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
        organisation = commands.update_organisation(actor, _changes(given))
    except Invalid as refused:
        return _form(queries.get_organisation(actor), given, errors=refused.fields, status=422)
    except StaleVersion:
        organisation = queries.get_organisation(actor)
        return _form(organisation, given, conflict=conflict_of(organisation, given), status=409)
    looks_other = (actor.tenant.name, actor.tenant.locale) != (organisation.name, organisation.locale)  # the frame, too
    carry_on_in(organisation)
    return (leave if looks_other else go_on)(url_for(".edit"), Said(_("Changes saved.")))


@bp.get("/settings/close")
def confirm_close():
    """Ask before the organisation is closed."""
    require(current_actor(), "application_instance.delete")
    return show("organisations/close.html", values={}, errors={})


@bp.post("/settings/closing")
@needs_fresh_sign_in
def close():
    """Have the organisation closed in thirty days."""
    try:
        closing = commands.close_organisation(current_actor(), read_form(Closing))
    except Invalid as refused:
        require(current_actor(), "application_instance.delete")
        return show("organisations/close.html", status=422, values=form_values(), errors=refused.fields)
    day = plain_day(closing.closes_at)
    said = Said(
        _("It closes on {day}. Until then you can keep it.").format(day=day), Undo(url_for(".keep")), "attention"
    )
    return go_on(url_for(".edit"), said)


@bp.post("/settings/keeping")
def keep():
    """Keep an organisation that was to be closed."""
    kept = commands.keep_organisation(current_actor())
    return go_on(url_for(".edit"), Said(_("{organisation} stays.").format(organisation=kept.name)))


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
    bounds = current_app.config["SETTINGS"].session_bounds
    return show(
        "organisations/edit.html",
        status=status,
        organisation=organisation,
        values=values,
        errors=errors or {},
        conflict=conflict,
        time_zones=time_zones(),
        locales=locale_choices(),
        currencies=currencies(),
        idle_choices=idle_choices(bounds, values.get("session_idle_minutes")),
        lasting_choices=lasting_choices(bounds, values.get("session_hours")),
    )
