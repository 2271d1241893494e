"""Roles in JSON, and what there is to allow."""

from flask import url_for

from app.blueprints.api import api
from app.commands import access_roles as commands
from app.core.idempotency import once
from app.core.permissions import require_somewhere
from app.core.roles import PERMISSIONS
from app.core.transaction import answering
from app.models.access_roles import AccessRole
from app.queries import access_roles as queries
from app.schemas.access_roles import AccessPermissionOut, AccessRoleChanges, AccessRoleOut, NewAccessRole
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.parsing import idempotent_request, if_match, read_json, read_parameters, with_if_match
from app.web.resources import one_resource
from app.web.responses import data, nothing


@api.get("/access-roles")
def list_access_roles():
    """Every role."""
    given = read_parameters("fields")
    roles = [AccessRoleOut.of(role) for role in queries.list_access_roles(current_actor())]
    return data(with_fields(given, AccessRoleOut, roles))


@api.post("/access-roles")
def create_access_role():
    """Make a role."""
    actor, new = current_actor(), read_json(NewAccessRole)
    with answering(actor):
        role = once(actor, idempotent_request(), AccessRole, lambda: commands.create_access_role(actor, new))
        return _one(actor, role.id, status=201, location=url_for(".get_access_role", access_role_id=role.id))


@api.get("/access-roles/<uuid:access_role_id>")
def get_access_role(access_role_id):
    """One role."""
    return _one(current_actor(), access_role_id, given=read_parameters("fields"))


@api.patch("/access-roles/<uuid:access_role_id>")
def update_access_role(access_role_id):
    """Change a role, what it allows too."""
    actor, changes = current_actor(), with_if_match(read_json(AccessRoleChanges))
    commands.update_access_role(actor, access_role_id, changes)
    return _one(actor, access_role_id)


@api.delete("/access-roles/<uuid:access_role_id>")
def delete_access_role(access_role_id):
    """Delete a role that nobody has."""
    commands.delete_access_role(current_actor(), access_role_id, version=if_match())
    return nothing()


@api.get("/access-permissions")
def list_access_permissions():
    """Everything that a role can allow."""
    read_parameters()
    require_somewhere(current_actor(), "access_role.view")
    return data(
        [
            AccessPermissionOut(permission=name, kind=name.partition(".")[0], description=about)
            for name, about in PERMISSIONS.items()
        ]
    )


def _one(actor, role_id, **told):
    return one_resource(AccessRoleOut.of(queries.get_access_role(actor, role_id)), **told)
