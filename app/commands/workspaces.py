"""Save which pages stand beside each other, change it, share it, begin with it, or forget it. Only its owner may."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.core.actor import Actor
from app.core.announcing import announce, announce_own
from app.core.audit import record
from app.core.database import db
from app.core.errors import Forbidden
from app.core.permissions import expect_version, fetch, require
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.workspaces import SHARED, Workspace, WorkspaceDefault
from app.schemas.workspaces import NewWorkspace, WorkspaceChanges


@command
def create_workspace(actor: Actor, new: NewWorkspace) -> Workspace:
    """Save a layout. Raises Invalid where the person has one of this name, Forbidden for sharing it without leave."""
    require(actor, "workspace.update")
    if new.visibility == SHARED:
        require(actor, "workspace.share")
    values = new.model_dump() | {"panels": list(new.panels), "widths": list(new.widths)}
    workspace = Workspace(application_instance_id=actor.tenant_id, user_id=actor.user_id, **values)
    db.session.add(workspace)
    db.session.flush()
    record(actor, "workspace.created", workspace)
    announce(workspace, "created")
    return workspace


@command
def update_workspace(actor: Actor, workspace_id: UUID, changes: WorkspaceChanges) -> Workspace:
    """Change what was sent and leave the rest. Raises StaleVersion if somebody else was faster, Forbidden."""
    workspace = fetch(actor, Workspace, workspace_id, "workspace.update", lock=True)
    _refuse_unless_own(actor, workspace)
    expect_version(workspace, changes.version)
    values = changes.model_dump(exclude_unset=True, exclude={"version"})
    if values.get("visibility") == SHARED != workspace.visibility:
        require(actor, "workspace.share")
    if "panels" in values:
        values |= {"panels": list(values["panels"]), "widths": list(values.get("widths", ()))}
    for name, value in values.items():
        setattr(workspace, name, list(value) if isinstance(value, tuple) else value)
    if db.session.is_modified(workspace):
        db.session.flush()
        record(actor, "workspace.updated", workspace)
        announce(workspace)
    return workspace


@command
def delete_workspace(actor: Actor, workspace_id: UUID, *, version: int | None = None) -> None:
    """Forget a layout for good. Whoever began with it begins with none."""
    workspace = fetch(actor, Workspace, workspace_id, "workspace.update", lock=True)
    _refuse_unless_own(actor, workspace)
    expect_version(workspace, version)
    here = {"application_instance_id": actor.tenant_id, "workspace_id": workspace.id}
    for default in db.session.scalars(select(WorkspaceDefault).filter_by(**here)):
        db.session.delete(default)
    db.session.flush()
    db.session.delete(workspace)
    db.session.flush()
    record(actor, "workspace.deleted", workspace)
    announce(workspace, "deleted")


@command
def choose_default_workspace(actor: Actor, workspace_id: UUID) -> Workspace:
    """Have a person begin with a workspace, of their own or a shared one."""
    workspace = fetch(actor, Workspace, workspace_id, "workspace.update")
    default = _default(actor)
    if default is not None and default.workspace_id == workspace.id:
        return workspace
    if default is None:
        default = WorkspaceDefault(application_instance_id=actor.tenant_id, user_id=actor.user_id)
        db.session.add(default)
    default.workspace_id = workspace.id
    db.session.flush()
    record(actor, "workspace.default_chosen", workspace)
    _say_own(actor)
    return workspace


@command
def clear_default_workspace(actor: Actor, workspace_id: UUID) -> Workspace:
    """Have a person begin with no workspace, where it was this one."""
    workspace = fetch(actor, Workspace, workspace_id, "workspace.update")
    default = _default(actor)
    if default is not None and default.workspace_id == workspace.id:
        db.session.delete(default)
        db.session.flush()
        record(actor, "workspace.default_cleared", workspace)
        _say_own(actor)
    return workspace


def _refuse_unless_own(actor: Actor, workspace: Workspace) -> None:
    if workspace.user_id != actor.user_id:
        raise Forbidden(phrase("Only whoever saved this workspace can change it. Save one of your own instead."))


def _say_own(actor: Actor) -> None:
    """What somebody begins with is their own: only their pages show it."""
    if actor.user_id is not None:
        announce_own(actor.user_id)


def _default(actor: Actor) -> WorkspaceDefault | None:
    here = {"application_instance_id": actor.tenant_id, "user_id": actor.user_id}
    return db.session.scalar(select(WorkspaceDefault).filter_by(**here))
