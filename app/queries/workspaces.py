"""Saved workspaces, as lists and pages need them: one's own, and those that are shared."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, false, func, select

from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.errors import NotFound
from app.core.paging import Listing, Page, Paging
from app.core.permissions import in_sight, require_somewhere, sight_of
from app.models.users import User
from app.models.workspaces import Workspace, WorkspaceDefault

_WORKSPACES = (
    select(
        Workspace.id,
        Workspace.user_id,
        Workspace.name,
        Workspace.panels,
        Workspace.widths,
        Workspace.visibility,
        Workspace.version,
        Workspace.created_at,
        Workspace.updated_at,
        User.name.label("user_name"),
        WorkspaceDefault.id.is_not(None).label("is_default"),
    )
    .join(User, User.user_id == Workspace.user_id)
    .outerjoin(
        WorkspaceDefault,
        (WorkspaceDefault.workspace_id == Workspace.id) & (WorkspaceDefault.user_id == bindparam("person")),
    )
    .where(Workspace.application_instance_id == bindparam("tenant"))
)
MOST_CHOICES = 50  # that a menu offers; the list has the others


def list_workspaces(actor: Actor, paging: Paging) -> Page[Any]:
    """A page of the workspaces that somebody may open, the newest first, with whose they are. One query."""
    sight = in_sight(actor, Workspace)
    seen = _WORKSPACES if sight is None else _WORKSPACES.where(sight)
    return Listing(seen, Workspace.id).page(db.session, paging, values=_values(actor))


def workspace_choices(actor: Actor) -> list[Any]:
    """The workspaces that a menu offers, one's own before those of others; none for who may not have any. One query."""
    if not _may_have_some(actor):
        return []
    mine = Workspace.user_id == bindparam("person")
    query = _seen(actor).order_by(mine.desc(), func.lower(Workspace.name)).limit(MOST_CHOICES)
    return list(rows_of(db.session, query, _values(actor)))


def get_workspace(actor: Actor, workspace_id: UUID) -> Any:
    """One workspace with whose it is, and whether the actor begins with it. Raises NotFound."""
    require_somewhere(actor, "workspace.view")
    query = _seen(actor).where(Workspace.id == bindparam("workspace"))
    found = rows_of(db.session, query, _values(actor) | {"workspace": workspace_id}).first()
    if found is None:
        raise NotFound
    return found


def default_workspace(actor: Actor) -> Any:
    """The workspace that somebody begins with, or None."""
    if not _may_have_some(actor):
        return None
    query = _seen(actor).where(WorkspaceDefault.id.is_not(None))
    return rows_of(db.session, query, _values(actor)).first()


def _may_have_some(actor: Actor) -> bool:
    return actor.may("workspace.view") or actor.may("workspace.view_own")


def _seen(actor: Actor) -> Select[Any]:
    if not _may_have_some(actor):
        return _WORKSPACES.where(false())
    clause = in_sight(actor, Workspace)
    return _WORKSPACES if clause is None else _WORKSPACES.where(clause)


def _values(actor: Actor) -> dict[str, Any]:
    return {"tenant": actor.tenant_id, "person": actor.user_id} | sight_of(actor, Workspace)
