"""Where an organisation starts."""

from flask import Blueprint, redirect, url_for

bp = Blueprint("home", __name__)


@bp.get("/")
def start():
    """The first page of an organisation: its tasks."""
    return redirect(url_for("tasks.index"))
