"""Ways of signing in that are changed twice at the same moment: what a person was told last is what holds."""

from __future__ import annotations

from types import SimpleNamespace

import pyotp
import pytest

from app.commands.passkeys import remove_passkey
from app.commands.recovery_codes import HOW_MANY_CODES, make_recovery_codes
from app.commands.second_steps import confirm_totp, remove_totp, start_totp, use_code
from app.core import clock
from app.core.actor import SignedIn, Visitor
from app.queries.accounts import waiting_secret, ways_of
from app.schemas.accounts import GivenCode
from tests.cast import afresh
from tests.factories import a_passkey
from tests.security.newcomers import newcomer

SECRET, CODES = "totp_secrets WHERE user_id = %s", "recovery_codes WHERE user_id = %s"


@pytest.fixture
def guarded(acme):
    """Somebody with the secret of an app that waits for its first code, and that code."""
    person = newcomer(acme)
    actor = SignedIn(person.user_id, person.name, person.actor.email)
    start_totp(actor)
    secret = waiting_secret(actor).opened()
    afresh()
    return SimpleNamespace(person=person, actor=actor, code=GivenCode(code=pyotp.TOTP(secret).at(clock.now())))


def test_an_app_that_was_just_confirmed_is_not_put_back_by_another_window(one_after_another, guarded):
    told = one_after_another(
        SECRET,
        [guarded.actor.user_id],
        lambda: confirm_totp(guarded.actor, guarded.code),
        lambda: start_totp(guarded.actor),
    )
    assert told == ["done", "Conflict"]
    assert ways_of(guarded.actor.user_id).has_second_step


def test_the_recovery_codes_that_were_shown_count_though_the_button_was_pressed_twice(one_after_another, guarded):
    shown = []
    told = one_after_another(
        SECRET, [guarded.actor.user_id], *[lambda: shown.append(confirm_totp(guarded.actor, guarded.code))] * 2
    )
    assert sorted(told) == ["Conflict", "done"]
    (codes,) = shown
    assert use_code(Visitor(), guarded.actor.user_id, GivenCode(code=codes[0])) == "recovery code"


def test_of_recovery_codes_that_are_made_twice_at_once_the_later_ones_count(one_after_another, guarded):
    confirm_totp(guarded.actor, guarded.code)
    told = one_after_another(CODES, [guarded.actor.user_id], *[lambda: make_recovery_codes(guarded.actor)] * 2)
    assert told == ["done", "done"]
    assert ways_of(guarded.actor.user_id).codes_left == HOW_MANY_CODES


def test_recovery_codes_go_with_app_and_passkey_though_both_are_removed_at_once(one_after_another, guarded):
    """A password that is enough again has no codes beside it."""
    confirm_totp(guarded.actor, guarded.code)
    passkey = a_passkey(guarded.person)
    told = one_after_another(
        "users WHERE user_id = %s",
        [guarded.actor.user_id],
        lambda: remove_totp(guarded.actor),
        lambda: remove_passkey(guarded.actor, passkey),
    )
    assert told == ["done", "done"]
    assert ways_of(guarded.actor.user_id).codes_left == 0
