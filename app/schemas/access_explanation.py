"""Why somebody may do something, as it goes out."""

from __future__ import annotations

from typing import Any

from app.core.parsing import Schema
from app.schemas.fields import Id


class WayOut(Schema):
    """A grant that reaches the person here. `groups` lead from the person's own to the one that was given the role."""

    access_grant_id: Id
    access_role_id: Id
    role_name: str
    groups: tuple[str, ...]
    program_id: Id | None
    program_name: str | None
    task_id: Id | None
    task_number: str | None

    @classmethod
    def of(cls, grant: Any) -> WayOut:
        """The grant as a query tells it."""
        told: dict[str, Any] = {name: getattr(grant, name) for name in cls.model_fields if name != "access_grant_id"}
        return cls.model_validate(told | {"access_grant_id": grant.grant_id, "groups": tuple(grant.groups)})


class StepOut(Schema):
    """One permission that it takes. `by_own`: given only because the thing is the person's own."""

    permission: str
    granted: bool
    by_own: bool
    ways: tuple[WayOut, ...]


class RemedyOut(Schema):
    """A role that would do, and who can give it there."""

    access_role_id: Id
    role_name: str
    givers: tuple[str, ...]


class AccessExplanationOut(Schema):
    """The verdict with all that led to it."""

    granted: bool
    reason: str | None
    user_id: int
    permission: str
    object_type: str
    object_id: Id
    own_as: str | None
    api_key_id: Id | None
    steps: tuple[StepOut, ...]
    roles_here: tuple[WayOut, ...]
    remedies: tuple[RemedyOut, ...]

    @classmethod
    def of(cls, found: Any) -> AccessExplanationOut:
        """What the query found."""
        return cls(
            granted=found.granted,
            reason=found.reason,
            user_id=found.person.id,
            permission=found.permission,
            object_type=found.thing.kind,
            object_id=found.thing.id,
            own_as=found.own_as,
            api_key_id=None if found.key is None else found.key.id,
            steps=tuple(
                StepOut(
                    permission=step.permission,
                    granted=step.granted,
                    by_own=step.by_own,
                    ways=tuple(map(WayOut.of, step.ways)),
                )
                for step in found.steps
            ),
            roles_here=tuple(map(WayOut.of, found.held)),
            remedies=tuple(
                RemedyOut(access_role_id=each.access_role_id, role_name=each.role_name, givers=tuple(each.givers))
                for each in found.remedies
            ),
        )
