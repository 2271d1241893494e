"""Where a task can go from where it stands, and the states of the built-in workflow."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import aliased

from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.permissions import require_somewhere
from app.core.phrases import phrase
from app.models.workflows import BUILT_IN_KEY, Workflow, WorkflowState, WorkflowTransition, state_in_words
from app.queries.tasks import TaskView

_WAY = aliased(WorkflowTransition)
_WAYS = (
    select(WorkflowState.key, WorkflowState.name, WorkflowState.state_group, _WAY.id)
    .outerjoin(_WAY, and_(_WAY.to_state_id == WorkflowState.id, _WAY.from_state_id == bindparam("state")))
    .where(WorkflowState.application_instance_id == bindparam("tenant"))
    .where(WorkflowState.workflow_id == bindparam("workflow"), WorkflowState.id != bindparam("state"))
    .order_by(_WAY.id.is_(None), WorkflowState.position)
)

_STATES = (
    select(WorkflowState.key, WorkflowState.name)
    .join(Workflow, Workflow.id == WorkflowState.workflow_id)
    .where(Workflow.application_instance_id == bindparam("tenant"), Workflow.key == BUILT_IN_KEY)
    .order_by(Workflow.version.desc(), WorkflowState.position)
)


def ways_on(actor: Actor, task: TaskView) -> list[dict[str, Any]]:
    """Every other state of the task's workflow: those it can go to first, then the others."""
    require_somewhere(actor, "task.view")
    given = {"tenant": actor.tenant_id, "workflow": task.workflow_id, "state": task.state_id}
    return [
        {
            "key": row.key,
            "name": row.name,
            "group": row.state_group,
            "allowed": row.id is not None,
            "reason": ""
            if row.id is not None
            else phrase("The workflow has no way from “%(state)s” to here.", state=state_in_words(task.state.name)),
        }
        for row in rows_of(db.session, _WAYS, given)
    ]


def task_states(actor: Actor) -> list[Any]:
    """Key and name of the states of the built-in workflow, for a filter's menu."""
    require_somewhere(actor, "task.view")
    return list(rows_of(db.session, _STATES, {"tenant": actor.tenant_id}))
