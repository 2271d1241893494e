"""API keys in JSON: list, rotate, revoke. Making one needs somebody who is signed in: see the pages."""

from app.blueprints.api import api
from app.commands import api_keys as commands
from app.commands.audit_events import note_reading_of
from app.queries import api_keys as queries
from app.schemas.api_keys import ApiKeyOut, NewSecretOut, Rotation
from app.web.actors import current_actor
from app.web.fieldsets import with_fields
from app.web.listing import one_page
from app.web.parsing import choice_parameter, read_body, read_json, read_paging, read_parameters
from app.web.responses import data, nothing


@api.get("/auth/keys")
def list_api_keys():
    """A page of one's own keys, and of everybody's for those who may see them."""
    actor, given = current_actor(), read_parameters("cursor", "limit", "fields", "whose")
    only_own = choice_parameter(given, "whose", queries.WHOSE) == "mine"
    paging = read_paging(given)
    if not only_own:
        note_reading_of(actor, "api_keys")
    page = queries.list_api_keys(actor, paging, only_own=only_own)
    return one_page(page, with_fields(given, ApiKeyOut, [ApiKeyOut.of(row) for row in page.rows]), given)


@api.post("/auth/keys/<uuid:key_id>/rotate")
def rotate_api_key(key_id):
    """Exchange a key for a new one, whose secret is in this answer only."""
    rotation = read_json(Rotation) if read_body() else Rotation()
    made, secret = commands.rotate_api_key(current_actor(), key_id, rotation)
    response = data(NewSecretOut(**ApiKeyOut.of(made).model_dump(), secret=secret), status=201)
    response.headers["Cache-Control"] = "no-store"
    return response


@api.delete("/auth/keys/<uuid:key_id>")
def revoke_api_key(key_id):
    """End a key at once."""
    commands.revoke_api_key(current_actor(), key_id)
    return nothing()
