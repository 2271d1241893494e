"""Programs: list, make, show, change, delete, restore."""

from flask import Blueprint, url_for

from app.commands import programs as commands
from app.core.errors import Forbidden, Invalid, StaleVersion
from app.core.permissions import require_in, require_somewhere
from app.queries import programs as queries
from app.queries.history import program_history
from app.queries.tasks import TaskFilters, list_tasks
from app.schemas.programs import NewProgram, ProgramChanges
from app.web.actors import current_actor
from app.web.board_pages import board_context
from app.web.conflicts import conflict_of
from app.web.languages import translated as _
from app.web.listing import PLACES, page_context
from app.web.parsing import form_values, read_changes, read_form, read_paging, read_parameters
from app.web.people_at_hand import people_at_hand
from app.web.responses import Said, Undo, go_on, show
from app.web.sentences import told

bp = Blueprint("programs", __name__)


@bp.get("/programs")
def index():
    """All programs."""
    given = read_parameters(*PLACES, "limit")
    page = queries.list_programs(current_actor(), read_paging(given))
    fragment = "programs/_chunk.html" if "last" in given else "programs/_list.html"
    return show("programs/index.html", fragment, page=page_context(page))


@bp.get("/programs/new")
def new():
    """The form for a new program."""
    require_somewhere(current_actor(), "program.create")
    return _new_form({"parent_id": read_parameters("parent").get("parent", "")})


@bp.post("/programs")
def create():
    """Make a program."""
    actor = current_actor()
    try:
        program = commands.create_program(actor, read_form(NewProgram))
    except Invalid as refused:
        return _new_form(form_values(), errors=refused.fields, status=422)
    except Forbidden as refused:
        if not actor.may_somewhere("program.create"):
            raise
        wrong = {"parent_id": _("Choose a program in which you may make another.")}
        return _new_form(form_values(), errors=wrong, status=refused.status)
    return go_on(url_for(".show", program_id=program.id), Said(_("Program created.")))


@bp.get("/programs/<uuid:program_id>", endpoint="show")
def show_program(program_id):
    """One program and its tasks."""
    actor = current_actor()
    program = queries.get_program(actor, program_id)
    given = read_parameters(*PLACES, "limit")
    page = list_tasks(actor, TaskFilters(only_program_id=program_id), read_paging(given))
    return show(
        "programs/show.html",
        "programs/_tasks.html" if "last" in given else "programs/_program.html",
        program=program,
        page=page_context(page),
        people=people_at_hand(actor, page.rows),
        above=queries.programs_around(actor, program_id),
        inside=queries.programs_inside(actor, program_id),
    )


@bp.get("/programs/<uuid:program_id>/board")
def board(program_id):
    """The tasks of a program by state."""
    return show("programs/board.html", "programs/_board.html", **board_context(current_actor(), program_id))


@bp.get("/programs/<uuid:program_id>/edit")
def edit(program_id):
    """The form to change a program."""
    actor = current_actor()
    program = queries.get_program(actor, program_id)
    require_in(actor, "program.update", program_id)
    values = {"name": program.name, "description": program.description, "parent_id": program.parent_id or ""}
    return _form(program, values | {"version": program.version})


@bp.post("/programs/<uuid:program_id>")
def update(program_id):
    """Change a program."""
    actor = current_actor()
    try:
        changes = read_changes(ProgramChanges, empty={"description": "", "parent_id": None})
        commands.update_program(actor, program_id, changes)
    except Invalid as refused:
        program = queries.get_program(actor, program_id)
        return _form(program, form_values(), errors=refused.fields, status=422)
    except Forbidden as refused:
        if "parent_id" not in form_values() or not actor.may_in("program.update", program_id):
            raise
        wrong = {"parent_id": _("Your roles do not let you put it there: it would change who may do what in it.")}
        return _form(queries.get_program(actor, program_id), form_values(), errors=wrong, status=refused.status)
    except StaleVersion:
        program = queries.get_program(actor, program_id)
        return _form(program, form_values(), conflict=conflict_of(program, form_values()), status=409)
    return go_on(url_for(".show", program_id=program_id), Said(_("Changes saved.")))


@bp.get("/programs/<uuid:program_id>/history")
def history(program_id):
    """What happened to a program."""
    actor = current_actor()
    program = queries.get_program(actor, program_id)
    given = read_parameters(*PLACES, "limit")
    page = program_history(actor, program_id, read_paging(given))
    events = [told(event) for event in page.rows]
    fragment = "programs/_events.html" if "last" in given else "programs/_history.html"
    return show("programs/history.html", fragment, program=program, events=events, page=page_context(page))


@bp.get("/programs/<uuid:program_id>/delete")
def confirm_delete(program_id):
    """Ask before a program goes."""
    actor = current_actor()
    program = queries.get_program(actor, program_id)
    require_in(actor, "program.delete", program_id)
    return show("programs/delete.html", program=program, task_count=queries.count_tasks(actor, program_id))


@bp.post("/programs/<uuid:program_id>/deletion")
def delete(program_id):
    """Put a program in the trash."""
    key = commands.delete_program(current_actor(), program_id).key
    undo = Undo(url_for(".restore", program_id=program_id))
    return go_on(url_for(".index"), Said(_("Program {key} is in the trash, with its tasks.").format(key=key), undo))


@bp.post("/programs/<uuid:program_id>/restoration")
def restore(program_id):
    """Bring a program back."""
    commands.restore_program(current_actor(), program_id)
    return go_on(url_for(".show", program_id=program_id), Said(_("Program restored from the trash, with its tasks.")))


def _new_form(values, *, errors=None, status=200):
    actor = current_actor()
    return show(
        "programs/new.html",
        "programs/_form.html",
        status=status,
        values=values,
        errors=errors or {},
        parents=queries.program_choices(actor, "program.create"),
        on_its_own=actor.may("program.create"),
    )


def _form(program, values, *, errors=None, conflict=None, status=200):
    actor = current_actor()
    parents = queries.parent_choices(actor, program)
    if conflict is not None and str(program.parent_id or "") != values.get("parent_id", str(program.parent_id or "")):
        names = {str(each.id): each.name for each in parents}
        theirs, mine = (names.get(str(each), "") for each in (program.parent_id, values["parent_id"]))
        conflict["fields"].append({"name": "parent_id", "label": _("Lies in"), "theirs": theirs, "mine": mine})
    return show(
        "programs/edit.html",
        status=status,
        program=program,
        values=values,
        errors=errors or {},
        conflict=conflict,
        parents=parents,
        on_its_own=actor.may("access_grant.create"),
    )
