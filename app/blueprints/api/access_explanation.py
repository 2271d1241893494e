"""Why somebody may do something, in JSON."""

from app.blueprints.api import api
from app.core.errors import InvalidParameter
from app.core.phrases import phrase
from app.queries.access_explanation import explain_access
from app.schemas.access_explanation import AccessExplanationOut
from app.web.actors import current_actor
from app.web.parsing import number_parameter, read_parameters, uuid_parameter
from app.web.responses import data

THINGS = ("program_id", "task_id", "certification_id")


@api.get("/access/explanation")
def explain():
    """Whether a person has a permission for a thing, or in the organisation, and by which roles."""
    given = read_parameters("user_id", "permission", "api_key_id", *THINGS)
    missing = {name: phrase("This is required.") for name in ("user_id", "permission") if name not in given}
    if missing:
        raise InvalidParameter(missing)
    found = explain_access(
        current_actor(),
        number_parameter(given, "user_id") or 0,
        given["permission"],
        api_key_id=uuid_parameter(given, "api_key_id"),
        **{name: uuid_parameter(given, name) for name in THINGS},
    )
    return data(AccessExplanationOut.of(found))
