"""Grants of roles in JSON."""

from app.blueprints.api import api
from app.commands import access_grants as commands
from app.core.idempotency import once
from app.models.access_grants import AccessGrant
from app.queries import access_grants as queries
from app.schemas.access_grants import AccessGrantOut, NewAccessGrant
from app.web.actors import current_actor
from app.web.listing import one_page
from app.web.parsing import idempotent_request, read_json, read_paging, read_parameters
from app.web.responses import data, nothing


@api.get("/access-grants")
def list_access_grants():
    """A page of grants."""
    given = read_parameters("cursor", "limit")
    page = queries.list_access_grants(current_actor(), read_paging(given))
    return one_page(page, [AccessGrantOut.of(row) for row in page.rows], given)


@api.post("/access-grants")
def create_access_grant():
    """Give a role."""
    actor, new = current_actor(), read_json(NewAccessGrant)
    grant = once(actor, idempotent_request(), AccessGrant, lambda: commands.create_access_grant(actor, new))
    return data(AccessGrantOut.of(grant), status=201)


@api.delete("/access-grants/<uuid:grant_id>")
def delete_access_grant(grant_id):
    """Take a role away."""
    commands.delete_access_grant(current_actor(), grant_id)
    return nothing()
