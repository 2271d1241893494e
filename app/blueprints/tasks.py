"""Tasks: list, make, show, change, move, assign, delete, restore, and their history."""

from flask import Blueprint, url_for

from app.commands import task_assignments as assignments
from app.commands import tasks as commands
from app.core.errors import Conflict, Invalid, NotFound, StaleVersion
from app.core.permissions import require, require_somewhere
from app.queries import tasks as queries
from app.queries.history import task_history
from app.queries.programs import program_choices
from app.queries.users import people_choices
from app.queries.workflows import task_states
from app.schemas.tasks import Assignment, NewTask, TaskChanges
from app.web.actors import current_actor
from app.web.board_pages import board_context, card_context, explained, read_card_move
from app.web.built_in import called, choices_called
from app.web.conflicts import conflict_of
from app.web.languages import translated as _
from app.web.listing import PLACES, page_context
from app.web.parsing import (
    form_values,
    number_parameter,
    read_changes,
    read_form,
    read_paging,
    read_parameters,
    uuid_parameter,
)
from app.web.people_at_hand import people_at_hand
from app.web.responses import Said, Undo, done, go_on, leave, noted, refused, show, wants_fragment
from app.web.sentences import told
from app.web.task_pages import assignment_context, came_from, page_before, read_move, row_context, task_context

bp = Blueprint("tasks", __name__)


@bp.get("/tasks")
def index():
    """Tasks, narrowed by program, state, person and words."""
    actor = current_actor()
    given = read_parameters("program", "state", "assignee", "q", *PLACES, "limit")
    filters = queries.TaskFilters(
        program_id=uuid_parameter(given, "program"),
        state=given.get("state"),
        assignee_id=number_parameter(given, "assignee"),
        text=given.get("q"),
    )
    page = queries.list_tasks(actor, filters, read_paging(given))
    people = people_choices(actor)
    return show(
        "tasks/index.html",
        "tasks/_chunk.html" if "last" in given else "tasks/_list.html",
        page=page_context(page),
        filters=page.filters,
        programs=program_choices(actor) if actor.may_somewhere("program.view") else [],
        states=choices_called(task_states(actor)),
        people=people,
        at_hand=people_at_hand(actor, page.rows, people),
    )


@bp.get("/tasks/new")
def new():
    """The form for a new task."""
    require_somewhere(current_actor(), "task.create")
    given = read_parameters("program")
    return _new_form({"program_id": given.get("program", "")}, {})


@bp.post("/tasks")
def create():
    """Make a task."""
    try:
        task = commands.create_task(current_actor(), read_form(NewTask))
    except Invalid as refused:
        return _new_form(form_values(), refused.fields, status=422)
    return go_on(url_for(".show", task_id=task.id), Said(_("Task created.")))


@bp.get("/tasks/<uuid:task_id>", endpoint="show")
def show_task(task_id):
    """One task with all that belongs to it."""
    paging = read_paging(read_parameters("cursor", "limit"))
    return show("tasks/show.html", "tasks/_task.html", **task_context(current_actor(), task_id, paging))


@bp.get("/tasks/<uuid:task_id>/edit")
def edit(task_id):
    """The form to change a task."""
    actor = current_actor()
    task = queries.get_task(actor, task_id)
    require(actor, "task.update", task.program_id, task.id)
    estimate = "" if task.estimate_minutes is None else str(task.estimate_minutes)
    values = {"name": task.name, "description": task.description, "estimate_minutes": estimate}
    return _edit_form(task, values | {"version": task.version})


@bp.post("/tasks/<uuid:task_id>")
def update(task_id):
    """Change a task."""
    actor = current_actor()
    try:
        commands.update_task(
            actor, task_id, read_changes(TaskChanges, empty={"description": "", "estimate_minutes": None})
        )
    except Invalid as refused:
        return _edit_form(queries.get_task(actor, task_id), form_values(), errors=refused.fields, status=422)
    except StaleVersion:
        task = queries.get_task(actor, task_id)
        return _edit_form(task, form_values(), conflict=conflict_of(task, form_values()), status=409)
    return go_on(url_for(".show", task_id=task_id), Said(_("Changes saved.")))


@bp.post("/tasks/<uuid:task_id>/move")
def move(task_id):
    """Move a task to another state."""
    return _in_place(task_id, lambda actor: commands.move_task(actor, task_id, read_move()), _moved)


@bp.post("/tasks/<uuid:task_id>/place")
def place(task_id):
    """Move a task on the board of its program. A move that does not fit is explained there."""
    actor = current_actor()
    task = queries.get_task(actor, task_id)
    program_id = task.program_id
    board = url_for("programs.board", program_id=program_id)
    try:
        move = read_card_move(actor, task)
        commands.move_task(actor, task_id, move)
    except (Conflict, Invalid) as refusal:
        told = explained(refusal)
        if not wants_fragment():
            return go_on(board, Said(told.message, tone="danger"))
        return refused(told, "programs/_board.html", **board_context(actor, program_id))
    try:
        task, context = queries.get_task(actor, task_id), board_context(actor, program_id)
    except NotFound:  # it is a card no longer for somebody who sees only what they are on
        return leave(board, Said(_("Your change is saved.")))
    if move.state is None and wants_fragment():  # the card itself says where it is now
        return show("programs/_board.html", **context)
    return done("programs/_board.html", to=board, said=_moved({"task": task}), **context)


@bp.get("/tasks/<uuid:task_id>/card")
def card(task_id):
    """The card of a task, as it lies on the board of its program."""
    return show("tasks/_card.html", **card_context(current_actor(), task_id))


@bp.get("/tasks/<uuid:task_id>/row")
def row(task_id):
    """A task as a row, as it stands in lists."""
    return show("tasks/_row.html", **row_context(current_actor(), task_id))


@bp.get("/tasks/<uuid:task_id>/assignment")
def choose_person(task_id):
    """The form to put somebody on a task, for who comes from a list or a board, and goes back there."""
    return show("tasks/assign.html", **assignment_context(current_actor(), task_id), back=came_from() or page_before())


@bp.post("/tasks/<uuid:task_id>/assignment")
def assign(task_id):
    """Put somebody on a task."""
    assignment = read_form(Assignment)
    return _in_place(
        task_id,
        lambda actor: assignments.assign_task(actor, task_id, assignment),
        lambda context: _assigned(context, assignment.user_id),
    )


@bp.post("/tasks/<uuid:task_id>/assignment/<int(max=9007199254740991):user_id>/deletion")
def unassign(task_id, user_id):
    """Take somebody off a task."""
    return _in_place(
        task_id,
        lambda actor: assignments.unassign_task(actor, task_id, user_id),
        lambda context: _unassigned(context, user_id),
    )


@bp.get("/tasks/<uuid:task_id>/history")
def history(task_id):
    """What happened to a task."""
    actor = current_actor()
    task = queries.get_task(actor, task_id)
    given = read_parameters(*PLACES, "limit")
    page = task_history(actor, task_id, read_paging(given))
    events = [told(event) for event in page.rows]
    fragment = "tasks/_events.html" if "last" in given else "tasks/_history.html"
    return show("tasks/history.html", fragment, task=task, events=events, page=page_context(page))


@bp.get("/tasks/<uuid:task_id>/delete")
def confirm_delete(task_id):
    """Ask before a task goes."""
    actor = current_actor()
    task = queries.get_task(actor, task_id)
    require(actor, "task.delete", task.program_id, task.id)
    return show("tasks/delete.html", task=task)


@bp.post("/tasks/<uuid:task_id>/deletion")
def delete(task_id):
    """Put a task in the trash."""
    actor = current_actor()
    commands.delete_task(actor, task_id)
    number = queries.get_task(actor, task_id, deleted=True).number
    undo = Undo(url_for(".restore", task_id=task_id))
    return go_on(url_for(".index"), Said(_("{number} is in the trash.").format(number=number), undo))


@bp.post("/tasks/<uuid:task_id>/restoration")
def restore(task_id):
    """Bring a task back."""
    commands.restore_task(current_actor(), task_id)
    return go_on(url_for(".show", task_id=task_id), Said(_("Task restored from the trash.")))


def _in_place(task_id, act, said):
    """Carry out a change that the page of the task shows at once; what does not fit is shown as the task stands now.

    Who comes from another page, as a board, is only told: it shows for itself what has changed.
    """
    actor, back = current_actor(), came_from()
    try:
        act(actor)
    except Conflict as refusal:
        if back or not wants_fragment():
            raise
        return refused(refusal, "tasks/_task.html", **task_context(actor, task_id))
    try:
        context = task_context(actor, task_id)
    except NotFound:  # who sees only what they are on has just taken themselves off
        return leave(back or url_for(".show", task_id=task_id), Said(_("Your change is saved.")))
    if back:
        return noted(said(context), to=back)
    return done("tasks/_task.html", to=url_for(".show", task_id=task_id), said=said(context), **context)


def _moved(context):
    task = context["task"]
    return Said(_("{number} is now in “{state}”.").format(number=task.number, state=called(task.state.name)))


def _assigned(context, user_id):
    task = context["task"]
    name = next(each.name for each in task.assignments if each.user_id == user_id)
    undo = Undo(url_for(".unassign", task_id=task.id, user_id=user_id, back=came_from()))
    return Said(_("{name} is on {number}.").format(name=name, number=task.number), undo)


def _unassigned(context, user_id):
    task = context["task"]
    name = next((each.name for each in context["others"] if each.id == user_id), _("This person"))
    undo = Undo(url_for(".assign", task_id=task.id, back=came_from()), {"user_id": str(user_id)})
    return Said(_("{name} is no longer on {number}.").format(name=name, number=task.number), undo)


def _new_form(values, errors, *, status=200):
    programs = program_choices(current_actor(), "task.create")
    if len(programs) == 1:  # nothing to choose
        values = {"program_id": programs[0].id} | {name: given for name, given in values.items() if given}
    return show("tasks/new.html", "tasks/_form.html", status=status, values=values, errors=errors, programs=programs)


def _edit_form(task, values, *, errors=None, conflict=None, status=200):
    return show("tasks/edit.html", status=status, task=task, values=values, errors=errors or {}, conflict=conflict)
