"""Elements that go with the word that they have changed, as their reader's own GET would answer: cards and rows.

Whoever follows is sent the element as its template shows it to them, after the same question for permission. Those for
whom everything is the same that it could depend on are one class, for which it is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Flask, g, render_template

from app.core.actor import Actor, Tenant
from app.core.live import Announcement
from app.core.permissions import may_see
from app.core.roles import SYSTEM_PERMISSIONS
from app.queries.live_channels import is_in_sight
from app.web.board_pages import card_context
from app.web.task_pages import row_context


@dataclass(frozen=True, slots=True)
class Element:
    """What shows a thing of a kind on one channel: the view that answers with it alone, and with what.

    `thing` names in its context that of which it is, with `program_id`, `created_by_user_id` and `assignments`. What is
    new goes along where it says itself at which place it stands (`is_placed`).
    """

    kind: str
    view: str
    template: str
    context: Callable[[Actor, UUID], dict[str, Any]]
    thing: str
    is_placed: bool


CARD = Element("task", "tasks.card", "tasks/_card.html", card_context, "card", is_placed=True)
ROW = Element("task", "tasks.row", "tasks/_row.html", row_context, "row", is_placed=False)
# By what follows them, as it is named in the channel: with a dot "board.<program>", without one all of a kind.
ELEMENTS = {"board.": CARD, "program.": ROW, "task": ROW}


def element_for(told: Announcement, channel: str) -> Element | None:
    """The element that goes with an event on a channel, if any does: what is gone is shown by nothing."""
    element = ELEMENTS.get("".join(channel.partition(".")[:2]))
    if element is None or element.kind != told.kind or told.event.endswith(".deleted"):
        return None
    return element if element.is_placed or told.event.endswith(".updated") else None


def task_told_by(told: Announcement) -> Announcement | None:
    """What to say of a task whose certification has come further, if it belongs to one: what shows it says how far."""
    if told.kind != "certification":
        return None
    tasks = (channel.removeprefix("task.") for channel in told.around if channel.startswith("task."))
    task_id = next(tasks, None)
    return replace(told, event="task.updated", channel=f"task.{task_id}", id=task_id, around=()) if task_id else None


def the_system(tenant_id: UUID) -> Actor:
    """Who reads what an element is written from: once, for all who may see it."""
    tenant = Tenant(tenant_id, slug="", name="")
    return Actor(tenant=tenant, permissions=SYSTEM_PERMISSIONS, authenticated_by="system")


def sees(reader: Actor, element: Element, context: Mapping[str, Any]) -> bool:
    """Whether somebody may see the thing that an element shows: as `fetch` asks it, of a row that is here already."""
    thing = context[element.thing]

    def is_own() -> bool:
        return reader.user_id in _people_of(thing) and is_in_sight(reader, element.kind, thing.id)

    return may_see(reader, f"{element.kind}.view", (thing.program_id, thing.id), is_own)


def class_of(reader: Actor, element: Element, context: Mapping[str, Any]) -> Hashable:
    """What an element can differ by between those who see it. Who has to do with the thing is a class of their own, and
    so is who sees of other people no more than their names."""
    thing = context[element.thing]
    is_apart = reader.user_id in _people_of(thing) or not reader.may_somewhere("user.view")
    roles = reader.on_tasks.held_in((thing.program_id, thing.id))
    powers = reader.permissions, reader.local_roles, reader.task_roles, frozenset(roles)
    manner = reader.locale, reader.time_zone, reader.profile.is_compact
    return (*powers, *manner, reader.user_id if is_apart else None)


class Writer:
    """Writes elements as the web process would: with its addresses, its templates and what those may use."""

    def __init__(self, pages: Flask) -> None:
        self._pages = pages

    def write(self, element: Element, thing_id: UUID, reader: Actor, context: Mapping[str, Any]) -> str:
        """The element as it is shown to `reader`. Asks the database nothing."""
        values = {"slug": reader.tenant.slug, "task_id": thing_id}
        address = self._pages.url_map.bind("localhost").build(element.view, values)
        with self._pages.test_request_context(address):
            g.slug, g.actor = reader.tenant.slug, reader
            return render_template(element.template, **context)


def _people_of(thing: Any) -> Collection[int | None]:
    return {thing.created_by_user_id, *(person.user_id for person in thing.assignments)}
