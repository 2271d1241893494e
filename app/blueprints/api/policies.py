"""Governance policies in JSON."""

from app.blueprints.api import api
from app.queries import governance_policies as queries
from app.schemas.certifications import PolicyOut
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.listing import whole_list
from app.web.parsing import read_parameters
from app.web.responses import data


@api.get("/policies")
def list_policies():
    """The active policies."""
    given = read_parameters("fields")
    rows = [_out(row) for row in queries.active_policies(current_actor())]
    return whole_list(with_fields(given, PolicyOut, rows))


@api.get("/policies/<uuid:policy_id>")
def get_policy(policy_id):
    """One policy with its rules."""
    given = read_parameters("fields")
    return data(with_fields(given, PolicyOut, [_out(queries.get_policy(current_actor(), policy_id))])[0])


def _out(row):
    return PolicyOut.model_validate(row, from_attributes=True)
