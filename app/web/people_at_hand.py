"""Whom a task may be given to with one movement: the few people that stand above tasks, to be dropped on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from app.core.actor import Actor
from app.queries.tasks import Assignee, TaskView
from app.queries.users import list_people

MOST = 12  # of more, one is found more quickly by name


def people_at_hand(actor: Actor, tasks: Iterable[TaskView], everybody: list[Any] | None = None) -> list[Assignee]:
    """Oneself, then who is on the `tasks` that are shown, on most of them first, then others by name.

    Nobody for whoever may assign nothing, or may not see who works here. One query, unless `everybody` is known.
    """
    if not (actor.may_somewhere("task.assign") and actor.may_somewhere("user.view")):
        return []
    told = Counter(tuple(one) for task in tasks for one in task.assignees or ())
    on_them = (Assignee.of(*one) for one, _times in told.most_common())
    known = {each.user_id: each for each in on_them if each.active}
    for row in list_people(actor, MOST) if everybody is None else everybody:
        known.setdefault(row.id, Assignee(row.id, row.name, True, row.avatar_id))
    return sorted(known.values(), key=lambda each: each.user_id != actor.user_id)[:MOST]
