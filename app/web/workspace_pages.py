"""What the page of a workspace shows: its panels as they are, and what could stand beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from app.core.actor import Actor
from app.core.errors import NotFound
from app.core.paging import Paging
from app.queries.tasks import TaskFilters, list_tasks
from app.queries.workspaces import get_workspace
from app.web import panels
from app.web.languages import translated as _
from app.web.templating import address
from app.web.workspace_layouts import Layout


@dataclass(frozen=True, slots=True)
class Place:
    """A panel as it stands in the page."""

    name: str
    path: str
    width: int | None
    title: Markup
    html: Markup


@dataclass(frozen=True, slots=True)
class Tile:
    """Something that could be shown: its path, and the address of the workspace with it."""

    label: str
    shape: str
    path: str
    url: str


def places_of(layout: Layout) -> list[Place]:
    """Every panel of a layout, rendered."""
    places = []
    for place, path in enumerate(layout.paths):
        panel = layout.panel(place)
        html = panels.rendered(panel)
        places.append(Place(panel.name, path, layout.width_at(place), panels.title_of(html), html))
    return places


def saved_as(actor: Actor, layout: Layout) -> Any:
    """The saved workspace that a layout says it is of, or None where there is none that this person may open."""
    if layout.workspace_id is None:
        return None
    try:
        return get_workspace(actor, layout.workspace_id)
    except NotFound:
        return None


def tiles(actor: Actor, layout: Layout) -> list[Tile]:
    """The pages that one begins with, of those that this person may see."""
    offered = (
        ("task.view", "tasks.index", "list-checks", _("Tasks")),
        ("program.view", "programs.index", "folder", _("Programs")),
        ("certification.view", "certifications.index", "shield-check", _("Certifications")),
        ("policy.view", "policies.index", "scroll-text", _("Policies")),
        ("user.view", "users.index", "users", _("People")),
        ("audit_event.view", "audit_events.index", "history", _("Audit trail")),
    )
    seen = [each for each in offered if actor.may_somewhere(each[0]) or actor.may_somewhere(f"{each[0]}_own")]
    return [_tile(label, shape, address(endpoint), layout) for _may, endpoint, shape, label in seen]


def recent(actor: Actor, layout: Layout) -> list[Tile]:
    """The newest tasks, for an empty workspace. One query."""
    if layout.paths or not (actor.may_somewhere("task.view") or actor.may_somewhere("task.view_own")):
        return []
    rows = list_tasks(actor, TaskFilters(), Paging(size=5)).rows
    pages = ((f"{row.number} {row.name}", address("tasks.show", task_id=row.id)) for row in rows)
    return [_tile(label, "circle-dot", page, layout) for label, page in pages]


def _tile(label: str, shape: str, page: str, layout: Layout) -> Tile:
    parts = urlsplit(page)
    path = (f"{parts.path}?{parts.query}" if parts.query else parts.path).removeprefix(panels.base())
    return Tile(label, shape, path, layout.with_path(path).address)
