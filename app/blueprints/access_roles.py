"""Roles: all of them side by side, and one by one to show, make, change and delete."""

from flask import Blueprint, url_for

from app.commands import access_roles as commands
from app.core.errors import Conflict, Forbidden, Invalid, StaleVersion
from app.core.permissions import require
from app.queries import access_roles as queries
from app.queries.access import roles_given_by
from app.schemas.access_roles import AccessRoleChanges, NewAccessRole
from app.web import access_role_pages as pages
from app.web.actors import current_actor
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.languages import translated as _
from app.web.parsing import form_values, read_parameters, uuid_parameter
from app.web.responses import Said, go_on, show

bp = Blueprint("access_roles", __name__)


@bp.get("/roles")
def index():
    """All roles side by side, with what each allows."""
    roles = queries.list_access_roles(current_actor())
    return show(
        "access_roles/index.html",
        "access_roles/_list.html",
        roles=roles,
        sections=pages.matrix(roles),
        gives=pages.given_by(roles),
    )


@bp.get("/roles/new")
def new():
    """The form for a new role, empty or like another."""
    actor = current_actor()
    require(actor, "access_role.update")
    like = uuid_parameter(read_parameters("like"), "like")
    if like is None:
        return _form(actor, None, {})
    return _form(actor, None, pages.like_another(queries.get_access_role(actor, like), actor, roles_given_by(actor)))


@bp.post("/roles")
def create():
    """Make a role."""
    actor, values = current_actor(), form_values()
    require(actor, "access_role.update")
    try:
        role = commands.create_access_role(actor, pages.read_role(NewAccessRole, values))
    except Invalid as refused:
        return _form(actor, None, values, errors=refused.fields, status=422)
    return go_on(url_for(".show", access_role_id=role.id), Said(_("Role created. Nobody has it yet.")))


@bp.get("/roles/<uuid:access_role_id>", endpoint="show")
def show_role(access_role_id):
    """One role: what it allows, which roles it may give, and where it is in use."""
    actor = current_actor()
    roles = queries.list_access_roles(actor)
    role = queries.get_access_role(actor, access_role_id)
    return show(
        "access_roles/show.html",
        "access_roles/_role.html",
        role=role,
        sections=pages.matrix([role]),
        gives=pages.given_by(roles)[role.id],
        given_by=[each for each in roles if each.manages_every_role or role.id in each.managed_role_ids],
        differences=pages.differences(role),
        may_change=actor.may("access_role.update") and not role.manages_every_role and _manages(actor, role),
    )


@bp.get("/roles/<uuid:access_role_id>/edit")
def edit(access_role_id):
    """The form to change a role."""
    actor = current_actor()
    role = queries.get_access_role(actor, access_role_id)
    require(actor, "access_role.update")
    if role.manages_every_role:
        raise Conflict(_("This role keeps everything, so that somebody can always mend the organisation."))
    if not _manages(actor, role):
        raise Forbidden(_("Your roles do not manage this role: you can neither change nor delete it."))
    return _form(actor, role, pages.as_values(role))


@bp.post("/roles/<uuid:access_role_id>")
@needs_fresh_sign_in
def update(access_role_id):
    """Change a role."""
    actor, values = current_actor(), form_values()
    try:
        commands.update_access_role(actor, access_role_id, pages.read_role(AccessRoleChanges, values))
    except Invalid as refused:
        role = queries.get_access_role(actor, access_role_id)
        return _form(actor, role, values, errors=refused.fields, status=422)
    except StaleVersion:
        role = queries.get_access_role(actor, access_role_id)
        return _form(actor, role, values, conflict=pages.conflict_of_role(role, values), status=409)
    return go_on(url_for(".show", access_role_id=access_role_id), Said(_("Changes saved.")))


@bp.get("/roles/<uuid:access_role_id>/delete")
def confirm_delete(access_role_id):
    """Ask before a role goes: there is no way back."""
    actor = current_actor()
    role = queries.get_access_role(actor, access_role_id)
    require(actor, "access_role.update")
    return show("access_roles/delete.html", role=role)


@bp.post("/roles/<uuid:access_role_id>/deletion")
@needs_fresh_sign_in
def delete(access_role_id):
    """Delete a role that nobody has."""
    commands.delete_access_role(current_actor(), access_role_id)
    return go_on(url_for(".index"), Said(_("Role deleted.")))


def _manages(actor, role):
    managed = roles_given_by(actor)
    return managed is None or role.id in managed


def _form(actor, role, values, *, errors=None, conflict=None, status=200):
    roles = queries.list_access_roles(actor)
    return show(
        "access_roles/edit.html" if role else "access_roles/new.html",
        "access_roles/_form.html",
        status=status,
        role=role,
        values=values,
        kinds=pages.choices(actor, values),
        roles=pages.roles_to_give(roles, roles_given_by(actor), values),
        errors={name.partition(".")[0]: told for name, told in (errors or {}).items()},
        conflict=conflict,
    )
