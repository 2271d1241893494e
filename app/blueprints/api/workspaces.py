"""Saved workspaces in JSON."""

from flask import url_for

from app.blueprints.api import api
from app.commands import workspaces as commands
from app.core.idempotency import once
from app.models.workspaces import Workspace
from app.queries import workspaces as queries
from app.schemas.workspaces import NewWorkspace, WorkspaceChanges, WorkspaceOut
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.listing import one_page
from app.web.parsing import (
    idempotent_request,
    if_match,
    read_json,
    read_nothing,
    read_paging,
    read_parameters,
    with_if_match,
)
from app.web.resources import one_resource
from app.web.responses import nothing


@api.get("/workspaces")
def list_workspaces():
    """A page of the workspaces that one may open."""
    given = read_parameters("cursor", "limit", "fields")
    page = queries.list_workspaces(current_actor(), read_paging(given))
    return one_page(page, with_fields(given, WorkspaceOut, [WorkspaceOut.of(row) for row in page.rows]), given)


@api.post("/workspaces")
def create_workspace():
    """Save a workspace."""
    actor, new = current_actor(), read_json(NewWorkspace)
    workspace = once(actor, idempotent_request(), Workspace, lambda: commands.create_workspace(actor, new))
    return _one(workspace, status=201, location=url_for(".get_workspace", workspace_id=workspace.id))


@api.get("/workspaces/<uuid:workspace_id>")
def get_workspace(workspace_id):
    """One workspace."""
    given = read_parameters("fields")
    return _one(queries.get_workspace(current_actor(), workspace_id), given=given)


@api.patch("/workspaces/<uuid:workspace_id>")
def update_workspace(workspace_id):
    """Change a workspace."""
    changes = with_if_match(read_json(WorkspaceChanges))
    return _one(commands.update_workspace(current_actor(), workspace_id, changes))


@api.delete("/workspaces/<uuid:workspace_id>")
def delete_workspace(workspace_id):
    """Forget a workspace."""
    commands.delete_workspace(current_actor(), workspace_id, version=if_match())
    return nothing()


@api.post("/workspaces/<uuid:workspace_id>/default")
def choose_default_workspace(workspace_id):
    """Begin with a workspace."""
    read_nothing()
    return _one(commands.choose_default_workspace(current_actor(), workspace_id))


@api.delete("/workspaces/<uuid:workspace_id>/default")
def clear_default_workspace(workspace_id):
    """Begin with no workspace, where it was this one."""
    commands.clear_default_workspace(current_actor(), workspace_id)
    return nothing()


def _one(workspace, **told):
    return one_resource(WorkspaceOut.of(workspace), **told)
