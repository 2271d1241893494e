"""Where an organisation starts."""

from flask import Blueprint, redirect, url_for

from app.commands.users import note_presence
from app.web.actors import current_actor
from app.web.responses import show

bp = Blueprint("home", __name__)


@bp.get("/")
def start():
    """The first page of an organisation: its tasks, or why somebody sees none.

    Whoever comes in here was seen from now on, not minutes later.
    """
    actor = current_actor()
    note_presence(actor)
    if actor.may_somewhere("task.view") or actor.may_somewhere("task.view_own"):
        return redirect(url_for("tasks.index"))
    return show("home/start.html")
