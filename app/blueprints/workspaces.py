"""Workspaces: pages beside each other, saved under names, shared, begun with."""

from flask import Blueprint, redirect, url_for

from app.commands import workspaces as commands
from app.core.errors import Forbidden, Invalid, NotFound, StaleVersion
from app.core.parsing import parse
from app.core.permissions import require
from app.queries import workspaces as queries
from app.schemas.workspaces import NewWorkspace, WorkspaceChanges
from app.web import panels
from app.web.actors import current_actor
from app.web.conflicts import conflict_of
from app.web.languages import translated as _
from app.web.listing import page_context
from app.web.parsing import form_values, read_changes, read_paging, read_parameters
from app.web.responses import Said, go_on, show, wants_fragment
from app.web.workspace_layouts import Layout, layout_asked_for, layout_from
from app.web.workspace_pages import places_of, recent, saved_as, tiles

bp = Blueprint("workspaces", __name__)


@bp.get("/w")
def open_layout():
    """The pages that the address names, beside each other; without any, the workspace that the person begins with."""
    if panels.asked_for() is not None:  # it does not stand in itself
        raise NotFound
    actor, layout = current_actor(), layout_asked_for()
    if not layout.paths and (first := queries.default_workspace(actor)) is not None:
        return redirect(Layout.of(first).address, 303)
    saved = saved_as(actor, layout)
    return show(
        "workspaces/show.html",
        layout=layout,
        saved=saved,
        choices=queries.workspace_choices(actor),
        tiles=tiles(actor, layout),
        recent=recent(actor, layout),
        places=places_of(layout),
    )


@bp.get("/workspaces")
def index():
    """The workspaces that one may open."""
    page = queries.list_workspaces(current_actor(), read_paging(read_parameters("cursor", "limit")))
    return show("workspaces/index.html", "workspaces/_list.html", page=page_context(page))


@bp.get("/workspaces/new")
def new():
    """The form to save what is open, which the address names."""
    require(current_actor(), "workspace.update")
    return _new_form({"layout": layout_asked_for().query}, {})


@bp.post("/workspaces")
def create():
    """Save what is open under a name."""
    actor = current_actor()
    try:
        workspace = commands.create_workspace(actor, _layout_of_form(NewWorkspace))
    except Invalid as refused:
        return _new_form(form_values(), refused.fields, status=422)
    return go_on(url_for(".show", workspace_id=workspace.id), Said(_("Workspace saved.")))


@bp.get("/workspaces/<uuid:workspace_id>", endpoint="show")
def show_workspace(workspace_id):
    """The pages of a saved workspace, at the address that says what they are."""
    return redirect(Layout.of(queries.get_workspace(current_actor(), workspace_id)).address, 303)


@bp.get("/workspaces/<uuid:workspace_id>/news")
def news(workspace_id):
    """Whether a saved workspace is another one than that which is open: `version` is the one that was opened."""
    given = read_parameters("version")
    try:
        workspace = queries.get_workspace(current_actor(), workspace_id)
    except NotFound:
        if not wants_fragment():
            raise
        return show("workspaces/_gone.html", status=404)
    if not wants_fragment():  # it is a part of the page and none itself
        return redirect(url_for(".show", workspace_id=workspace_id), 303)
    return show("workspaces/_news.html", saved=workspace, version=given.get("version", ""))


@bp.get("/workspaces/<uuid:workspace_id>/edit")
def edit(workspace_id):
    """The form to call a workspace otherwise, and to share it."""
    workspace = _own(workspace_id)
    values = {"name": workspace.name, "visibility": workspace.visibility, "version": workspace.version}
    return _edit_form(workspace, values)


@bp.post("/workspaces/<uuid:workspace_id>")
def update(workspace_id):
    """Call a workspace otherwise, share it, or share it no longer."""
    try:
        commands.update_workspace(current_actor(), workspace_id, read_changes(WorkspaceChanges, empty={}))
    except Invalid as refused:
        return _edit_form(_own(workspace_id), form_values(), errors=refused.fields, status=422)
    except StaleVersion:
        workspace = _own(workspace_id)
        return _edit_form(workspace, form_values(), conflict=conflict_of(workspace, form_values()), status=409)
    return go_on(url_for(".index"), Said(_("Changes saved.")))


@bp.post("/workspaces/<uuid:workspace_id>/layout")
def arrange(workspace_id):
    """Have a workspace show what is open now."""
    commands.update_workspace(current_actor(), workspace_id, _layout_of_form(WorkspaceChanges))
    return go_on(url_for(".show", workspace_id=workspace_id), Said(_("The workspace shows this from now on.")))


@bp.post("/workspaces/<uuid:workspace_id>/default")
def choose_default(workspace_id):
    """Begin with a workspace."""
    workspace = commands.choose_default_workspace(current_actor(), workspace_id)
    return go_on(url_for(".index"), Said(_("You begin with “{name}”.").format(name=workspace.name)))


@bp.post("/workspaces/<uuid:workspace_id>/default/deletion")
def clear_default(workspace_id):
    """Begin with no workspace."""
    commands.clear_default_workspace(current_actor(), workspace_id)
    return go_on(url_for(".index"), Said(_("You begin with an empty workspace.")))


@bp.get("/workspaces/<uuid:workspace_id>/delete")
def confirm_delete(workspace_id):
    """Ask before a workspace goes: there is no way back."""
    return show("workspaces/delete.html", workspace=_own(workspace_id))


@bp.post("/workspaces/<uuid:workspace_id>/deletion")
def delete(workspace_id):
    """Forget a workspace."""
    commands.delete_workspace(current_actor(), workspace_id)
    return go_on(url_for(".index"), Said(_("Workspace deleted.")))


def _own(workspace_id):
    actor = current_actor()
    workspace = queries.get_workspace(actor, workspace_id)
    if workspace.user_id != actor.user_id:
        raise Forbidden(_("Only whoever saved this workspace can change it."))
    return workspace


def _layout_of_form(schema):
    """The fields of a form, of which `layout` is an address and stands for panels and widths. Raises Invalid."""
    given = {name: value for name, value in form_values().items() if name != "layout"}
    layout = layout_from(form_values().get("layout", ""))
    return parse(schema, given | {"panels": layout.paths, "widths": layout.widths}, typed=False)


def _new_form(values, errors, *, status=200):
    return show("workspaces/new.html", "workspaces/_form.html", status=status, values=values, errors=errors)


def _edit_form(workspace, values, *, errors=None, conflict=None, status=200):
    return show(
        "workspaces/edit.html",
        "workspaces/_form.html",
        status=status,
        workspace=workspace,
        values=values,
        errors=errors or {},
        conflict=conflict,
    )
