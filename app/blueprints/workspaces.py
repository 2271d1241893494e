"""Workspaces: pages beside each other."""

from flask import Blueprint

from app.core.errors import NotFound
from app.web import panels
from app.web.actors import current_actor
from app.web.responses import show
from app.web.workspace_layouts import layout_asked_for
from app.web.workspace_pages import places_of, tiles

bp = Blueprint("workspaces", __name__)


@bp.get("/w")
def open_layout():
    """The pages that the address names, beside each other."""
    if panels.asked_for() is not None:  # it does not stand in itself
        raise NotFound
    actor, layout = current_actor(), layout_asked_for()
    return show("workspaces/show.html", layout=layout, places=places_of(layout), tiles=tiles(actor, layout))
