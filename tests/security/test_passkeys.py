"""Passkeys: what an authenticator answers lets its owner in, and nothing else lets anybody in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import cbor2
import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy import func, select, update

from app.commands import passkeys
from app.core import clock
from app.core.database import db
from app.models.passkeys import Passkey
from app.models.second_steps import RecoveryCode
from app.models.user_sessions import UserSession
from app.models.users import User
from app.web.stored_sessions import token_hash
from tests.authenticator import (
    EDDSA,
    ES256,
    PRESENT,
    RS256,
    VERIFIED,
    Authenticator,
    cose_key,
    decoded,
    encoded,
    new_key,
)
from tests.cast import PASSWORD, Organisation, Player
from tests.mailbox import mails_to
from tests.security.newcomers import newcomer
from tests.security.test_account import Seat, events, grow_stale, later, trail

SIGN_IN, SECOND, CONFIRM, ADD = (
    "/sign-in/passkey",
    "/sign-in/second-step/passkey",
    "/account/confirmation",
    "/account/passkeys",
)


@pytest.fixture
def dora(acme: Organisation) -> Player:
    """Somebody whose account nobody else looks at."""
    return newcomer(acme)


@pytest.fixture
def browser(web_app, dora: Player) -> Seat:
    """A browser in which dora has signed in."""
    return Seat(web_app, dora).sign_in()


@pytest.fixture
def device(browser: Seat) -> Authenticator:
    """A device that holds a passkey of dora's."""
    made = Authenticator()
    assert add(browser, made).status_code == 200
    return made


@pytest.fixture
def stranger(web_app, dora: Player) -> Seat:
    """A browser in which nobody has signed in, on dora's network."""
    return Seat(web_app, dora)


def ask(seat: Seat, where: str) -> dict[str, Any]:
    answer = seat.post(f"{where}/question")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.json)


def add(seat: Seat, device: Authenticator, name: str = "Blue key", **wrong: Any) -> Any:
    return seat.post(ADD, name=name, answer=device.make(ask(seat, ADD), **wrong))


def show(seat: Seat, device: Authenticator, where: str = SIGN_IN, **wrong: Any) -> Any:
    return seat.post(where, answer=device.show(ask(seat, where), **wrong))


def kept(player: Player) -> list[Passkey]:
    db.session.rollback()
    found = list(db.session.scalars(select(Passkey).where(Passkey.user_id == player.user_id).order_by(Passkey.id)))
    db.session.expunge_all()
    return found


def codes_left(player: Player) -> int:
    db.session.rollback()
    mine = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == player.user_id)
    return int(db.session.scalar(mine) or 0)


def letters(player: Player) -> list[str]:
    """The mails to somebody, oldest first, by their templates."""
    return [mail.template for mail in mails_to(player.actor.email)]


# ---- As it should be ----


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
@pytest.mark.parametrize("synced", [True, False], ids=["kept in several devices", "kept in one device"])
def test_a_passkey_lets_its_owner_in_alone_again_and_again(web_app, browser, dora, algorithm, synced):
    device = Authenticator(algorithm, synced)
    assert add(browser, device).status_code == 200
    for _ in range(2):
        seat = Seat(web_app, dora)
        answer = show(seat, device)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/o/{dora.organisation.slug}/")
        assert seat.is_in
    [passkey] = kept(dora)
    assert passkey.last_used_at is not None
    assert passkey.sign_count == device.count
    assert "Signed in with passkey" in browser.get("/account/activity").text


def test_the_question_of_a_new_passkey_asks_for_what_we_need_and_tells_nothing_of_the_person(browser, dora):
    question = ask(browser, ADD)
    assert question["rp"] == {"id": "localhost", "name": "Oversing"}
    assert [each["alg"] for each in question["pubKeyCredParams"]] == [ES256, EDDSA, RS256]
    assert question["attestation"] == "none"
    assert question["authenticatorSelection"]["residentKey"] == "required"
    assert question["authenticatorSelection"]["userVerification"] == "required"
    assert question["user"]["name"] == dora.actor.email
    assert len(decoded(question["user"]["id"])) == 32  # drawn by lot
    assert len(question["challenge"]) >= 43


def test_all_passkeys_of_a_person_are_filed_under_one_handle_and_no_device_is_asked_twice(browser, dora, device):
    question = ask(browser, ADD)
    assert [each["id"] for each in question["excludeCredentials"]] == [encoded(device.credential_id)]
    assert add(browser, Authenticator(), "Phone").status_code == 303
    first, second = kept(dora)
    assert first.user_handle == second.user_handle == device.user_handle


def test_the_first_passkey_brings_recovery_codes_and_the_second_leaves_them(browser, dora):
    shown = add(browser, Authenticator())
    codes = re.findall(r"<code>([A-Z2-9-]+)</code>", shown.text)
    assert len(set(codes)) == 10
    assert shown.headers["Cache-Control"] == "no-store"
    again = add(browser, Authenticator(), "Phone")
    assert again.headers["Location"] == "/account"
    assert codes_left(dora) == 10


def test_a_passkey_beside_an_app_leaves_the_codes_of_before_and_so_does_an_app_beside_a_passkey(web_app, acme):
    one, two = newcomer(acme), newcomer(acme)
    first = Seat(web_app, one).sign_in()
    first.set_up_app()
    assert add(first, Authenticator()).status_code == 303
    second = Seat(web_app, two).sign_in()
    add(second, Authenticator())
    second.post("/account/app")
    secret = re.search(r'<code class="digest">([A-Z2-7 ]+)</code>', second.get("/account/app/new").text)
    assert secret
    code = pyotp.TOTP(secret[1].replace(" ", "")).at(clock.now())
    assert second.post("/account/app/confirmation", code=code).status_code == 303
    assert (codes_left(one), codes_left(two)) == (10, 10)


def test_with_a_passkey_the_password_alone_lets_nobody_in(web_app, dora, device):
    seat = Seat(web_app, dora).sign_in()
    assert seat.answer.headers["Location"] == "/sign-in/second-step"
    assert not seat.is_in
    half = seat.cookie
    assert show(seat, device, SECOND).headers["Location"] == f"/o/{dora.organisation.slug}/"
    assert seat.is_in
    assert seat.cookie != half


def test_who_signs_in_with_a_passkey_is_asked_for_no_code(web_app, browser, dora, device):
    browser.post("/account/app")
    seat = Seat(web_app, dora)
    assert show(seat, device).headers["Location"] == f"/o/{dora.organisation.slug}/"
    assert seat.is_in


def test_signing_in_with_a_passkey_gives_a_new_session(web_app, dora, device):
    seat = Seat(web_app, dora)
    question = ask(seat, SIGN_IN)
    before = seat.cookie
    assert seat.post(SIGN_IN, answer=device.show(question)).status_code == 303
    assert seat.cookie != before
    db.session.rollback()
    left = select(func.count()).select_from(UserSession).where(UserSession.data["passkey_for_signing_in"].is_not(None))
    assert not db.session.scalar(left.where(UserSession.user_id == dora.user_id))


def test_a_passkey_leads_to_where_one_wanted_to_go_and_to_no_other_site(web_app, dora, device):
    for wanted, leads in (
        ("/account/sessions", "/account/sessions"),
        ("https://evil.example", f"/o/{dora.organisation.slug}/"),
        ("//evil.example", f"/o/{dora.organisation.slug}/"),
    ):
        seat = Seat(web_app, dora)
        answer = seat.post(SIGN_IN, answer=device.show(ask(seat, SIGN_IN)), next=wanted)
        assert answer.headers["Location"] == leads


def test_a_passkey_answers_whether_it_is_you_and_what_was_typed_goes_on(browser, dora, device):
    grow_stale(dora)
    asked = browser.post("/account/recovery-codes")
    assert asked.status_code == 403
    assert "Use a passkey" in asked.text
    before = browser.cookie
    proof = device.show(ask(browser, CONFIRM))
    assert browser.post("/account/recovery-codes", confirm_passkey=proof).status_code == 200
    assert browser.cookie != before
    assert browser.post("/account/recovery-codes").status_code == 200


def test_a_passkey_is_added_and_removed_by_who_has_just_proved_who_they_are(browser, dora, device):
    [passkey] = kept(dora)
    question = ask(browser, ADD)
    grow_stale(dora)
    assert browser.get("/account/passkeys/new").headers["Location"] == "/account"
    assert browser.post("/account/passkeys/addition").status_code == 403
    assert browser.post(f"{ADD}/question").status_code == 403
    another = Authenticator()
    assert browser.post(ADD, name="Phone", answer=another.make(question)).status_code == 403
    assert browser.post(f"{ADD}/{passkey.id}/deletion").status_code == 403
    assert [each.id for each in kept(dora)] == [passkey.id]
    # What was typed goes on, and the passkey with it.
    added = browser.post(ADD, name="Phone", answer=another.make(question), confirm_password=PASSWORD)
    assert added.status_code == 303
    assert [each.name for each in kept(dora)] == ["Blue key", "Phone"]


def test_a_passkey_is_renamed_and_removed(web_app, browser, dora, device):
    [passkey] = kept(dora)
    assert browser.post(f"{ADD}/{passkey.id}", name="").status_code == 422
    assert browser.post(f"{ADD}/{passkey.id}", name="<b>Red</b>").status_code == 303
    page = browser.get("/account").text
    assert "&lt;b&gt;Red&lt;/b&gt;" in page
    assert "<b>Red</b>" not in page
    assert "only second way" in browser.get(f"{ADD}/{passkey.id}/delete").text
    assert browser.post(f"{ADD}/{passkey.id}/deletion").status_code == 303
    assert kept(dora) == []
    assert codes_left(dora) == 0
    assert Seat(web_app, dora).sign_in().is_in
    seat = Seat(web_app, dora)
    assert show(seat, device).status_code == 422
    assert not seat.is_in
    assert browser.post(f"{ADD}/{passkey.id}/deletion").status_code == 404


def test_the_codes_stay_while_there_is_another_second_way(browser, dora, device):
    add(browser, Authenticator(), "Phone")
    first, _second = kept(dora)
    browser.post(f"{ADD}/{first.id}/deletion")
    assert codes_left(dora) == 10


def test_what_becomes_of_passkeys_is_told_to_the_person_by_mail_and_to_their_organisations(browser, dora, device):
    [passkey] = kept(dora)
    browser.post(f"{ADD}/{passkey.id}", name="Red key")
    browser.post(f"{ADD}/{passkey.id}/deletion")
    told = ["user.passkey_added", "user.passkey_renamed", "user.passkey_removed"]
    assert events(dora) == ["user.signed_in", *told]
    assert trail(dora) == ["user.passkey_added", "user.passkey_removed"]
    assert letters(dora) == ["passkey_added", "passkey_removed"]
    assert "Passkey renamed to Red key" in browser.get("/account/activity").text


def test_nobody_has_more_passkeys_than_anybody_needs(browser, dora, device, monkeypatch):
    monkeypatch.setattr(passkeys, "MOST", 1)
    assert add(browser, Authenticator(), "Phone").status_code == 409
    assert len(kept(dora)) == 1


# ---- As somebody would like it to be ----


def under(key: dict[int, Any]) -> dict[str, Any]:
    """An answer that holds this key."""
    return {"public_key": cbor2.dumps(key)}


# Each is an answer of the right device to the right question, but for one thing.
FORGED: dict[str, Callable[[], dict[str, Any]]] = {
    "of another site's page": lambda: {"origin": "https://evil.example"},
    "of a page with our name elsewhere": lambda: {"origin": "http://localhost.evil.example"},
    "of another port": lambda: {"origin": "http://localhost:81"},
    "in a frame of another page": lambda: {"cross_origin": True},
    "for another site": lambda: {"site": "evil.example"},
    "to another question": lambda: {"challenge": encoded(b"x" * 32)},
    "to no question": lambda: {"challenge": ""},
    "without anybody unlocking": lambda: {"flags": PRESENT},
    "without anybody there": lambda: {"flags": VERIFIED},
}
OF_A_NEW_KEY: dict[str, Callable[[], dict[str, Any]]] = {
    "as if it were shown": lambda: {"type": "webauthn.get"},
    "with a weak RSA key": lambda: under(cose_key(rsa.generate_private_key(65537, 1024))),
    "with a key of another curve": lambda: under(cose_key(ec.generate_private_key(ec.SECP384R1()))),
    "with a point on no curve": lambda: under({1: 2, 3: ES256, -1: 1, -2: bytes(32), -3: b"1" * 32}),
    "with an RSA key that says it is another": lambda: under(cose_key(new_key(RS256)) | {3: ES256}),
    "with SHA-1": lambda: under(cose_key(new_key(RS256)) | {3: -65535}),
    "with a key of no known kind": lambda: under({1: 4, 3: ES256, -1: b"secret"}),
    "with a key that is no key": lambda: {"public_key": b"\xff"},
    "with endless nesting": lambda: {"public_key": b"\x81" * 30_000},
    "with an attestation that we never ask for": lambda: {"fmt": "tpm", "statement": {"ver": "2.0"}},
    "with a statement that attests nothing": lambda: {"statement": {"sig": b"x"}},
    "with a self-signature that is none": lambda: {"fmt": "packed", "statement": {"alg": ES256, "sig": b"x" * 70}},
    "under another name": lambda: {"credential_id": b"y" * 16},
}
OF_A_KEY: dict[str, Callable[[], dict[str, Any]]] = {
    "as if it were new": lambda: {"type": "webauthn.create"},
    "with a signature that is none": lambda: {"signature": b"x" * 70},
    "with the signature of another key": lambda: {"signature": Authenticator().sign(b"something else")},
    "of nobody's passkey": lambda: {"credential_id": b"y" * 16},
    "of somebody else": lambda: {"user_handle": b"z" * 32},
}


@pytest.mark.parametrize("wrong", [*FORGED, *OF_A_NEW_KEY])
def test_a_forged_passkey_is_not_kept(browser, dora, wrong):
    refused = add(browser, Authenticator(), **(FORGED | OF_A_NEW_KEY)[wrong]())
    assert refused.status_code == 422
    assert passkeys.NOT_MADE.split(".")[0] in refused.text
    assert kept(dora) == []
    assert letters(dora) == []


@pytest.mark.parametrize("where", [SIGN_IN, SECOND, CONFIRM])
@pytest.mark.parametrize("wrong", [*FORGED, *OF_A_KEY])
def test_a_forged_answer_lets_nobody_in(web_app, browser, dora, device, where, wrong):
    forged = (FORGED | OF_A_KEY)[wrong]()
    if where == CONFIRM:
        grow_stale(dora)
        proof = device.show(ask(browser, CONFIRM), **forged)
        assert browser.post("/account/recovery-codes", confirm_passkey=proof).status_code == 422
        assert browser.post("/account/recovery-codes").status_code == 403
        return
    seat = Seat(web_app, dora).sign_in() if where == SECOND else Seat(web_app, dora)
    assert show(seat, device, where, **forged).status_code == 422
    assert not seat.is_in
    assert kept(dora)[0].last_used_at is None


def test_a_changed_byte_anywhere_in_an_answer_makes_it_none(web_app, dora, device):
    """Of what the authenticator says, of what the browser says, and of the signature."""
    for part in ("authenticatorData", "clientDataJSON", "signature"):
        seat = Seat(web_app, dora)
        answer = device.show(ask(seat, SIGN_IN))
        at = answer.index(f'"{part}": "') + len(part) + 20
        changed = answer[:at] + ("A" if answer[at] != "A" else "B") + answer[at + 1 :]
        assert seat.post(SIGN_IN, answer=changed).status_code == 422
        assert not seat.is_in


NO_ANSWERS = [
    "",
    "x",
    "[]",
    "{}",
    "null",
    "[" * 20_000,
    '{"id": "\\u0000"}',
    '{"id": 1, "rawId": 1, "type": "public-key", "response": {}}',
    '{"id": "e", "rawId": "e", "type": "public-key", "response": {"clientDataJSON": "e", "authenticatorData": "e", '
    '"signature": "e", "attestationObject": "e"}}',
    '{"id": "é", "rawId": "é", "type": "public-key", "response": []}',
    "9" * 65_536,
    "x" * 65_537,
]


@pytest.mark.parametrize("sent", NO_ANSWERS, ids=lambda sent: sent[:24])
def test_what_is_no_answer_is_refused_everywhere_and_breaks_nothing(web_app, browser, dora, device, sent):
    seat, half = Seat(web_app, dora), Seat(web_app, dora).sign_in()
    for who, where in ((seat, SIGN_IN), (half, SECOND), (browser, ADD)):
        ask(who, where)
        more = {"name": "Key"} if where == ADD else {}
        assert who.post(where, answer=sent, **more).status_code == 422
    assert not seat.is_in
    assert not half.is_in
    assert len(kept(dora)) == 1


def test_an_answer_counts_once(web_app, dora, device):
    seat = Seat(web_app, dora)
    answer = device.show(ask(seat, SIGN_IN))
    assert seat.post(SIGN_IN, answer=answer).status_code == 303
    assert seat.post(SIGN_IN, answer=answer).status_code == 422
    other = Seat(web_app, dora)
    ask(other, SIGN_IN)
    assert other.post(SIGN_IN, answer=answer).status_code == 422
    assert not other.is_in


def test_a_question_is_used_up_by_a_wrong_answer_too(web_app, dora, device):
    seat = Seat(web_app, dora)
    question = ask(seat, SIGN_IN)
    assert seat.post(SIGN_IN, answer=device.show(question, flags=PRESENT)).status_code == 422
    assert seat.post(SIGN_IN, answer=device.show(question)).status_code == 422
    assert not seat.is_in


def test_of_two_answers_at_the_same_moment_one_counts(web_app, dora, device, monkeypatch):
    """The second request has read the session before the first has struck the question out of it."""
    seat, twin = Seat(web_app, dora), Seat(web_app, dora)
    synced = device.show(ask(seat, SIGN_IN))
    twin.client.set_cookie("sid", seat.cookie, domain="localhost")
    really, answers = passkeys.use_up_question, []

    def meanwhile(*given: Any) -> None:
        monkeypatch.undo()
        answers.append(twin.post(SIGN_IN, answer=synced).status_code)
        really(*given)

    monkeypatch.setattr("app.web.passkey_questions.use_up_question", meanwhile)
    answers.append(seat.post(SIGN_IN, answer=synced).status_code)
    assert answers == [303, 422]


def test_a_question_waits_five_minutes_and_in_its_own_browser(web_app, dora, device):
    seat, thief = Seat(web_app, dora), Seat(web_app, dora)
    answer = device.show(ask(seat, SIGN_IN))
    assert thief.post(SIGN_IN, answer=answer).status_code == 422
    with later(seconds=301):
        assert seat.post(SIGN_IN, answer=answer).status_code == 422
    assert not seat.is_in
    assert not thief.is_in


def test_an_answer_to_one_purpose_serves_no_other(web_app, browser, dora, device):
    grow_stale(dora)
    confirmation = device.show(ask(browser, CONFIRM))
    seat = Seat(web_app, dora).sign_in()
    ask(seat, SECOND)
    assert seat.post(SECOND, answer=confirmation).status_code == 422
    assert not seat.is_in
    signing_in = device.show(ask(browser, SIGN_IN))
    assert browser.post("/account/recovery-codes", confirm_passkey=signing_in).status_code == 422


def test_a_passkey_of_somebody_else_is_no_second_step_and_no_proof(web_app, browser, dora, device, acme):
    mallory, theirs = Seat(web_app, newcomer(acme)).sign_in(), Authenticator()
    add(mallory, theirs)
    seat = Seat(web_app, dora).sign_in()
    for handle in (theirs.user_handle, device.user_handle):
        assert show(seat, theirs, SECOND, user_handle=handle).status_code == 422
    assert not seat.is_in
    grow_stale(dora)
    proof = theirs.show(ask(browser, CONFIRM), user_handle=device.user_handle)
    assert browser.post("/account/recovery-codes", confirm_passkey=proof).status_code == 422
    assert events(dora).count("user.second_step_failed") == 3
    # Alone it lets in its own owner only.
    alone = Seat(web_app, mallory.player)
    assert show(alone, theirs, user_handle=device.user_handle).status_code == 422
    assert show(alone, theirs).status_code == 303


def test_a_key_that_is_registered_is_registered_for_nobody_else(web_app, browser, dora, device, acme):
    mallory = Seat(web_app, newcomer(acme)).sign_in()
    copied = Authenticator(credential_id=device.credential_id)
    refused = add(mallory, copied)
    assert refused.status_code == 422
    assert kept(mallory.player) == []
    assert show(Seat(web_app, dora), device).status_code == 303
    assert show(Seat(web_app, dora), copied).status_code == 422


def test_a_passkey_whose_counter_goes_back_is_refused_for_good_and_its_owner_told(web_app, browser, dora, device):
    show(Seat(web_app, dora), device)
    seat = Seat(web_app, dora)
    assert show(seat, device, count=1).status_code == 422
    assert not seat.is_in
    [passkey] = kept(dora)
    assert passkey.is_suspected
    for _ in range(2):  # also by the one that counts on, whichever of them it is
        assert show(seat, device).status_code == 422
    assert not seat.is_in
    assert events(dora).count("user.passkey_suspected") == 1
    assert trail(dora) == ["user.passkey_added", "user.passkey_suspected"]
    assert letters(dora) == ["passkey_added", "passkey_suspected"]
    assert "there may be a copy of it" in browser.get("/account").text


def test_a_suspected_passkey_is_asked_for_no_more_but_the_password_alone_stays_too_little(web_app, dora, device):
    show(Seat(web_app, dora), device)
    show(Seat(web_app, dora), device, count=0)
    seat = Seat(web_app, dora).sign_in()
    assert seat.answer.headers["Location"] == "/sign-in/second-step"
    assert "Use a passkey" not in seat.get("/sign-in/second-step").text
    assert show(seat, device, SECOND).status_code == 422
    assert not seat.is_in


def test_the_passkey_of_who_was_deactivated_lets_nobody_in(web_app, dora, device):
    db.session.execute(update(User).where(User.user_id == dora.user_id).values(deactivated_at=clock.now()))
    db.session.commit()
    seat = Seat(web_app, dora)
    assert show(seat, device).status_code == 422
    assert not seat.is_in


def test_the_sign_in_page_says_nothing_of_who_has_passkeys(web_app, stranger, dora, device, acme):
    question = ask(stranger, SIGN_IN)
    assert question.get("allowCredentials", []) == []
    unknown = Authenticator(user_handle=b"u" * 32)
    refused = [
        stranger.post(SIGN_IN, answer=each.show(ask(stranger, SIGN_IN), **wrong))
        for each, wrong in ((device, {"flags": PRESENT}), (unknown, {"flags": PRESENT}), (unknown, {}))
    ]
    assert {each.status_code for each in refused} == {422}
    assert len({each.text for each in refused}) == 1


def test_the_second_step_is_asked_for_after_the_password_only(stranger):
    for path in (f"{SECOND}/question", SECOND):
        assert stranger.post(path, answer="x").headers["Location"].startswith("/sign-in")


def test_wrong_passkeys_are_counted_with_wrong_codes(web_app, dora, device):
    seat = Seat(web_app, dora).sign_in()
    answers = [show(seat, device, SECOND, flags=PRESENT).status_code for _ in range(3)]
    answers += [seat.post("/sign-in/second-step", code="000000").status_code for _ in range(3)]
    assert answers == [422] * 5 + [429]
    assert show(seat, device, SECOND).status_code == 429
    assert not seat.is_in


def test_answers_of_strangers_are_counted_and_a_right_one_is_not(web_app, acme, monkeypatch):
    monkeypatch.setattr(passkeys, "PER_NETWORK", 3)
    dora = newcomer(acme)
    device = Authenticator()
    add(Seat(web_app, dora).sign_in(), device)
    assert [show(Seat(web_app, dora), device).status_code for _ in range(5)] == [303] * 5
    seat = Seat(web_app, dora)
    assert [seat.post(SIGN_IN, answer="x").status_code for _ in range(4)] == [422, 422, 422, 429]
    refused = show(seat, device)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    elsewhere = Seat(web_app, dora)
    elsewhere.address = "198.51.101.7"
    assert show(elsewhere, device).status_code == 303


def test_nobody_sees_renames_or_removes_a_passkey_of_somebody_else(web_app, browser, dora, device, acme):
    [passkey] = kept(dora)
    mallory = Seat(web_app, newcomer(acme)).sign_in()
    assert mallory.get(f"{ADD}/{passkey.id}/edit").status_code == 404
    assert mallory.get(f"{ADD}/{passkey.id}/delete").status_code == 404
    assert mallory.post(f"{ADD}/{passkey.id}", name="Mine").status_code == 404
    assert mallory.post(f"{ADD}/{passkey.id}/deletion").status_code == 404
    assert [each.name for each in kept(dora)] == ["Blue key"]


def test_without_a_script_adding_says_calmly_what_is_missing(browser):
    page = browser.get("/account/passkeys/new").text
    assert "Adding a passkey needs JavaScript." in page
    answer = browser.post(ADD, name="Key")
    assert answer.status_code == 422
    assert "Your browser has sent no passkey." in answer.text


def test_a_question_makes_a_session_that_soon_ends(stranger):
    ask(stranger, SIGN_IN)
    db.session.rollback()
    mine = select(UserSession).where(UserSession.token_hash == token_hash(stranger.cookie))
    session = db.session.scalars(mine).one()
    assert session.user_id is None
    assert (session.expires_at - session.created_at).total_seconds() <= 3600
