"""Comments on tasks."""

from flask import Blueprint, url_for

from app.commands.task_comments import comment_on_task
from app.core.errors import Invalid
from app.queries.tasks import get_task
from app.schemas.tasks import NewComment
from app.web.actors import current_actor
from app.web.languages import translated as _
from app.web.parsing import form_values, read_form
from app.web.responses import Said, done, show
from app.web.task_pages import comments_context, task_context

bp = Blueprint("comments", __name__)


@bp.post("/tasks/<uuid:task_id>/comments")
def create(task_id):
    """Say something about a task."""
    actor = current_actor()
    try:
        comment_on_task(actor, task_id, read_form(NewComment))
    except Invalid as refused:
        context = task_context(actor, task_id) | {"values": form_values(), "errors": refused.fields}
        return show("tasks/show.html", "tasks/_comments.html", status=422, **context)
    return done(
        "tasks/_comments.html",
        to=url_for("tasks.show", task_id=task_id, _anchor="comments"),
        said=Said(_("Comment added.")),
        task=get_task(actor, task_id),
        comments=comments_context(actor, task_id),
        values={},
        errors={},
    )
