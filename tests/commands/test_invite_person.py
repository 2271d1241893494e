"""Inviting people: a mail to one address is a way in, once."""

from __future__ import annotations

import re
import unicodedata

import pytest
from sqlalchemy import select

from app.commands.access_grants import create_access_grant, delete_access_grant
from app.commands.invitations import accept_invitation, invite_person, resend_invitation, withdraw_invitation
from app.commands.sessions import check_credentials
from app.commands.users import deactivate_user
from app.core.actor import Visitor
from app.core.database import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_token
from app.models.users import User
from app.queries.access import grants_of_person
from app.schemas.access_grants import NewAccessGrant
from app.schemas.invitations import NewAccount, NewInvitation
from app.schemas.sessions import Credentials
from tests.cast import PASSWORD, address_of, join
from tests.doors import ORIGIN
from tests.mailbox import mails_to
from tests.security.newcomers import newcomer
from tests.trail import as_superuser, audit_trail

ACCOUNT = NewAccount(name="Ivy Chen", password=PASSWORD)


@pytest.fixture
def address():
    return f"ivy-{new_token()[:8].lower()}@elsewhere.example"


def invited(player, address, role="member"):
    return invite_person(player.actor, NewInvitation(email=address, access_role_id=player.organisation.roles[role]))


def token_sent_to(address):
    """The token in the newest mail to an address."""
    return re.fullmatch("/invitations/(.+)", mails_to(address)[-1].values["path"])[1]


def test_a_new_person_comes_in_with_the_role_that_waits(alice, address, web_app):
    invitation = invited(alice, address)
    token = token_sent_to(address)
    browser = web_app.test_client()
    assert "Join Acme" in browser.get(f"/invitations/{token}").text
    answer = browser.post(f"/invitations/{token}", data={"name": "Ivy Chen", "password": PASSWORD}, headers=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/o/{alice.organisation.slug}/")
    assert "Ivy Chen" in browser.get(f"/o/{alice.organisation.slug}/tasks").text
    assert audit_trail(invitation) == ["invitation.created", "invitation.accepted"]


@pytest.mark.parametrize("easy", ["password1234", "Ivy Chen 2026!", "acmeacmeacme", "too short", "é" * 600])
def test_a_newcomer_cannot_choose_a_password_that_is_easily_guessed_or_never_fits(alice, address, web_app, easy):
    invited(alice, address)
    path, browser = f"/invitations/{token_sent_to(address)}", web_app.test_client()
    refused = browser.post(path, data={"name": "Ivy Chen", "password": easy}, headers=ORIGIN)
    assert refused.status_code == 422
    assert 'id="f-password-wrong"' in refused.text
    assert 'value="Ivy Chen"' in refused.text
    assert easy not in refused.text
    assert browser.post(path, data={"name": "Ivy Chen", "password": PASSWORD}, headers=ORIGIN).status_code == 303


@pytest.mark.parametrize(
    "name",
    ["jose\N{COMBINING ACUTE ACCENT}", "JOSÉ", "ΝΙΚΟΣ", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}LKER", "STRAẞE"],
    ids=ascii,
)
def test_who_was_invited_signs_in_by_the_same_address_in_whatever_alphabet(alice, name):
    address = f"{name}@{new_token()[:8].lower()}.example"
    invited(alice, address)
    token = token_sent_to(unicodedata.normalize("NFC", address))
    came = accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)
    assert check_credentials(Visitor(), Credentials(email=address, password=PASSWORD))[0] == came.user_id
    with pytest.raises(Invalid):
        invited(alice, address)


def test_a_token_opens_once(alice, address):
    invited(alice, address)
    token = token_sent_to(address)
    accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)
    with pytest.raises(NotFound):
        accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)


def test_sending_it_again_closes_the_earlier_link(alice, address):
    invitation = invited(alice, address)
    first = token_sent_to(address)
    resend_invitation(alice.actor, invitation.id)
    with pytest.raises(NotFound):
        accept_invitation(Visitor(), first, person_id=None, account=ACCOUNT)
    accept_invitation(Visitor(), token_sent_to(address), person_id=None, account=ACCOUNT)


def test_what_was_withdrawn_opens_nothing(alice, address):
    invitation_id = invited(alice, address).id
    withdraw_invitation(alice.actor, invitation_id)
    with pytest.raises(NotFound):
        accept_invitation(Visitor(), token_sent_to(address), person_id=None, account=ACCOUNT)
    with pytest.raises(Conflict):
        resend_invitation(alice.actor, invitation_id)


def test_after_seven_days_it_opens_nothing(alice, address):
    invitation = invited(alice, address)
    db.session.rollback()
    as_superuser("UPDATE invitations SET expires_at = now() WHERE id = %s RETURNING id", invitation.id)
    with pytest.raises(NotFound):
        accept_invitation(Visitor(), token_sent_to(address), person_id=None, account=ACCOUNT)


@pytest.mark.parametrize("loss", ["let go", "no role any more", "may give less"])
def test_an_invitation_is_worth_what_its_sender_may_do(acme, alice, address, web_app, loss):
    admin = newcomer(acme, "admin")
    invitation_id = invited(admin, address, "admin").id
    token = token_sent_to(address)
    browser = web_app.test_client()
    assert browser.get(f"/invitations/{token}").status_code == 200
    if loss == "let go":
        deactivate_user(alice.actor, admin.user_id)
    else:
        if loss == "may give less":
            less = NewAccessGrant(access_role_id=acme.roles["manager"], user_id=admin.user_id)
            create_access_grant(alice.actor, less)
        [grant] = [each for each in alice.sees(grants_of_person, admin.user_id) if each.role_name == "Admin"]
        delete_access_grant(alice.actor, grant.grant_id)
    assert browser.get(f"/invitations/{token}").status_code == 404
    with pytest.raises(NotFound):
        accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)
    resend_invitation(alice.actor, invitation_id)
    assert accept_invitation(Visitor(), token_sent_to(address), person_id=None, account=ACCOUNT)


def test_of_the_token_only_a_hash_is_kept(alice, address):
    invitation = invited(alice, address)
    token = token_sent_to(address)
    (row,) = as_superuser("SELECT * FROM invitations WHERE id = %s", invitation.id)
    assert token not in str(row)


def test_an_account_signs_in_before_it_joins(alice, mallory):
    invited(alice, mallory.actor.email)
    token = token_sent_to(mallory.actor.email)
    with pytest.raises(Conflict):
        accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)
    accept_invitation(Visitor(), token, person_id=mallory.user_id, account=None)
    assert db.session.scalar(select(User.name).where(User.user_id == mallory.user_id)) == "Mallory"


def test_nobody_joins_by_an_invitation_of_somebody_else(alice, bob, mallory, address):
    invited(alice, address)
    with pytest.raises(Forbidden):
        accept_invitation(Visitor(), token_sent_to(address), person_id=mallory.user_id, account=None)


def test_nobody_gives_a_role_that_theirs_does_not_manage(acme, alice, address):
    erin = join(acme, "erin")
    with pytest.raises(Forbidden):
        invited(erin, address, "admin")
    assert invited(erin, address, "member")
    invitation_id = invited(alice, f"x{address}", "owner").id
    with pytest.raises(Forbidden):
        resend_invitation(erin.actor, invitation_id)
    with pytest.raises(Forbidden):
        withdraw_invitation(erin.actor, invitation_id)


def test_a_member_may_not_invite(bob, address):
    with pytest.raises(Forbidden):
        invited(bob, address)


def test_whoever_is_here_is_not_invited(alice, bob):
    with pytest.raises(Invalid) as refused:
        invited(alice, bob.actor.email.upper())
    assert refused.value.fields == {"email": "This person works here already."}


def test_the_answer_is_the_same_whoever_has_an_account(api, alice, mallory, address):
    role = str(alice.organisation.roles["member"])
    answers = [
        api(alice).send("POST", "/users/invite", {"email": email, "access_role_id": role})
        for email in (mallory.actor.email, address)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [set(answer.json["data"]) for answer in answers] == [set(answers[0].json["data"])] * 2


def test_the_same_request_sent_twice_invites_once(api, alice, address):
    new = {"email": address, "access_role_id": str(alice.organisation.roles["member"])}
    send = lambda: api(alice).send("POST", "/users/invite", new, Idempotency_Key=f"ivy-{address}")  # noqa: E731
    first = send()
    token = token_sent_to(address)
    again = send()
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json["data"] == again.json["data"]
    assert token_sent_to(address) == token
    assert accept_invitation(Visitor(), token, person_id=None, account=ACCOUNT)


@pytest.mark.parametrize(
    "email", ["", "nobody", "a b@x.example", "x" * 250 + "@y.example", "a@b.example\nBcc: c@d.example"]
)
def test_what_is_no_address_is_refused(form, alice, email):
    answer = form(alice).post(
        "/people/invitations", email=email, access_role_id=str(alice.organisation.roles["member"])
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("token", ["x", "%00", "..", "a" * 5000, "' OR 1=1 --"])
def test_a_token_that_nobody_sent_opens_nothing(web_app, token):
    assert web_app.test_client().get(f"/invitations/{token}").status_code == 404


def test_a_short_password_is_refused_and_the_name_kept(alice, address, web_app):
    invited(alice, address)
    token = token_sent_to(address)
    answer = web_app.test_client().post(
        f"/invitations/{token}", data={"name": "Ivy <b>", "password": "short"}, headers=ORIGIN
    )
    assert answer.status_code == 422
    assert "Ivy &lt;b&gt;" in answer.text


def test_another_organisation_sees_and_changes_no_invitation(alice, mallory, address, form):
    invitation = invited(alice, address)
    with pytest.raises(NotFound):
        withdraw_invitation(mallory.actor, invitation.id)
    assert address not in form(mallory).get("/people").text


def test_an_old_invitation_is_no_way_back_for_somebody_who_was_let_go(acme, alice):
    address = address_of(acme, "bob")
    invited(alice, address)
    bob = join(acme, "bob")
    deactivate_user(alice.actor, bob.user_id)
    with pytest.raises(Forbidden):
        accept_invitation(Visitor(), token_sent_to(address), person_id=bob.user_id, account=None)
