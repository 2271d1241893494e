"""Passkeys: one's own, under the account; and signing in with one, alone or as the second step.

An answer comes by an ordinary form, whose script has asked the browser for it (app/static/js/passkeys.js).
"""

from flask import Blueprint, redirect, request, url_for

from app.commands import passkeys, second_steps
from app.core.actor import Visitor
from app.core.errors import Conflict, Invalid, RateLimited
from app.queries.accounts import own_passkey, ways_of
from app.schemas.accounts import NewPasskey, PasskeyAnswer, PasskeyName
from app.web.actors import current_person, is_fresh, origin
from app.web.devices import device
from app.web.door import personal, public
from app.web.fresh_sign_in import needs_fresh_sign_in
from app.web.languages import translated as _
from app.web.parsing import form_values, read_form
from app.web.passkey_questions import ask_for_new_passkey, ask_for_passkey, question_of
from app.web.responses import Said, asked_again, go_on, private
from app.web.sign_in import first_step, into, let_in, this_device

bp = Blueprint("passkeys", __name__)


@bp.post("/sign-in/passkey/question")
@public
def ask_to_sign_in():
    """Ask for any passkey of this site. It is the same question for everybody, and tells nothing of anybody."""
    return ask_for_passkey("signing_in")


@bp.post("/sign-in/passkey")
@public
def sign_in():
    """Sign in with a passkey alone: it is something that one has, and has been unlocked by who one is or knows."""
    visitor, wanted = Visitor(origin()), form_values().get("next", "")
    try:
        given = read_form(PasskeyAnswer)
        passkeys.count_passkey(visitor)
        user_id = passkeys.use_passkey(visitor, given, question_of("signing_in"))
        if user_id is None:
            raise Invalid({"_": passkeys.WRONG})
    except (Invalid, RateLimited) as refused:
        # The one that was just refused is not offered again by itself.
        return asked_again(refused, "sessions/new.html", values={}, next=wanted, offer=False)
    let_in(user_id, "passkey")
    return into(user_id, wanted)


@bp.post("/sign-in/second-step/passkey/question")
@public
def ask_for_second_step():
    """Ask for a passkey of the person whose password was right in this session."""
    return ask_for_passkey("second_step", first_step()["user_id"])


@bp.post("/sign-in/second-step/passkey")
@public
def take_second_step():
    """Take a passkey as the second step, and go where one wanted to go."""
    step, visitor = first_step(), Visitor(origin())
    try:
        given = read_form(PasskeyAnswer)
        second_steps.count_code(visitor, step["user_id"], this_device())
        if passkeys.use_passkey(visitor, given, question_of("second_step"), step["user_id"]) is None:
            raise Invalid({"_": passkeys.WRONG})
    except (Invalid, RateLimited) as refused:
        return asked_again(refused, "sessions/second_step.html", ways=ways_of(step["user_id"]))
    let_in(step["user_id"], "passkey")
    return into(step["user_id"], step["next"])


@bp.post("/account/confirmation/question")
@personal
def ask_to_confirm():
    """Ask for a passkey of who is signed in, to prove once more who they are."""
    return ask_for_passkey("confirmation", current_person().user_id)


@bp.post("/account/passkeys/addition")
@personal
@needs_fresh_sign_in
def add():
    """Begin to add a passkey."""
    return redirect(url_for(".new"), 303)


@bp.get("/account/passkeys/new")
@personal
def new():
    """The form of a new passkey. Who has not proved of late who they are begins at the account."""
    if not is_fresh():
        return redirect(url_for("account.show_account"), 303)
    return _new_page({}, {"name": device(request.user_agent.string)}, 200)


@bp.post("/account/passkeys/question")
@personal
@needs_fresh_sign_in
def ask_for_new():
    """Ask for a new passkey."""
    return ask_for_new_passkey(current_person())


@bp.post("/account/passkeys")
@personal
@needs_fresh_sign_in
def create():
    """Keep a new passkey; where it is the first second way, show the recovery codes, this once."""
    person = current_person()
    try:
        codes = passkeys.register_passkey(person, read_form(NewPasskey), question_of("registration"))
    except (Invalid, Conflict) as refused:
        errors = getattr(refused, "fields", None) or {"_": refused.message}
        return _new_page(_in_words(errors), form_values(), refused.status)
    if codes:
        return private("account/codes.html", person=person, codes=codes, is_new=True)
    return go_on(url_for("account.show_account"), Said(_("The passkey is added.")))


@bp.get("/account/passkeys/<uuid:passkey_id>/edit")
@personal
def edit(passkey_id):
    """The form of another name."""
    passkey = own_passkey(current_person(), passkey_id)
    return _edit_page(passkey, {}, {"name": passkey.name}, 200)


@bp.post("/account/passkeys/<uuid:passkey_id>")
@personal
def update(passkey_id):
    """Call a passkey something else."""
    person = current_person()
    try:
        passkeys.rename_passkey(person, passkey_id, read_form(PasskeyName))
    except Invalid as refused:
        return _edit_page(own_passkey(person, passkey_id), refused.fields, form_values(), refused.status)
    return go_on(url_for("account.show_account"), Said(_("The passkey is renamed.")))


@bp.get("/account/passkeys/<uuid:passkey_id>/delete")
@personal
def confirm_delete(passkey_id):
    """Ask before a passkey is removed."""
    person = current_person()
    passkey, ways = own_passkey(person, passkey_id), ways_of(person.user_id)
    return private("passkeys/delete.html", person=person, passkey=passkey, ways=ways)


@bp.post("/account/passkeys/<uuid:passkey_id>/deletion")
@personal
@needs_fresh_sign_in
def delete(passkey_id):
    """Let a passkey count no longer."""
    passkeys.remove_passkey(current_person(), passkey_id)
    return go_on(url_for("account.show_account"), Said(_("The passkey is removed.")))


def _in_words(errors):
    """What is wrong with a new passkey: without a script there is no answer, and nobody has made a mistake."""
    if errors.keys() & {"answer"}:
        return {"_": _("Your browser has sent no passkey. Adding one needs JavaScript.")} | {
            name: told for name, told in errors.items() if name != "answer"
        }
    return errors


def _new_page(errors, values, status):
    return private("passkeys/new.html", status=status, person=current_person(), errors=errors, values=values)


def _edit_page(passkey, errors, values, status):
    return private(
        "passkeys/edit.html", status=status, person=current_person(), passkey=passkey, errors=errors, values=values
    )
