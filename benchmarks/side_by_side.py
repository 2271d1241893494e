"""Requests a second, latency and CPU of the product beside the floor, in short slices taken in turn."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks import load
from benchmarks.data import DESCRIPTION, Organisation
from benchmarks.load import Target
from benchmarks.stack import Stack

WARM_UP = 60  # requests
SIDES = ("floor", "product")
PROCESS = {"floor": "floor", "product": "web"}


@dataclass(frozen=True)
class Operation:
    """The same thing asked of both."""

    name: str
    floor: Target
    product: Target

    def of(self, side: str) -> Target:
        """What is asked of one of SIDES."""
        return self.floor if side == "floor" else self.product


@dataclass(frozen=True)
class Slice:
    """A few seconds of asking one side: what the client saw, and CPU milliseconds for each request."""

    load: load.Load
    server_cpu: float | None
    database_cpu: float | None


def pages(stack: Stack, acme: Organisation) -> list[Operation]:
    """What people and programs ask most."""
    shown, api = f"/tasks/{acme.task_id}", "/api/v1/tasks"
    compressed = {"Accept-Encoding": "gzip, deflate, br"}
    return [
        _operation(stack, "task list page", "/tasks", acme.tasks, acme.as_person),
        # As a browser asks. The floor, like most, leaves compressing to somebody in front of it.
        _operation(stack, "task list page, compressed", "/tasks", acme.tasks, acme.as_person | compressed),
        _operation(stack, "task page", shown, f"/o/{acme.slug}{shown}", acme.as_person),
        _operation(stack, "API list of tasks", "/api/tasks", f"{api}?limit=50", acme.as_program),
    ]


def writes(stack: Stack, acme: Organisation) -> list[Operation]:
    """A task made: numbered and in its workflow; for the product also allowed, audited, sealed and announced."""
    task = {
        "program_id": str(acme.program_id),
        "name": "Look through the report of department 7 & answer question 12",
        "description": DESCRIPTION,
        "estimate_minutes": 90,
    }
    return [_operation(stack, "task create", "/tasks", "/api/v1/tasks", acme.as_program, task)]


def certification_requests(stack: Stack, acme: Organisation) -> list[Operation]:
    """An output handed in for certification: sealed, versioned, audited and logged. Its verdict is not waited for."""
    told = certification_of(acme)
    return [
        _operation(stack, "certification request", "/certifications", "/api/v1/certifications", acme.as_program, told)
    ]


def certification_of(acme: Organisation) -> dict[str, Any]:
    """What is sent to have an output certified."""
    return {
        "governance_policy_id": str(acme.policy_id),
        "output_content": "You can cancel within fourteen days. Write to us, and we send the money back within ten"
        " working days, to the account from which it came. " * 4,
        "llm_provider": "anthropic",
        "model_name": "claude-sonnet-4-5",
        "input": "How do I cancel, and when do I get my money back?",
    }


def measure(stack: Stack, operation: Operation, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Ask both sides in turn, each first as often as second, and sum up."""
    for side in SIDES:
        load.send(stack.supervisor, operation.of(side), WARM_UP)
    slices: dict[str, list[Slice]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES if number % 2 == 0 else SIDES[::-1]:
            slices[side].append(_slice(stack, side, operation.of(side), seconds))
    found = {side: _sum_up(each) for side, each in slices.items()}
    ratios = [p.load.rate / f.load.rate for f, p in zip(slices["floor"], slices["product"], strict=True)]
    return {
        "name": operation.name,
        **found,
        "ratio": median(ratios),
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
        "slices": {side: [asdict(one) for one in each] for side, each in slices.items()},
    }


def _operation(
    stack: Stack, name: str, floor: str, product: str, headers: dict[str, str], body: dict[str, Any] | None = None
) -> Operation:
    more: dict[str, Any] = {}
    if body is not None:
        headers = headers | {"Content-Type": "application/json"}
        more = {"method": "POST", "body": json.dumps(body)}
    return Operation(
        name,
        Target(stack.floor_port, floor, headers={n: v for n, v in headers.items() if n == "Content-Type"}, **more),
        Target(stack.address.port, product, headers=headers, **more),
    )


def _slice(stack: Stack, side: str, target: Target, seconds: int) -> Slice:
    before = [stack.cpu(name) for name in (PROCESS[side], "postgres")]
    result = load.ask(stack.supervisor, target, seconds)
    after = [stack.cpu(name) for name in (PROCESS[side], "postgres")]
    used = [
        None if start is None or end is None else (end - start) * 1000 / result.requests
        for start, end in zip(before, after, strict=True)
    ]
    return Slice(result, *used)


def _sum_up(slices: list[Slice]) -> dict[str, Any]:
    """All slices of one side as one: the rate over all of them, the middle one of everything else."""
    requests, seconds = sum(one.load.requests for one in slices), sum(one.load.seconds for one in slices)
    told: dict[str, Any] = {"rate": requests / seconds, "requests": requests}
    told |= {name: median(getattr(one.load, name) for one in slices) for name in ("p50", "p95", "p99")}
    for name in ("server_cpu", "database_cpu"):
        values = [getattr(one, name) for one in slices]
        told[name] = None if None in values else median(values)
    return told
