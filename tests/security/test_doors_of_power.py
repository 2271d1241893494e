"""Every route that changes who may do what is tried by people who may not; and none of them is forgotten here."""

from __future__ import annotations

import inspect
import re
from itertools import count

import pytest
from flask import request, request_started

from app.commands.access_grants import create_access_grant
from app.commands.access_roles import create_access_role
from app.commands.invitations import invite_person
from app.commands.programs import delete_program, restore_program
from app.commands.users import deactivate_user
from app.core.paging import Paging
from app.queries.user_groups import list_user_group_members
from app.schemas.access_grants import NewAccessGrant
from app.schemas.access_roles import NewAccessRole
from app.schemas.invitations import NewInvitation
from tests.cast import afresh, join
from tests.doors import went_well
from tests.factories import a_grant, a_group, a_program, a_task
from tests.security.test_no_self_promotion import CLIMBERS, Ladder, power
from tests.structure.sources import files

# Who may do what stands in rows of these; a command that names one of them writes it, but for those that only look.
MODELS = re.compile(
    r"\b(AccessGrant|AccessRole|AccessPermission|ApplicationInstanceUser|UserGroup|UserGroupMember|Invitation)\b"
)
ONLY_LOOK = {"api_keys", "task_assignments"}
INHERITED = {"programs"}  # roles hold from a program down
NO_WEB = {"tenants"}  # the command line only, and signing up

# What gives nobody anything and takes nothing from anybody.
HARMLESS = {
    "invitations.accept": "the secret of a mail is the permission; whoever sent it might give that role",
    "users.update": "how somebody is called",
    "api.update_user": "how somebody is called",
    "user_groups.create": "a new group brings nobody anything",
    "api.create_user_group": "a new group brings nobody anything",
    "user_groups.update": "its name and description",
    "api.update_user_group": "its name and description",
    "programs.delete": "everyday work, which the trash takes back",
    "api.delete_program": "everyday work, which the trash takes back",
}
# By name, in bodies whose other fields are right.
NOT_TO_BE_SET = {
    "/access-roles": ("manages_every_role", "is_shipped", "key", "application_instance_id", "id"),
    "/access-grants": ("granted_by_user_id", "application_instance_id", "id", "created_at"),
    "/user-groups": ("application_instance_id", "id", "created_by_user_id"),
    "/users/invite": ("application_instance_id", "invited_by_user_id", "token_hash", "accepted_at"),
    "/programs": ("application_instance_id", "id", "deleted_at"),
}
_numbers = count(1)


class Above:
    """What an owner has set up, for somebody below to end, to bring back or to change."""

    def __init__(self, alice, climber):
        self.acme, self.climber = alice.organisation, climber
        self.olga, self.otto = (join(self.acme, f"{name}{next(_numbers)}") for name in ("olga", "otto"))
        self.program, self.task = a_program(alice).id, a_task(alice, a_program(alice)).id
        everywhere, inside, on_task = {}, {"program_id": self.program}, {"task_id": self.task}
        self.grant, self.in_program, self.on_task = (
            a_grant(alice, "owner", self.olga, **place).id for place in (everywhere, inside, on_task)
        )
        a_grant(alice, "owner", self.otto)
        deactivate_user(alice.actor, self.otto.user_id)
        closer = NewAccessRole(name=f"Closer {next(_numbers)}", permissions=("application_instance.delete",))
        self.role = create_access_role(alice.actor, closer).id
        self.own_role = self.acme.roles[CLIMBERS.get(climber.name, "viewer")]
        afresh()

    def by_page(self, door):
        """Each try on a page."""
        olga = self.olga.user_id
        yield "in program", door.post(f"/programs/{self.program}/access/{self.in_program}/deletion")
        yield "on task", door.post(f"/tasks/{self.task}/access/{self.on_task}/deletion")
        yield "from person", door.post(f"/people/{olga}/roles/{self.grant}/deletion")
        yield "the role goes", door.post(f"/roles/{self.role}/deletion")
        yield "back in", door.post(f"/people/{self.otto.user_id}/reactivation")
        yield "out", door.post(f"/people/{self.otto.user_id}/deactivation")
        ticked = {"may.application_instance.delete": "on", "may.access_role.update": "on", "sees.audit_event": "all"}
        yield "a role allows more", door.post(f"/roles/{self.own_role}", name=f"Own {next(_numbers)}", **ticked)
        yield "a new role allows more", door.post("/roles", name=f"More {next(_numbers)}", **ticked)

    def by_key(self, door):
        """Each try by API."""
        otto = self.otto.user_id
        yield "in program", door.send("DELETE", f"/access-grants/{self.in_program}")
        yield "on task", door.send("DELETE", f"/access-grants/{self.on_task}")
        yield "from person", door.send("DELETE", f"/access-grants/{self.grant}")
        yield "the role goes", door.send("DELETE", f"/access-roles/{self.role}")
        yield "back in", door.send("POST", f"/users/{otto}/reactivate")
        yield "out", door.send("POST", f"/users/{otto}/deactivate")


class Bundle:
    """A group that brings the owner's role, and an invitation to it."""

    def __init__(self, alice, climber):
        self.acme = alice.organisation
        olga = join(self.acme, f"olga{next(_numbers)}")
        self.group = a_group(self.acme, olga)
        self.grant = a_grant_to_group(alice, self.group)
        email = f"boss-{next(_numbers)}@acme.example"
        new = NewInvitation(email=email, access_role_id=self.acme.roles["owner"])
        self.invitation = invite_person(alice.actor, new).id
        self.member = alice.sees(first_member, self.group)
        afresh()

    def by_page(self, door):
        """Each try on a page."""
        group, invitation = f"/groups/{self.group}", f"/people/invitations/{self.invitation}"
        yield "out of the group", door.post(f"{group}/members/{self.member}/deletion")
        yield "from the group", door.post(f"{group}/roles/{self.grant}/deletion")
        yield "invited again", door.post(f"{invitation}/repetition")
        yield "not invited", door.post(f"{invitation}/withdrawal")

    def by_key(self, door):
        """Each try by API."""
        yield "out of the group", door.send("DELETE", f"/user-groups/{self.group}/members/{self.member}")
        yield "from the group", door.send("DELETE", f"/access-grants/{self.grant}")


class Gone:
    """A group that brings the owner's role, which somebody wants to have gone."""

    def __init__(self, alice, climber):
        self.group = a_group(alice.organisation, join(alice.organisation, f"olga{next(_numbers)}"))
        a_grant_to_group(alice, self.group)
        afresh()

    def by_page(self, door):
        """The try on a page."""
        yield "the group goes", door.post(f"/groups/{self.group}/deletion")

    def by_key(self, door):
        """The try by API."""
        yield "the group goes", door.send("DELETE", f"/user-groups/{self.group}")


def first_member(actor, group_id):
    """The membership of whoever was put into a group first."""
    return list_user_group_members(actor, group_id, Paging()).rows[0].id


def a_grant_to_group(alice, group):
    """The owner's role for a group."""
    brings = NewAccessGrant(access_role_id=alice.organisation.roles["owner"], user_group_id=group)
    return create_access_grant(alice.actor, brings).id


def tries(kind, alice, climber, doors):
    """Each try of `climber` by each door, each at things of its own."""
    form, htmx, api = (door(climber) for door in doors)
    for door in (form, htmx):
        yield from kind(alice, climber).by_page(door)
    yield from kind(alice, climber).by_key(api)


@pytest.mark.parametrize("kind", [Above, Bundle, Gone])
@pytest.mark.parametrize("person", CLIMBERS)
def test_nobody_ends_or_brings_back_or_changes_what_is_above_them(acme, alice, person, kind, form, htmx, api):
    climber = join(acme, person)
    before = power(climber, (None,))
    tried = list(tries(kind, alice, climber, (form, htmx, api)))
    assert [name for name, answer in tried if went_well(answer)] == []
    assert {answer.status_code for _name, answer in tried} <= {403, 404, 409, 422}
    assert power(climber, (None,)) == before


@pytest.mark.parametrize("kind", [Above, Bundle, Gone])
def test_all_of_it_is_open_to_the_owner(acme, alice, kind, form, htmx, api):
    """What was refused above was refused for who asked, not for being asked wrongly."""
    tried = list(tries(kind, alice, alice, (form, htmx, api)))
    assert [(name, answer.status_code) for name, answer in tried if not went_well(answer)] == []


@pytest.mark.parametrize("person", CLIMBERS)
def test_a_program_that_is_made_or_comes_back_brings_nobody_more(acme, alice, person, form, htmx, api):
    climber = join(acme, person)
    tree, old = a_program(alice).id, a_program(alice).id
    a_grant(alice, "owner", climber, program_id=tree)
    before = power(climber, (None, tree, old))
    for door in (form(climber), htmx(climber), api(climber)):
        afresh()
        delete_program(alice.actor, old)
        if not went_well(door.restore_program(old)):
            restore_program(alice.actor, old)
        made = door.create_program(key=f"UP{next(_numbers)}", name="Under the tree", parent_id=str(tree))
        assert went_well(made)  # they own the tree
    assert power(climber, (None, tree, old)) <= before
    new = made.json["data"]["id"]
    within, around = (power(climber, (place,)) for place in (new, tree))
    assert {name for name, _place in within} <= {name for name, _place in around}


@pytest.mark.parametrize(
    ("path", "field"), [(path, field) for path, fields in NOT_TO_BE_SET.items() for field in fields]
)
def test_not_even_an_owner_sets_what_the_product_sets_itself(acme, alice, bob, api, path, field):
    role = str(acme.roles["viewer"])
    right = {
        "/access-roles": {"name": "Helper"},
        "/access-grants": {"access_role_id": role, "user_id": bob.user_id},
        "/user-groups": {"name": "Helpers"},
        "/users/invite": {"email": f"new-{next(_numbers)}@acme.example", "access_role_id": role},
        "/programs": {"key": f"SET{next(_numbers)}", "name": "Set"},
    }[path]
    value = {"manages_every_role": True, "is_shipped": True, "granted_by_user_id": bob.user_id}.get(field, "x")
    answer = api(alice).send("POST", path, right | {field: value})
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json["error"]["details"]] == [field]
    assert went_well(api(alice).send("POST", path, right))


def test_no_door_of_power_is_forgotten(web_app, acme, alice, form, htmx, api):
    tried = set()

    def note(_app):
        tried.add(request.endpoint)

    doors = (form, htmx, api)
    with request_started.connected_to(note, web_app):
        dave = join(acme, "dave")
        list(Ladder(alice, dave, "owner", doors).tries())
        for kind in (Above, Bundle, Gone):
            list(tries(kind, alice, dave, doors))
        test_a_program_that_is_made_or_comes_back_brings_nobody_more(acme, alice, "erin", *doors)
    there = doors_of_power(web_app)
    assert there - tried - set(HARMLESS) == set()
    assert set(HARMLESS) <= there
    assert set(HARMLESS) & tried == set()


def doors_of_power(web_app):
    """The routes that change something, of modules that call commands which write who may do what."""
    commands = {path.stem for path in files("app/commands") if MODELS.search(path.read_text())}
    assert commands > ONLY_LOOK | NO_WEB
    writing = "|".join(commands - ONLY_LOOK - NO_WEB | INHERITED)
    imported = re.compile(rf"^from app\.commands(?: import (?:.*\W)?|\.)({writing})\b", re.MULTILINE)
    found = set()
    for rule in web_app.url_map.iter_rules():
        view = inspect.unwrap(web_app.view_functions[rule.endpoint])
        if rule.methods & {"POST", "PATCH", "PUT", "DELETE"} and imported.search(
            inspect.getsource(inspect.getmodule(view))
        ):
            found.add(rule.endpoint)
    return found
