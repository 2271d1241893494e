"""What the component library shows: somebody who may do everything in an organisation that is nowhere, and its things.

The page exists where the setting STYLEGUIDE is on, and that is refused behind TLS: `make run` turns it on for a machine
of one's own, as it does the folder of mails, and tests do.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Sample
from typing import Any
from uuid import UUID

from app.core.actor import Actor, Tenant
from app.core.permissions import SYSTEM_PERMISSIONS

LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
NAME = "Draft the spring fund letter"
WHEN = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
STATES = (
    ("backlog", "Idea"),
    ("unstarted", "To do"),
    ("started", "In review"),
    ("done", "Done"),
    ("cancelled", "Cancelled"),
)
STATUSES = (
    "certified", "rejected", "revoked", "expired", "superseded", "suspended", "needs_review", "failed", "validating",
    "pending",
)  # fmt: skip


def _id(number: int) -> UUID:
    return UUID(int=number)


SOMEBODY = Actor(
    tenant=Tenant(_id(1), "styleguide", "Meridian Asset Management"),
    permissions=frozenset(SYSTEM_PERMISSIONS),
    user_id=1,
    name="Ada Ahrens",
    email="ada@example.com",
    role_names=("Owner", "Reviewer"),
    authenticated_by="session",
)


def samples() -> dict[str, Any]:
    """Everything that the page is made with, by the name that it has in its template."""
    return {
        "person": SOMEBODY,
        "long": LONG,
        "name": NAME,
        "states": STATES,
        "statuses": STATUSES,
        "tasks": [_task(number, *state) for number, state in enumerate(STATES, 1)],
        "certifications": [_certification(number, status) for number, status in enumerate(STATUSES, 1)],
        "column": _column(),
        "comments": [_comment(1, "Ada Ahrens"), _comment(2, None)],
        "conflict": {"fields": [_both("Name", NAME, LONG), _both("Estimate", "", "2 h")]},
        "events": _events(),
        "trail": _trail(),
        "messages": [
            {"tone": "good", "text": "Moved to Done.", "undo": {"url": "/styleguide", "fields": {"version": "3"}}},
            {"tone": "danger", "text": "Somebody else was faster. Nothing was changed.", "undo": None},
        ],
    }


def _task(number: int, group: str, state: str) -> Sample:
    people = [Sample(name=name, active=name != "Bo") for name in ("Ada Ahrens", "Bo", LONG)[number % 3 :]]
    return Sample(
        id=_id(number),
        kind="task",
        number=f"OPS-{number}",
        name=LONG if number == 2 else NAME,
        state_group=group,
        state_name=state,
        state_key=group,
        rank=f"e0000{number}",
        program_name="Client operations",
        program_id=_id(90),
        assignees=[(place, each.name, each.active, None) for place, each in enumerate(people)],
        assignee_ids="".join(f"{place} " for place in range(len(people))),
        first_assignee=people[0],
        assignments=[Sample(name=each.name, user_id=number, avatar_id=None) for each in people],
        assignee_names=[each.name for each in people],
        estimate_minutes=(None, 45, 150, 2400, 480)[number % 5],
        certification_status=(None, "certified", "rejected", "pending", "revoked")[number % 5],
        updated_at=WHEN - timedelta(days=number),
        version=1,
    )


def _certification(number: int, status: str) -> Sample:
    return Sample(
        id=_id(number),
        certification_number=None if status == "pending" else f"RC-2026-{number:06}",
        certification_status=status,
        task_number=f"OPS-{number}",
        task_name=LONG if number == 2 else NAME,
        policy_name="Financial promotions",
        model_name="a-model-2026-10",
        created_at=WHEN - timedelta(days=number),
        expires_at=WHEN + timedelta(days=365) if number % 2 else None,
    )


def _column() -> Sample:
    ways = [Sample(key=group, name=state, group=group) for group, state in STATES if group in ("done", "cancelled")]
    cards = [_task(number, *STATES[2]) for number in (1, 2, 5)]
    return Sample(key="review", name="In review", group="started", ways=ways, cards=cards, count=9)


def _comment(number: int, author: str | None) -> Sample:
    body = f"For **private clients**, in plain words:\n\n- a risk warning\n- `no` forecasts\n\n> {LONG}"
    return Sample(
        id=_id(number),
        kind="task_comment",
        author_name=author,
        author_user_id=None if author is None else number,
        author_avatar_id=None,
        body=body,
        created_at=WHEN,
    )


def _both(label: str, theirs: str, mine: str) -> dict[str, str]:
    return {"label": label, "theirs": theirs, "mine": mine}


def _events() -> list[dict[str, Any]]:
    return [
        {"actor_name": "Bo", "sentence": "commented", "created_at": WHEN},
        {
            "actor_name": "Ada Ahrens",
            "sentence": "changed the name and the estimate",
            "created_at": WHEN,
            "changes": [
                {"field": "Name", "before": NAME, "after": LONG},
                {"field": "Estimate", "before": "", "after": "2 h 30 min"},
            ],
        },
        {
            "actor_name": "Oversing",
            "sentence": "signed the statement",
            "created_at": WHEN,
            "facts": [{"name": "SHA-256 of the output", "value": "9f86d081884c7d65" * 4}],
        },
    ]


def _trail() -> list[Sample]:
    told = {"erased": False, "withheld": False, "pieces": None, "before": None, "after": None, "says_nothing": False}
    pieces = [("kept", "For "), ("gone", "all"), ("new", "private"), ("kept", " clients")]
    changes = [
        Sample(**told | {"of": "Name", "field": "Name", "before": NAME, "after": LONG}),
        Sample(**told | {"of": "Estimate", "field": "Estimate", "after": "45", "says_nothing": True}),
        Sample(**told | {"of": "Description", "field": "Description", "pieces": pieces}),
        Sample(**told | {"of": "Address", "field": "Address", "erased": True}),
        Sample(**told | {"of": "Comment", "field": "Comment", "withheld": True}),
    ]
    return [
        Sample(
            actor_name=SOMEBODY.name,
            sentence="changed the task",
            thing="OPS-1",
            object="OPS-1",
            thing_url="/styleguide",
            event_id=_id(1),
            created_at=WHEN,
            way="in a browser",
            network="203.0.113.0/24",
            changes=changes,
        ),
        Sample(
            actor_name="Oversing",
            sentence="wrote an export of the audit trail",
            thing="",
            object=None,
            thing_url=None,
            event_id=_id(2),
            created_at=WHEN,
            way="by itself",
            network=None,
            changes=[],
        ),
    ]
