"""The description of a task or program by itself: the form in which several people can write it together.

Without a script, or without the socket of app/blueprints/live_texts.py, it is an ordinary form with a version.
"""

from flask import Blueprint, url_for

from app.commands.shared_texts import save_shared_text
from app.core.errors import Invalid, StaleVersion
from app.core.permissions import require
from app.queries.programs import get_program
from app.queries.tasks import get_task
from app.schemas.shared_texts import SharedTextSave
from app.web.actors import current_actor
from app.web.conflicts import conflict_of
from app.web.languages import translated as _
from app.web.parsing import form_values, read_changes
from app.web.responses import Said, go_on, show

bp = Blueprint("shared_texts", __name__)


@bp.get("/tasks/<uuid:task_id>/description")
def edit_task(task_id):
    """The description of a task."""
    actor = current_actor()
    task = get_task(actor, task_id)
    require(actor, "task.update", task.program_id, task.id)
    return _of_task(task, {"description": task.description, "version": task.version})


@bp.post("/tasks/<uuid:task_id>/description")
def save_task(task_id):
    """Save it as a version of the task."""
    return _save("task", task_id, get_task, _of_task, url_for("tasks.show", task_id=task_id))


@bp.get("/programs/<uuid:program_id>/description")
def edit_program(program_id):
    """The description of a program."""
    actor = current_actor()
    program = get_program(actor, program_id)
    require(actor, "program.update", program.id)
    return _of_program(program, {"description": program.description, "version": program.version})


@bp.post("/programs/<uuid:program_id>/description")
def save_program(program_id):
    """Save it as a version of the program."""
    return _save("program", program_id, get_program, _of_program, url_for("programs.show", program_id=program_id))


def _save(kind, row_id, get, form, back):
    actor = current_actor()
    try:
        given = read_changes(SharedTextSave, empty={"description": "", "shared_text_id": None})
        save_shared_text(actor, kind, row_id, given)
    except Invalid as refused:
        return form(get(actor, row_id), form_values(), errors=refused.fields, status=422)
    except StaleVersion:
        row = get(actor, row_id)
        return form(row, form_values(), conflict=conflict_of(row, form_values()), status=409)
    return go_on(back, Said(_("Changes saved.")))


def _of_task(task, values, **more):
    back, to = url_for("tasks.show", task_id=task.id), url_for(".save_task", task_id=task.id)
    above = (_("Tasks"), url_for("tasks.index"))
    return _form(
        values, kind="task", row=task, name=task.number, section="tasks", above=above, back=back, to=to, **more
    )


def _of_program(program, values, **more):
    back, to = url_for("programs.show", program_id=program.id), url_for(".save_program", program_id=program.id)
    above = (_("Programs"), url_for("programs.index"))
    names = {"name": program.name, "section": "programs", "above": above}
    return _form(values, kind="program", row=program, back=back, to=to, **names, **more)


def _form(values, *, errors=None, conflict=None, status=200, **context):
    return show(
        "shared_texts/edit.html", status=status, values=values, errors=errors or {}, conflict=conflict, **context
    )
