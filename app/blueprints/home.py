"""Where an organisation starts."""

from flask import Blueprint, redirect, url_for

from app.commands.users import note_presence
from app.web.actors import current_actor

bp = Blueprint("home", __name__)


@bp.get("/")
def start():
    """The first page of an organisation: its tasks. Whoever comes in here was seen from now on, not minutes later."""
    note_presence(current_actor())
    return redirect(url_for("tasks.index"))
