"""API keys: list, make, rotate, revoke. A secret is shown once, in the answer that made it."""

from flask import Blueprint, url_for

from app.commands import api_keys as commands
from app.commands.audit_events import note_reading_of
from app.core.errors import Forbidden, Invalid
from app.core.parsing import parse
from app.core.permissions import require
from app.queries import api_keys as queries
from app.schemas.api_keys import ApiKeyForm, Rotation
from app.web import api_key_pages as pages
from app.web.actors import current_actor
from app.web.dates import zone_of_reader
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.languages import translated as _
from app.web.listing import page_context
from app.web.parsing import choice_parameter, form_values, read_form, read_paging, read_parameters
from app.web.responses import Said, go_on, show

bp = Blueprint("api_keys", __name__)


@bp.get("/api-keys")
def index():
    """One's own keys, and everybody's for those who may see them."""
    actor, given = current_actor(), read_parameters("cursor", "limit", "whose")
    only_own = choice_parameter(given, "whose", queries.WHOSE) == "mine"
    paging = read_paging(given)
    if not only_own:
        note_reading_of(actor, "api_keys")
    page = queries.list_api_keys(actor, paging, only_own=only_own)
    keys = [pages.told(row) for row in page.rows]
    return show("api_keys/index.html", "api_keys/_list.html", page=page_context(page), keys=keys, only_own=only_own)


@bp.get("/api-keys/new")
def new():
    """The form for a new key."""
    actor = current_actor()
    require(actor, "api_key.create")
    return _form(actor, {}, errors={})


@bp.post("/api-keys")
@needs_fresh_sign_in
def create():
    """Make a key, and show its secret."""
    actor, values = current_actor(), form_values()
    require(actor, "api_key.create")
    try:
        given = parse(ApiKeyForm, pages.without_ticks(values) | {"scopes": pages.ticked(values)}, typed=False)
        made, secret = commands.create_api_key(actor, given.wanted(actor.user_id, zone_of_reader()))
    except Invalid as refused:
        return _form(actor, values, errors=_by_field(refused.fields), status=422)
    return _secret(made, secret)


@bp.get("/api-keys/<uuid:key_id>/rotate")
def confirm_rotate(key_id):
    """Ask for how long the old secret is still needed."""
    actor = current_actor()
    require(actor, "api_key.create")
    if queries.get_api_key(actor, key_id).user_id != actor.user_id:
        raise Forbidden
    return _rotation(actor, key_id, {"overlap_hours": "24"}, errors={})


@bp.post("/api-keys/<uuid:key_id>/rotation")
@needs_fresh_sign_in
def rotate(key_id):
    """Make a new key in the place of this one, and show its secret."""
    actor = current_actor()
    try:
        made, secret = commands.rotate_api_key(actor, key_id, read_form(Rotation))
    except Invalid as refused:
        return _rotation(actor, key_id, form_values(), errors=refused.fields, status=422)
    return _secret(made, secret, old=queries.get_api_key(actor, key_id))


@bp.get("/api-keys/<uuid:key_id>/revoke")
def confirm_revoke(key_id):
    """Ask before a key ends."""
    key = queries.get_api_key(current_actor(), key_id)
    return show("api_keys/revoke.html", key=pages.told(key))


@bp.post("/api-keys/<uuid:key_id>/revocation")
def revoke(key_id):
    """End a key at once."""
    revoked = commands.revoke_api_key(current_actor(), key_id)
    return go_on(url_for(".index"), Said(_("The key {name} is revoked.").format(name=revoked.name)))


def _form(actor, values, *, errors, status=200):
    page = show(
        "api_keys/new.html",
        "api_keys/_form.html",
        status=status,
        values={"reach": "chosen", "lasts": "90"} | values,
        errors=errors,
        groups=pages.choices(actor),
        ticked=pages.ticked(values),
        lasting=pages.lasting(),
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _rotation(actor, key_id, values, *, errors, status=200):
    key = queries.get_api_key(actor, key_id)
    return show(
        "api_keys/rotate.html",
        status=status,
        key=pages.told(key),
        values=values,
        errors=errors,
        overlaps=pages.overlaps(),
    )


def _secret(made, secret, old=None):
    page = show("api_keys/made.html", status=201, key=made, scopes=pages.in_words(made.scopes), secret=secret, old=old)
    page.headers["Cache-Control"] = "no-store"
    return page


def _by_field(fields):
    """What is wrong, by the fields of the form: an end that is past stands with the day, whoever chose it."""
    names = {"expires_at": "ends_on"}
    return {names.get(name.partition(".")[0], name.partition(".")[0]): said for name, said in fields.items()}
