"""Tasks in JSON."""

from flask import url_for

from app.blueprints.api import api
from app.commands import task_assignments as assignments
from app.commands import tasks as commands
from app.commands.task_comments import comment_on_task
from app.core.idempotency import once
from app.core.transaction import answering
from app.models.task_comments import TaskComment
from app.models.tasks import Task
from app.queries import task_comments
from app.queries import tasks as queries
from app.queries.history import task_history
from app.schemas.history import EventOut
from app.schemas.tasks import Assignment, CommentOut, Move, NewComment, NewTask, TaskChanges, TaskOut
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.listing import one_page
from app.web.parsing import (
    idempotent_request,
    if_match,
    number_parameter,
    read_json,
    read_paging,
    read_parameters,
    uuid_parameter,
    with_if_match,
)
from app.web.resources import one_resource
from app.web.responses import data, nothing


@api.get("/tasks")
def list_tasks():
    """A page of tasks."""
    given = read_parameters("program_id", "state", "assignee_id", "q", "cursor", "limit", "fields")
    filters = queries.TaskFilters(
        program_id=uuid_parameter(given, "program_id"),
        state=given.get("state"),
        assignee_id=number_parameter(given, "assignee_id"),
        text=given.get("q"),
    )
    page = queries.list_tasks(current_actor(), filters, read_paging(given))
    rows = with_fields(given, TaskOut, [TaskOut.of(row) for row in page.rows])
    return one_page(page, rows, given)


@api.post("/tasks")
def create_task():
    """Make a task."""
    actor, new = current_actor(), read_json(NewTask)
    with answering(actor):
        task = once(actor, idempotent_request(), Task, lambda: commands.create_task(actor, new))
        made = TaskOut.of(queries.made_task(actor, task))
        return one_resource(made, status=201, location=url_for(".get_task", task_id=task.id))


@api.get("/tasks/<uuid:task_id>")
def get_task(task_id):
    """One task."""
    return _one(current_actor(), task_id, given=read_parameters("fields"))


@api.patch("/tasks/<uuid:task_id>")
def update_task(task_id):
    """Change a task."""
    actor = current_actor()
    commands.update_task(actor, task_id, with_if_match(read_json(TaskChanges)))
    return _one(actor, task_id)


@api.delete("/tasks/<uuid:task_id>")
def delete_task(task_id):
    """Put a task in the trash."""
    commands.delete_task(current_actor(), task_id, version=if_match())
    return nothing()


@api.post("/tasks/<uuid:task_id>/restore")
def restore_task(task_id):
    """Bring a task back from the trash."""
    actor = current_actor()
    commands.restore_task(actor, task_id, version=if_match())
    return _one(actor, task_id)


@api.post("/tasks/<uuid:task_id>/assign")
def assign_task(task_id):
    """Put somebody on a task."""
    actor = current_actor()
    assignments.assign_task(actor, task_id, read_json(Assignment), version=if_match())
    return _one(actor, task_id)


@api.delete("/tasks/<uuid:task_id>/assign/<int(max=9007199254740991):user_id>")
def unassign_task(task_id, user_id):
    """Take somebody off a task."""
    actor = current_actor()
    assignments.unassign_task(actor, task_id, user_id, version=if_match())
    return _one(actor, task_id)


@api.post("/tasks/<uuid:task_id>/move")
@api.post("/tasks/<uuid:task_id>/workflow")
def move_task(task_id):
    """Move a task to another state of its workflow, or to another place in the order of its program."""
    actor = current_actor()
    commands.move_task(actor, task_id, with_if_match(read_json(Move)))
    return _one(actor, task_id)


@api.get("/tasks/<uuid:task_id>/comments")
def list_comments(task_id):
    """What people have said about a task, newest first."""
    actor = current_actor()
    given = read_parameters("cursor", "limit")
    queries.get_task(actor, task_id)
    page = task_comments.list_comments(actor, task_id, read_paging(given))
    return one_page(page, [CommentOut.of(row) for row in page.rows], given)


@api.post("/tasks/<uuid:task_id>/comments")
def comment(task_id):
    """Say something about a task."""
    actor, new = current_actor(), read_json(NewComment)
    made = once(actor, idempotent_request(), TaskComment, lambda: comment_on_task(actor, task_id, new))
    return data(CommentOut.of(made), status=201)


@api.get("/tasks/<uuid:task_id>/history")
def history(task_id):
    """The audit trail of a task."""
    actor = current_actor()
    given = read_parameters("cursor", "limit")
    queries.get_task(actor, task_id)
    page = task_history(actor, task_id, read_paging(given))
    return one_page(page, [EventOut.of(event) for event in page.rows], given)


def _one(actor, task_id, **told):
    return one_resource(TaskOut.of(queries.get_task(actor, task_id)), **told)
