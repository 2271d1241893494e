"""Groups in JSON, and who is in them."""

from flask import url_for

from app.blueprints.api import api
from app.commands import user_groups as commands
from app.core.idempotency import once
from app.models.user_groups import UserGroup, UserGroupMember
from app.queries import user_groups as queries
from app.schemas.user_groups import (
    NewUserGroup,
    NewUserGroupMember,
    UserGroupChanges,
    UserGroupMemberOut,
    UserGroupOut,
)
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
from app.web.responses import data, nothing


@api.get("/user-groups")
def list_user_groups():
    """A page of groups."""
    given = read_parameters("cursor", "limit", "fields")
    page = queries.list_user_groups(current_actor(), read_paging(given))
    return one_page(page, with_fields(given, UserGroupOut, [UserGroupOut.of(row) for row in page.rows]), given)


@api.post("/user-groups")
def create_user_group():
    """Make a group."""
    actor, new = current_actor(), read_json(NewUserGroup)
    group = once(actor, idempotent_request(), UserGroup, lambda: commands.create_user_group(actor, new))
    return _one(group, status=201, location=url_for(".get_user_group", group_id=group.id))


@api.get("/user-groups/<uuid:group_id>")
def get_user_group(group_id):
    """One group."""
    given = read_parameters("fields")
    return _one(queries.get_user_group(current_actor(), group_id), given=given)


@api.patch("/user-groups/<uuid:group_id>")
def update_user_group(group_id):
    """Change a group."""
    changes = with_if_match(read_json(UserGroupChanges))
    return _one(commands.update_user_group(current_actor(), group_id, changes))


@api.delete("/user-groups/<uuid:group_id>")
def delete_user_group(group_id):
    """Delete a group, with the roles that were given to it."""
    commands.delete_user_group(current_actor(), group_id, version=if_match())
    return nothing()


@api.get("/user-groups/<uuid:group_id>/members")
def list_user_group_members(group_id):
    """A page of who is in a group."""
    given = read_parameters("cursor", "limit")
    page = queries.list_user_group_members(current_actor(), group_id, read_paging(given))
    return one_page(page, [UserGroupMemberOut.of(row) for row in page.rows], given)


@api.post("/user-groups/<uuid:group_id>/members")
def add_user_group_member(group_id):
    """Put a person or a group into a group."""
    actor, new = current_actor(), read_json(NewUserGroupMember)
    member = once(
        actor,
        idempotent_request(),
        UserGroupMember,
        lambda: commands.add_user_group_member(actor, group_id, new),
    )
    return data(UserGroupMemberOut.of(member), status=201)


@api.delete("/user-groups/<uuid:group_id>/members/<uuid:member_id>")
def remove_user_group_member(group_id, member_id):
    """Take a person or a group out of a group."""
    commands.remove_user_group_member(current_actor(), group_id, member_id)
    return nothing()


def _one(group, **told):
    return one_resource(UserGroupOut.of(group), **told)
