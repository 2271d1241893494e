"""Before something dangerous: proving once more who one is, and then carrying on with what one wanted.

The page that asks holds everything that was typed, and goes to the very address that was asked for, with the proof
beside it. So nothing is lost, nothing is kept in between, and there is no address to be led astray to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec

from flask import Response, request
from werkzeug.datastructures import ImmutableMultiDict

from app.commands import passkeys, second_steps
from app.commands import sessions as commands
from app.core.actor import SignedIn, Visitor
from app.core.errors import Invalid, RateLimited
from app.core.parsing import parse
from app.queries.accounts import ways_of
from app.schemas.accounts import GivenCode, PasskeyAnswer
from app.schemas.sessions import Credentials
from app.web import panels
from app.web.actors import current_person, is_fresh
from app.web.languages import translated as _
from app.web.parsing import form_values
from app.web.passkey_questions import question_of
from app.web.responses import private, wants_fragment
from app.web.sign_in import confirmed, count_own_guess, this_device

P = ParamSpec("P")
PROOF = "confirm_"  # what the fields of a proof begin with; no form of ours has others like them


def needs_fresh_sign_in(view: Callable[P, Response]) -> Callable[P, Response]:
    """Let a view that changes something be called only by somebody who has proved of late who they are."""
    return _guarded(view, lambda _typed: True)


def needs_fresh_sign_in_where(
    is_dangerous: Callable[[Mapping[str, str]], bool],
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """The same, where `is_dangerous` says so of what was typed and of the address (app/web/dangerous_acts.py)."""
    return lambda view: _guarded(view, is_dangerous)


def _guarded(view: Callable[P, Response], is_dangerous: Callable[[Mapping[str, str]], bool]) -> Callable[P, Response]:
    @wraps(view)
    def asked_first(*args: P.args, **kwargs: P.kwargs) -> Response:
        wrong: dict[str, str] = {}
        values = form_values()
        proof = {name.removeprefix(PROOF): value for name, value in values.items() if name.startswith(PROOF)}
        typed = {name: value for name, value in values.items() if not name.startswith(PROOF)}
        if not is_fresh() and is_dangerous(typed):
            try:
                if not _is_proved(current_person(), proof):
                    return _ask(typed, {}, 403)
                confirmed()
            except (Invalid, RateLimited) as refused:
                wrong = getattr(refused, "fields", None) or {"_": refused.message}
                return _ask(typed, wrong, refused.status)
        request.__dict__["form"] = ImmutableMultiDict(typed)  # the view knows of its own fields only
        return view(*args, **kwargs)

    asked_first.needs_fresh_sign_in = is_dangerous  # type: ignore[attr-defined]
    return asked_first


def _is_proved(person: SignedIn, proof: dict[str, str]) -> bool:
    """Whether a passkey, code or password was given, and it is right. Raises Invalid for a wrong one, RateLimited."""
    visitor = Visitor(person.origin)
    if proof.get("passkey"):
        second_steps.count_code(visitor, person.user_id, this_device())
        given_key = parse(PasskeyAnswer, {"answer": proof["passkey"]})
        if passkeys.use_passkey(visitor, given_key, question_of("confirmation"), person.user_id) is None:
            raise Invalid({"_": _("This passkey was not accepted. Try again, or confirm in another way.")})
        return True
    if proof.get("code"):
        second_steps.count_code(visitor, person.user_id, this_device())
        if not second_steps.use_code(visitor, person.user_id, parse(GivenCode, {"code": proof["code"]})):
            raise Invalid({"confirm_code": second_steps.WRONG})
        return True
    if proof.get("password"):
        given = parse(Credentials, {"email": person.email, "password": proof["password"]})
        count_own_guess(given)
        try:
            _user_id, password = commands.check_credentials(visitor, given, this_device())
        except Invalid:
            raise Invalid({"confirm_password": _("This is not your password.")}) from None
        confirmed(password)
        return True
    return False


def _ask(typed: dict[str, str], errors: dict[str, str], status: int) -> Response:
    """The page that asks. Nobody keeps it: it holds what was typed."""
    ways = ways_of(current_person().user_id)
    to = request.full_path.rstrip("?")
    page = private("account/confirm.html", status=status, to=to, typed=typed, errors=errors, ways=ways)
    if wants_fragment():  # it takes the place of the whole page, not of the part that was to change
        root = panels.page_target()
        page.headers.update({"HX-Retarget": root, "HX-Reselect": root, "HX-Reswap": "outerSync"})
    return page
