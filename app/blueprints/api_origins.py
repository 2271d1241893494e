"""Which pages of other sites may call the API."""

from flask import Blueprint, url_for

from app.commands.api_origins import set_api_origins
from app.core.errors import Invalid
from app.queries.api_origins import list_api_origins
from app.schemas.api_origins import ApiOrigins
from app.web.actors import current_actor
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.languages import translated as _
from app.web.parsing import form_values, read_form
from app.web.responses import Said, go_on, show

bp = Blueprint("api_origins", __name__)


@bp.get("/api-origins")
def edit():
    """The pages that may call the API."""
    origins = list_api_origins(current_actor())
    return show("api_origins/edit.html", values={"origins": "\n".join(origins)}, errors={})


@bp.post("/api-origins")
@needs_fresh_sign_in
def update():
    """Let these pages call the API, and no others."""
    actor = current_actor()
    try:
        set_api_origins(actor, read_form(ApiOrigins))
    except Invalid as refused:
        list_api_origins(actor)
        return show("api_origins/edit.html", status=422, values=form_values(), errors=refused.fields)
    return go_on(url_for(".edit"), Said(_("Changes saved.")))
