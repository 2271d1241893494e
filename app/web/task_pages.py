"""What the page of a task shows: gathered once, for the page, its fragment and every answer that brings it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for

from app.core.actor import Actor
from app.core.paging import Cursor, Paging
from app.core.permissions import require
from app.queries.certifications import CertificationFilters, list_certifications
from app.queries.task_comments import list_comments
from app.queries.tasks import get_task
from app.queries.users import people_choices
from app.queries.workflows import ways_on
from app.schemas.tasks import Move
from app.web.panels import base
from app.web.parsing import read_changes, read_parameters
from app.web.sign_in import safe_next, started_from


def task_context(actor: Actor, task_id: UUID, paging: Paging | None = None) -> dict[str, Any]:
    """The task, where it may go, who is on it, what was said and what was certified. A fixed number of queries.

    `paging` chooses the page of comments.
    """
    task = get_task(actor, task_id)
    certifications = (
        list_certifications(actor, CertificationFilters(task_id=task_id), Paging(size=20)).rows
        if actor.may_somewhere("certification.view") or actor.may_somewhere("certification.view_own")
        else []
    )
    people = people_choices(actor) if actor.may("task.assign", task.program_id, task.id) else []
    on_it = {each.user_id for each in task.assignments}
    return {
        "task": task,
        "moves": ways_on(actor, task),
        "assignments": task.assignments,
        "others": [each for each in people if each.id not in on_it],
        "comments": comments_context(actor, task_id, paging),
        "certifications": certifications,
        "values": {},
        "errors": {},
    }


def assignment_context(actor: Actor, task_id: UUID) -> dict[str, Any]:
    """A task, and whom to give it to. Raises NotFound, and Forbidden for whoever may not assign it."""
    task = get_task(actor, task_id)
    require(actor, "task.assign", task.program_id, task.id)
    return {"task": task, "people": people_choices(actor)}


def row_context(actor: Actor, task_id: UUID) -> dict[str, Any]:
    """One row of a list of tasks. Raises NotFound."""
    return {"row": get_task(actor, task_id)}


def page_before() -> str | None:
    """The page of this organisation from which somebody followed a link to here, as their browser tells it."""
    page = started_from()
    return page if page and page.startswith(base()) else None


def came_from() -> str | None:
    """The page of this organisation to which an act leads back that is offered there too; None where it names none."""
    page = safe_next(read_parameters("back").get("back", ""))
    return page if page and page.startswith(base()) else None


def read_move() -> Move:
    """Where a form sends a task. An empty `after` is the top. Raises Invalid."""
    return read_changes(Move, empty={"after": None})


def comments_context(actor: Actor, task_id: UUID, paging: Paging | None = None) -> dict[str, Any]:
    """A page of comments as people read them, oldest first, with the ways to earlier and later ones."""
    page = list_comments(actor, task_id, paging)

    def address(cursor: Cursor | None) -> str | None:
        return url_for("tasks.show", task_id=task_id, cursor=str(cursor), _anchor="comments") if cursor else None

    return {"rows": page.rows[::-1], "earlier_url": address(page.next), "later_url": address(page.prev)}
