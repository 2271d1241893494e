"""Making organisations, and letting people into them."""

from __future__ import annotations

import pytest

from app.commands import tenants
from app.core.actor import Visitor
from app.core.errors import Conflict, Invalid
from app.core.ids import new_token
from app.core.parsing import parse
from app.core.roles import PERMISSIONS, SHIPPED_ROLES
from app.models.workflows import BUILT_IN_STATES, BUILT_IN_TRANSITIONS
from app.queries.governance_policies import active_policies
from app.queries.users import list_people
from app.queries.workflows import task_states
from app.schemas.tenants import NewMember, NewTenant
from tests.cast import PASSWORD, Organisation, address_of, found, found_by_command, join, play, system
from tests.factories import a_program
from tests.security.newcomers import newcomer
from tests.trail import as_auditor, as_superuser


@pytest.fixture
def acme(app) -> Organisation:
    """Founded by the command that is tried here, and no copy."""
    return found_by_command("acme")


def given(**changed):
    return {
        "slug": f"acme-{new_token()[:8].lower().strip('-_').replace('_', 'x')}x",
        "name": "Acme",
        "owner_email": "alice@acme.example",
        "owner_name": "Alice",
        "owner_password": PASSWORD,
    } | changed


def test_a_new_organisation_starts_with_all_that_it_needs(alice):
    assert [row.key for row in alice.sees(task_states)] == [key for key, _name, _group in BUILT_IN_STATES]
    assert [row.name for row in alice.sees(active_policies)] == ["Financial promotions", "General"]
    assert alice.actor.role_names == ("Owner",)
    sees_all = {name for name in PERMISSIONS if name.endswith(".view_own")} - {"api_key.view_own", "workspace.view_own"}
    nobodys = {"workspace.view"}  # what one keeps for oneself is shown to nobody else
    assert alice.actor.permissions == frozenset(PERMISSIONS) - sees_all - nobodys
    ways = as_superuser(
        "SELECT count(*) FROM workflow_transitions WHERE application_instance_id = %s", alice.organisation.id
    )
    assert ways[0].count == len(BUILT_IN_TRANSITIONS)


def test_it_can_be_worked_in_at_once(alice):
    assert a_program(alice, key="OPS").key == "OPS"


def test_its_beginning_is_in_its_own_trail(acme):
    events = as_auditor(
        "SELECT event_type, actor_user_id FROM audit.audit_events WHERE application_instance_id = %s ORDER BY id",
        acme.id,
    )
    assert [event.event_type for event in events] == [
        "application_instance.created",
        "workflow.created",
        "policy.created",
        "policy.created",
        "user.joined",
        "access_grant.created",
    ]
    assert {event.actor_user_id for event in events} == {None}


def test_names_and_addresses_of_people_are_sealed_in_the_trail(alice, bob):
    events = as_auditor(
        "SELECT * FROM audit.audit_events WHERE application_instance_id = %s AND event_type = 'user.joined'",
        alice.organisation.id,
    )
    assert len(events) == 2
    assert all(set(event.after_state["email"]) == {"sealed"} for event in events)
    assert "acme.example" not in str(events)


def test_a_short_name_that_is_taken_is_refused_and_leaves_nothing(acme):
    with pytest.raises(Invalid):
        tenants.create_tenant(Visitor(), parse(NewTenant, given(slug=acme.slug, owner_email="new@acme.example")))
    assert as_superuser("SELECT 1 FROM users WHERE email = %s", "new@acme.example") == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"slug": "Acme!"}, "slug"),
        ({"slug": "-acme"}, "slug"),
        ({"slug": "a" * 64}, "slug"),
        ({"name": ""}, "name"),
        ({"owner_email": "nobody"}, "owner_email"),
        ({"owner_password": "too short"}, "owner_password"),
    ],
)
def test_what_cannot_be_an_organisation_is_refused(changed, field):
    with pytest.raises(Invalid) as refused:
        parse(NewTenant, given(**changed))
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize("easy", ["password1234", "dora@acme.example", "oversing1234"])
def test_an_operator_gives_nobody_a_password_that_is_easily_guessed(acme, easy):
    with pytest.raises(Invalid) as refused:
        tenants.create_tenant(
            Visitor(), parse(NewTenant, given(owner_email="olga@new.example", owner_password="password1234"))
        )
    assert list(refused.value.fields) == ["owner_password"]
    new = NewMember(email="dora@guessed.acme.example", name="Dora", password=easy, role="member")
    with pytest.raises(Invalid) as refused:
        tenants.create_member(system(acme), new)
    assert list(refused.value.fields) == ["password"]
    dora = newcomer(acme)
    for password in (easy, "too short", "é" * 600):
        with pytest.raises(Invalid) as refused:
            tenants.set_password(system(acme), dora.actor.email, password)
        assert list(refused.value.fields) == ["password"]


@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
def test_somebody_joins_with_one_role_and_its_permissions(acme, role):
    new = NewMember(email=address_of(acme, "dora"), name="Dora", password=PASSWORD, role=role)
    tenants.create_member(system(acme), new)
    dora = play(acme, "dora")
    assert dora.actor.role_names == (SHIPPED_ROLES[role].name,)
    assert dora.actor.permissions == SHIPPED_ROLES[role].permissions


def test_nobody_joins_with_a_role_that_there_is_not(alice):
    new = NewMember(email="eve@acme.example", name="Eve", password=PASSWORD, role="emperor")
    with pytest.raises(Invalid) as refused:
        tenants.create_member(system(alice.organisation), new)
    assert refused.value.fields == {"role": "There is no such role."}
    assert [row.name for row in alice.sees(list_people)] == ["Alice"]


def test_one_person_may_work_in_two_organisations_with_the_same_password(app):
    first, second = found("acme"), found("acme")
    alice = join(first, "alice")
    new = NewMember(email=alice.actor.email, name="Alice", password=PASSWORD, role="owner")
    assert tenants.create_member(system(second), new).user_id == alice.user_id
    for organisation in (first, second):
        assert alice.user_id in [row.id for row in join(organisation, "alice").sees(list_people)]


def test_nobody_joins_twice(alice):
    again = NewMember(email=alice.actor.email.replace("alice", "ALICE"), name="Alice", password=PASSWORD, role="viewer")
    with pytest.raises(Conflict):
        tenants.create_member(system(alice.organisation), again)
    assert play(alice.organisation, "alice").actor.role_names == ("Owner",)


def test_an_operator_makes_one_on_the_command_line(web_app, app):
    told = given()
    options = [word for name, value in told.items() for word in (f"--{name.replace('_', '-')}", value)]
    made = web_app.test_cli_runner().invoke(args=["tenant", "create", *options])
    assert made.exit_code == 0, made.output
    assert "signs in as alice@acme.example" in made.output
    assert PASSWORD not in made.output
    again = web_app.test_cli_runner().invoke(args=["tenant", "create", *options])
    assert again.exit_code != 0
    assert "Another organisation has this short name." in again.output
