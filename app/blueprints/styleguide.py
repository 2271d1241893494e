"""The component library: every part of a page in every state, on a developer's machine and in the tests only."""

from flask import Blueprint, g

from app.web.door import public
from app.web.parsing import choice_parameter, read_parameters
from app.web.responses import show
from app.web.styleguide import SOMEBODY, samples

bp = Blueprint("styleguide", __name__)

LAYOUTS = ("page", "account", "bare")


@bp.get("/styleguide")
@public
def index():
    """Every component, in the frame of one of the layouts, from either side, in either density."""
    parameters = read_parameters("layout", "dir", "density")
    layout = choice_parameter(parameters, "layout", LAYOUTS) or "page"
    direction = choice_parameter(parameters, "dir", ("ltr", "rtl")) or "ltr"
    density = choice_parameter(parameters, "density", ("comfortable", "compact")) or "comfortable"
    if layout != "bare":
        g.actor, g.slug = SOMEBODY, SOMEBODY.tenant.slug
    return show(f"styleguide/{layout}.html", direction=direction, density=density, **samples())
