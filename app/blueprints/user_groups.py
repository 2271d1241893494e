"""Groups: list, make, show, change, delete; who is in them, and which roles they bring."""

from flask import Blueprint, url_for

from app.commands import user_groups as commands
from app.core.errors import Invalid, StaleVersion
from app.core.permissions import require
from app.queries import user_groups as queries
from app.queries.access import grants_of_group
from app.queries.users import people_choices
from app.schemas.user_groups import NewUserGroup, NewUserGroupMember, UserGroupChanges
from app.web.access_pages import access_of_group
from app.web.actors import current_actor
from app.web.conflicts import conflict_of
from app.web.dangerous_acts import group_brings_power
from app.web.fresh_sign_in import needs_fresh_sign_in_where
from app.web.languages import translated as _
from app.web.listing import page_context
from app.web.parsing import form_values, read_changes, read_form, read_paging, read_parameters
from app.web.responses import Said, go_on, show

bp = Blueprint("user_groups", __name__)


@bp.get("/groups")
def index():
    """All groups."""
    page = queries.list_user_groups(current_actor(), read_paging(read_parameters("cursor", "limit")))
    return show("user_groups/index.html", "user_groups/_list.html", page=page_context(page))


@bp.get("/groups/new")
def new():
    """The form for a new group."""
    require(current_actor(), "user_group.update")
    return show("user_groups/new.html", "user_groups/_form.html", values={}, errors={})


@bp.post("/groups")
def create():
    """Make a group."""
    try:
        group = commands.create_user_group(current_actor(), read_form(NewUserGroup))
    except Invalid as refused:
        wrong = {"values": form_values(), "errors": refused.fields}
        return show("user_groups/new.html", "user_groups/_form.html", status=422, **wrong)
    return go_on(url_for(".show", group_id=group.id), Said(_("Group created.")))


@bp.get("/groups/<uuid:group_id>", endpoint="show")
def show_group(group_id):
    """One group: who is in it, and which roles it brings."""
    return _page(group_id)


@bp.get("/groups/<uuid:group_id>/edit")
def edit(group_id):
    """The form to change a group."""
    actor = current_actor()
    group = queries.get_user_group(actor, group_id)
    require(actor, "user_group.update")
    return _form(group, {"name": group.name, "description": group.description, "version": group.version})


@bp.post("/groups/<uuid:group_id>")
def update(group_id):
    """Change a group."""
    actor = current_actor()
    try:
        commands.update_user_group(actor, group_id, read_changes(UserGroupChanges, empty={"description": ""}))
    except Invalid as refused:
        group = queries.get_user_group(actor, group_id)
        return _form(group, form_values(), errors=refused.fields, status=422)
    except StaleVersion:
        group = queries.get_user_group(actor, group_id)
        return _form(group, form_values(), conflict=conflict_of(group, form_values()), status=409)
    return go_on(url_for(".show", group_id=group_id), Said(_("Changes saved.")))


@bp.get("/groups/<uuid:group_id>/delete")
def confirm_delete(group_id):
    """Ask before a group goes: there is no way back."""
    actor = current_actor()
    group = queries.get_user_group(actor, group_id)
    require(actor, "user_group.update")
    grants = [grant for grant in grants_of_group(actor, group_id) if grant.user_group_id == group_id]
    return show("user_groups/delete.html", group=group, grants=grants)


@bp.post("/groups/<uuid:group_id>/deletion")
@needs_fresh_sign_in_where(group_brings_power)
def delete(group_id):
    """Delete a group."""
    commands.delete_user_group(current_actor(), group_id)
    return go_on(url_for(".index"), Said(_("Group deleted. Who was in it has lost the roles that it brought.")))


@bp.post("/groups/<uuid:group_id>/members")
@needs_fresh_sign_in_where(group_brings_power)
def add_member(group_id):
    """Put a person or a group into a group."""
    try:
        commands.add_user_group_member(current_actor(), group_id, read_form(NewUserGroupMember))
    except Invalid as refused:
        return _page(group_id, errors=refused.fields, status=422)
    return go_on(url_for(".show", group_id=group_id), Said(_("Put into the group.")))


@bp.post("/groups/<uuid:group_id>/members/<uuid:member_id>/deletion")
@needs_fresh_sign_in_where(group_brings_power)
def remove_member(group_id, member_id):
    """Take a person or a group out of a group."""
    commands.remove_user_group_member(current_actor(), group_id, member_id)
    return go_on(url_for(".show", group_id=group_id), Said(_("Taken out of the group.")))


def _page(group_id, *, errors=None, status=200):
    actor = current_actor()
    group = queries.get_user_group(actor, group_id)
    members = queries.list_user_group_members(actor, group_id, read_paging(read_parameters("cursor", "limit")))
    may_change = actor.may("user_group.update")
    taken = queries.taken_in_group(actor, group_id) if may_change else set()
    return show(
        "user_groups/show.html",
        "user_groups/_group.html",
        status=status,
        group=group,
        page=page_context(members),
        around=queries.groups_around(actor, group_id),
        access=access_of_group(actor, group),
        people=[each for each in people_choices(actor) if each.id not in taken] if may_change else [],
        groups=[each for each in queries.user_group_choices(actor) if each.id not in taken] if may_change else [],
        errors=errors or {},
    )


def _form(group, values, *, errors=None, conflict=None, status=200):
    return show(
        "user_groups/edit.html",
        "user_groups/_form.html",
        status=status,
        group=group,
        values=values,
        errors=errors or {},
        conflict=conflict,
    )
