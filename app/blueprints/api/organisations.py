"""The organisation of a key in JSON."""

from app.blueprints.api import api
from app.commands.organisations import update_organisation
from app.queries.organisations import get_organisation
from app.schemas.organisations import OrganisationChanges, OrganisationOut
from app.web.actors import current_actor
from app.web.parsing import read_json, read_parameters, with_if_match
from app.web.resources import one_resource


@api.get("/organisation")
def show_organisation():
    """The organisation and its settings."""
    read_parameters()
    return _one(get_organisation(current_actor()))


@api.patch("/organisation")
def change_organisation():
    """Change the settings of the organisation."""
    return _one(update_organisation(current_actor(), with_if_match(read_json(OrganisationChanges))))


def _one(organisation):
    return one_resource(OrganisationOut.of(organisation))
