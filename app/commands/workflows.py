"""Start workflow instances and move them from state to state. The one state machine of the product."""

from __future__ import annotations

from functools import reduce
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, insert, literal_column, select

from app.core import clock
from app.core.actor import Actor
from app.core.database import db
from app.core.errors import Invalid, InvalidTransition
from app.core.ids import new_id
from app.core.phrases import phrase
from app.models.workflows import (
    BUILT_IN_KEY,
    BUILT_IN_NAME,
    BUILT_IN_STATES,
    BUILT_IN_TRANSITIONS,
    Workflow,
    WorkflowInstance,
    WorkflowState,
    WorkflowTransition,
    state_in_words,
)

# Puts a new piece of work at the first state of the newest built-in workflow, as a part of the statement that makes the
# work: it takes `instance`, `tenant` and `now`, and FIRST_STATE tells of the state to whoever selects from it.
FIRST_STATE = (
    select(
        WorkflowState.key.label("state_key"),
        WorkflowState.name.label("state_name"),
        WorkflowState.state_group,
        WorkflowState.workflow_id,
        WorkflowState.id.label("state_id"),
    )
    .join(Workflow, Workflow.id == WorkflowState.workflow_id)
    .where(Workflow.application_instance_id == bindparam("tenant"), Workflow.key == BUILT_IN_KEY)
    .where(WorkflowState.is_initial)
    .order_by(Workflow.version.desc())
    .limit(literal_column("1"))
    .cte("first_state")
)
START_INSTANCE = (
    insert(WorkflowInstance.__table__)  # type: ignore[arg-type]
    .from_select(
        ["id", "application_instance_id", "workflow_id", "state_id", "entered_state_at"],
        select(
            bindparam("instance", type_=Uuid),
            bindparam("tenant", type_=Uuid),
            FIRST_STATE.c.workflow_id,
            FIRST_STATE.c.state_id,
            bindparam("now", type_=DateTime(timezone=True)),
        ),
    )
    .cte("started")
)


def move_instance(actor: Actor, instance_id: UUID, to_key: str) -> dict[str, str] | None:
    """Move an instance to the state called `to_key`. Returns which states it went from and to, None if it was there.

    Raises Invalid for a state that the workflow does not have, InvalidTransition where there is no way.
    """
    instance = db.session.scalars(
        select(WorkflowInstance)
        .where(WorkflowInstance.id == instance_id, WorkflowInstance.application_instance_id == actor.tenant_id)
        .with_for_update()
    ).one()
    states = {
        state.key: state
        for state in db.session.scalars(
            select(WorkflowState)
            .where(WorkflowState.workflow_id == instance.workflow_id)
            .order_by(WorkflowState.position)
        )
    }
    target = states.get(to_key)
    if target is None:
        raise Invalid({"state": phrase("There is no such state. There are: %(value)s.", value=", ".join(states))})
    if target.id == instance.state_id:
        return None
    source = next(state for state in states.values() if state.id == instance.state_id)
    ways = set(
        db.session.scalars(
            select(WorkflowTransition.to_state_id).where(WorkflowTransition.from_state_id == instance.state_id)
        )
    )
    if target.id not in ways:
        open_ways = [state.name for state in states.values() if state.id in ways]
        raise InvalidTransition(no_way(source.name, target.name, open_ways))
    instance.state_id, instance.entered_state_at = target.id, clock.now()
    return {"from_state": source.key, "to_state": target.key}


def no_way(source: str, target: str, open_ways: list[str]) -> str:
    """Why a task cannot go from one state to another, and where it can go."""
    source, target, *open_ways = map(state_in_words, (source, target, *open_ways))
    if not open_ways:
        return phrase(
            "A task that is in “%(source)s” cannot go straight to “%(target)s”.", source=source, target=target
        )
    return phrase(
        "A task that is in “%(source)s” cannot go straight to “%(target)s”. From there it can go to %(ways)s.",
        source=source,
        target=target,
        ways=reduce(_either, open_ways),
    )


def _either(first: str, last: str) -> str:
    return phrase("%(first)s or %(last)s", first=first, last=last)


def create_built_in_workflow(tenant_id: UUID) -> Workflow:
    """Give a new organisation the workflow that its tasks start with."""
    workflow = Workflow(id=new_id(), application_instance_id=tenant_id, key=BUILT_IN_KEY, name=BUILT_IN_NAME, version=1)
    db.session.add(workflow)
    db.session.flush()
    states = {
        key: WorkflowState(
            id=new_id(),
            application_instance_id=tenant_id,
            workflow_id=workflow.id,
            key=key,
            name=name,
            state_group=group,
            position=position,
            is_initial=position == 0,
        )
        for position, (key, name, group) in enumerate(BUILT_IN_STATES)
    }
    db.session.add_all(states.values())
    db.session.flush()
    db.session.add_all(
        WorkflowTransition(
            application_instance_id=tenant_id,
            workflow_id=workflow.id,
            from_state_id=states[source].id,
            to_state_id=states[target].id,
        )
        for source, target in BUILT_IN_TRANSITIONS
    )
    return workflow
