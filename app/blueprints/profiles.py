"""One's own profile, outside of any organisation: name, how times are written, and a picture."""

from flask import Blueprint, url_for

from app.commands import profiles as commands
from app.core.errors import Invalid, RateLimited, StaleVersion, TooLarge
from app.core.portraits import MOST_BYTES
from app.queries.accounts import get_profile
from app.queries.avatars import own_avatar
from app.schemas.locales import time_zones
from app.schemas.profiles import ProfileChanges
from app.web.actors import carry_on_as, current_person
from app.web.conflicts import conflict_of
from app.web.dates import locale_choices
from app.web.door import personal
from app.web.languages import translated as _
from app.web.parsing import form_values, read_changes, read_file
from app.web.pictures import as_picture
from app.web.responses import Said, go_on, leave, show

bp = Blueprint("profiles", __name__, url_prefix="/account")


@bp.get("/profile")
@personal
def edit():
    """Who one is to others, and how one wants to have times written."""
    profile = get_profile(current_person())
    return _page(profile, _values(profile))


@bp.post("/profile")
@personal
def update():
    """Change name, time zone, the way of writing dates, whether one is shown to others, and how close lines stand."""
    person = current_person()
    try:
        profile = commands.update_profile(
            person, read_changes(ProfileChanges, empty={"time_zone": None, "locale": None})
        )
    except Invalid as refused:
        return _page(get_profile(person), form_values(), errors=refused.fields, status=422)
    except StaleVersion:
        profile = get_profile(person)
        return _page(profile, form_values(), conflict=conflict_of(profile, form_values()), status=409)
    looks_other = _look(person.profile) != _look(profile)  # all around what is swapped, too
    carry_on_as(profile)
    return (leave if looks_other else go_on)(url_for(".edit"), Said(_("Changes saved.")))


@bp.post("/profile/picture")
@personal
def change_picture():
    """Take another picture."""
    person = current_person()
    try:
        commands.count_picture(person)
        commands.change_avatar(person, read_file("picture", MOST_BYTES))
    except (Invalid, RateLimited, TooLarge) as refused:
        profile = get_profile(person)
        told = getattr(refused, "fields", None) or {"picture": refused.message}
        page = _page(profile, _values(profile), errors=told, status=refused.status)
        page.headers.update(refused.headers)
        return page
    return go_on(url_for(".edit"), Said(_("This is your picture now.")))


@bp.post("/profile/picture/deletion")
@personal
def remove_picture():
    """Take the picture away."""
    commands.remove_avatar(current_person())
    return go_on(url_for(".edit"), Said(_("Your picture is removed.")))


@bp.get("/profile/picture/<uuid:avatar_id>")
@personal
def picture(avatar_id):
    """The picture itself."""
    return as_picture(own_avatar(current_person(), avatar_id))


def _values(profile):
    values = {name: getattr(profile, name) or "" for name in ProfileChanges.model_fields}
    return values | {name: str(getattr(profile, name)).lower() for name in ("is_shown", "is_compact")}


def _look(profile):
    return profile.locale, profile.is_compact


def _page(profile, values, *, errors=None, conflict=None, status=200):
    page = show(
        "account/profile.html",
        status=status,
        person=current_person(),
        profile=profile,
        values=values,
        errors=errors or {},
        conflict=conflict,
        time_zones=time_zones(),
        locales=locale_choices(),
    )
    page.headers["Cache-Control"] = "no-store"
    return page
