"""Roles: who may do what in a place, and giving and taking roles there, or on the page of a person or group."""

from dataclasses import replace

from flask import Blueprint

from app.commands import access_grants as commands
from app.core.errors import Forbidden, Invalid, NotFound
from app.queries.identity import has_same_rights
from app.schemas.access_grants import NewAccessGrant
from app.web.access_pages import access_by_group, access_by_person, access_in_program, access_on_task
from app.web.actors import current_actor
from app.web.dangerous_acts import gives_power, takes_power
from app.web.fresh_sign_in import needs_fresh_sign_in_where
from app.web.languages import translated as _
from app.web.parsing import form_values, read_form
from app.web.responses import Said, Undo, done, leave, show

bp = Blueprint("access_grants", __name__)

PAGE, FRAGMENT = "access_grants/show.html", "access_grants/_grants.html"


@bp.get("/programs/<uuid:program_id>/access")
def program(program_id):
    """Who may do what in a program."""
    return show(PAGE, FRAGMENT, access=access_in_program(current_actor(), program_id))


@bp.get("/tasks/<uuid:task_id>/access")
def task(task_id):
    """Who may do what on a task."""
    return show(PAGE, FRAGMENT, access=access_on_task(current_actor(), task_id))


@bp.post("/programs/<uuid:program_id>/access")
@needs_fresh_sign_in_where(gives_power)
def give_in_program(program_id):
    """Give a role in a program."""
    return _give(access_in_program, program_id, program_id=str(program_id))


@bp.post("/tasks/<uuid:task_id>/access")
@needs_fresh_sign_in_where(gives_power)
def give_on_task(task_id):
    """Give a role on a task."""
    return _give(access_on_task, task_id, task_id=str(task_id))


@bp.post("/people/<int(max=9007199254740991):user_id>/roles")
@needs_fresh_sign_in_where(gives_power)
def give_to_person(user_id):
    """Give a person a role."""
    return _give(access_by_person, user_id, user_id=str(user_id))


@bp.post("/groups/<uuid:group_id>/roles")
@needs_fresh_sign_in_where(gives_power)
def give_to_group(group_id):
    """Give a group a role."""
    return _give(access_by_group, group_id, user_group_id=str(group_id))


@bp.post("/programs/<uuid:program_id>/access/<uuid:grant_id>/deletion")
@needs_fresh_sign_in_where(takes_power)
def take_in_program(program_id, grant_id):
    """Take away a role in a program."""
    return _take(access_in_program, program_id, grant_id)


@bp.post("/tasks/<uuid:task_id>/access/<uuid:grant_id>/deletion")
@needs_fresh_sign_in_where(takes_power)
def take_on_task(task_id, grant_id):
    """Take away a role on a task."""
    return _take(access_on_task, task_id, grant_id)


@bp.post("/people/<int(max=9007199254740991):user_id>/roles/<uuid:grant_id>/deletion")
@needs_fresh_sign_in_where(takes_power)
def take_from_person(user_id, grant_id):
    """Take a role away from a person."""
    return _take(access_by_person, user_id, grant_id)


@bp.post("/groups/<uuid:group_id>/roles/<uuid:grant_id>/deletion")
@needs_fresh_sign_in_where(takes_power)
def take_from_group(group_id, grant_id):
    """Take a role away from a group."""
    return _take(access_by_group, group_id, grant_id)


def _give(access_of, subject_id, **fixed):
    """Give a role and show the page as it is then. What it is given for or to stands in the address."""
    actor = current_actor()
    before = _access(access_of, actor, subject_id)
    try:
        grant_id = commands.create_access_grant(actor, read_form(NewAccessGrant, **fixed)).id
    except (Invalid, Forbidden) as refused:
        if not before.roles:  # there is no form to come back to
            raise
        errors = refused.fields if isinstance(refused, Invalid) else {"_": refused.message}
        shown = replace(before, values=form_values(), errors=errors)
        return show(PAGE, FRAGMENT, status=refused.status, access=shown)
    after = _access(access_of, actor, subject_id)
    row = next(each for each in after.rows if each.id == grant_id)
    is_new = all(each.id != grant_id for each in before.rows)
    undo = Undo(row.take_url) if is_new and row.take_url else None
    said = Said(_("{name} has the role “{role}”.").format(name=row.holder, role=row.role), undo)
    return done(FRAGMENT, to=after.back, said=said, access=after)


def _take(access_of, subject_id, grant_id):
    """Take a role away and show the page as it is then. Only what the page shows as its own is taken by it."""
    actor = current_actor()
    before = _access(access_of, actor, subject_id)
    row = next((each for each in before.rows if each.id == grant_id and each.fields), None)
    if row is None:
        raise NotFound
    was_own = commands.delete_access_grant(actor, grant_id)
    undo = None if row.is_mine else Undo(before.url, row.fields)
    said = Said(_("The role “{role}” was taken away from {name}.").format(name=row.holder, role=row.role), undo)
    if was_own and not has_same_rights(actor):  # what one may do here has to be found out anew
        return leave(before.back, said)
    return done(FRAGMENT, to=before.back, said=said, access=_access(access_of, actor, subject_id))


def _access(access_of, actor, subject_id):
    access = access_of(actor, subject_id)
    if access is None:
        raise NotFound
    return access
