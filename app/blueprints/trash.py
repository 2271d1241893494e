"""The trash: what was deleted and can come back."""

from flask import Blueprint

from app.queries.trash import deleted_programs, deleted_tasks
from app.web.actors import current_actor
from app.web.responses import show

bp = Blueprint("trash", __name__)


@bp.get("/trash")
def index():
    """Everything that is in the trash."""
    actor = current_actor()
    return show("trash/index.html", "trash/_list.html", programs=deleted_programs(actor), tasks=deleted_tasks(actor))
