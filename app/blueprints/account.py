"""One's own account, outside of any organisation: password, second step, sessions, what happened."""

import segno
from flask import Blueprint, redirect, url_for
from markupsafe import Markup
from pyotp import TOTP

from app.commands import accounts, second_steps
from app.commands.recovery_codes import make_recovery_codes
from app.core.actor import Visitor
from app.core.errors import Invalid, RateLimited
from app.queries.accounts import list_events, list_sessions, waiting_secret, ways_of
from app.schemas.accounts import GivenCode, PasswordChange
from app.schemas.sessions import Credentials
from app.web.actors import current_person
from app.web.door import personal
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.languages import translated as _
from app.web.parsing import read_form
from app.web.responses import Said, asked_again, go_on, private
from app.web.sentences import told_of_account
from app.web.sign_in import count_own_guess

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
@personal
def show_account():
    """How one signs in, and what happened last."""
    person = current_person()
    events = [told_of_account(event) for event in list_events(person, 5)]
    ways = ways_of(person.user_id)
    return private("account/show.html", "account/_account.html", person=person, ways=ways, events=events)


@bp.get("/password")
@personal
def edit_password():
    """The form of another password."""
    return private("account/password.html", person=current_person(), errors={}, values={"end_others": "on"})


@bp.post("/password")
@personal
def update_password():
    """Exchange the password. The old one is a guess like any other."""
    person = current_person()
    try:
        change = read_form(PasswordChange)
        count_own_guess(Credentials(email=person.email, password=change.old_password))
        accounts.change_password(person, change)
    except (Invalid, RateLimited) as refused:
        return asked_again(refused, "account/password.html", person=person, values={})
    return go_on(url_for(".show_account"), Said(_("Your password is changed.")))


@bp.get("/sessions")
@personal
def sessions():
    """Where one is signed in."""
    person = current_person()
    return private("account/sessions.html", "account/_sessions.html", person=person, sessions=list_sessions(person))


@bp.post("/sessions/<uuid:session_id>/deletion")
@personal
def end_session(session_id):
    """End one of one's sessions."""
    accounts.end_own_session(current_person(), session_id)
    return go_on(url_for(".sessions"), Said(_("That device is signed out.")))


@bp.post("/sessions/deletion")
@personal
def end_other_sessions():
    """Sign out everywhere else."""
    ended = accounts.end_other_sessions(current_person())
    said = _("You are signed out everywhere else.") if ended else _("You were signed in nowhere else.")
    return go_on(url_for(".sessions"), Said(said))


@bp.get("/activity")
@personal
def activity():
    """What happened to the account."""
    person = current_person()
    events = [told_of_account(event) for event in list_events(person)]
    return private("account/activity.html", "account/_activity.html", person=person, events=events)


@bp.post("/app")
@personal
@needs_fresh_sign_in
def start_app():
    """Begin to set up an authenticator app."""
    second_steps.start_totp(current_person())
    return redirect(url_for(".new_app"), 303)


@bp.get("/app/new")
@personal
def new_app():
    """The secret for the app, to be scanned or typed, and the question for a first code."""
    return _app_page({}, 200)


@bp.post("/app/confirmation")
@personal
@needs_fresh_sign_in
def confirm_app():
    """Let the app count, and show the recovery codes, this once."""
    person = current_person()
    try:
        second_steps.count_code(Visitor(person.origin), person.user_id)
        codes = second_steps.confirm_totp(person, read_form(GivenCode))
    except (Invalid, RateLimited) as refused:
        return _app_page(getattr(refused, "fields", None) or {"_": refused.message}, refused.status)
    if not codes:
        return go_on(url_for(".show_account"), Said(_("The authenticator app is set up.")))
    return private("account/codes.html", person=person, codes=codes, is_new=True)


@bp.post("/app/deletion")
@personal
@needs_fresh_sign_in
def remove_app():
    """Let the app count no longer."""
    second_steps.remove_totp(current_person())
    return go_on(url_for(".show_account"), Said(_("The authenticator app is removed.")))


@bp.post("/recovery-codes")
@personal
@needs_fresh_sign_in
def make_codes():
    """Make new recovery codes, and show them, this once."""
    person = current_person()
    return private("account/codes.html", person=person, codes=make_recovery_codes(person), is_new=False)


def _app_page(errors, status):
    person = current_person()
    waiting = waiting_secret(person)
    if waiting is None:
        return redirect(url_for(".show_account"), 303)
    secret = waiting.opened()
    address = TOTP(secret).provisioning_uri(name=person.email, issuer_name="Oversing")
    drawing = segno.make_qr(address, error="m").svg_inline(
        scale=1, border=2, omitsize=True, svgclass="qr", lineclass=""
    )
    return private(
        "account/app.html",
        status=status,
        person=person,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        drawing=Markup(drawing),  # noqa: S704 (segno writes paths and numbers, nothing of what it is given)
        errors=errors,
    )
