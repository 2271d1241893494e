"""The page that explains access: its menus, and the verdict in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from app.core.actor import Actor
from app.core.errors import InvalidParameter, NotFound
from app.core.permissions import in_sight
from app.core.roles import PERMISSIONS
from app.models.api_keys import ApiKey
from app.queries.access import HeldGrant
from app.queries.access_explanation import ASKABLE, Explanation, Thing, explain_access, find_thing
from app.queries.api_keys import keys_of_person
from app.queries.users import get_user, list_people
from app.web.api_key_pages import kinds
from app.web.built_in import called
from app.web.languages import translated as _
from app.web.parsing import number_parameter, uuid_parameter

PARAMETERS = ("user_id", "permission", "thing", "api_key_id")


def answer(actor: Actor, given: Mapping[str, str]) -> Explanation | None:
    """What the form asks for; None while it does not say who and what. Raises Invalid, by field."""
    person, permission = number_parameter(given, "user_id"), given.get("permission")
    if person is None or permission is None:
        return None
    about = find_thing(actor, given["thing"]) if "thing" in given else {}
    try:
        return explain_access(actor, person, permission, api_key_id=uuid_parameter(given, "api_key_id"), **about)
    except NotFound:
        raise InvalidParameter(_not_found(actor, person, given)) from None


def people(actor: Actor, given: Mapping[str, str]) -> list[Any]:
    """Whom one can ask about: who works here, and whoever the address names, be it that they have left."""
    known = list_people(actor) if actor.may_somewhere("user.view") else []
    asked = given.get("user_id", "")
    if not asked.isdecimal() or any(str(each.id) == asked for each in known):
        return known
    try:
        return [get_user(actor, int(asked)), *known]
    except NotFound:
        return known


def permissions() -> list[dict[str, Any]]:
    """The permissions that one can ask about, in groups, in words."""
    return [
        {
            "name": label,
            "permissions": [
                {"id": each, "name": _(PERMISSIONS[each])} for each in ASKABLE if each.partition(".")[0] == kind
            ],
        }
        for kind, label in kinds().items()
    ]


def keys(actor: Actor, given: Mapping[str, str]) -> list[Any]:
    """The keys of the person that the address names, for who may see them."""
    try:
        person = number_parameter(given, "user_id")
        in_sight(actor, ApiKey)
    except (InvalidParameter, NotFound):
        return []
    return [] if person is None else keys_of_person(actor, person)


def told(found: Explanation) -> dict[str, Any]:
    """The verdict as the template shows it."""
    return {
        "granted": found.granted,
        "sentence": _sentence(found),
        "asked": _("{what}: {thing}").format(what=_(PERMISSIONS[found.permission]), thing=found.thing.name),
        "reason": _reason(found),
        "steps": [
            {
                "name": _(PERMISSIONS[step.permission]),
                "granted": step.granted,
                "own": _own(found.own_as) if step.by_own else "",
                "ways": [_way(grant, found.thing) for grant in step.ways],
            }
            for step in found.steps
        ],
        "held": [] if found.granted else [_way(grant, found.thing) for grant in found.held],
        "remedies": found.remedies,
        "person": found.person,
        "thing": found.thing,
        "thing_url": _url(found.thing),
    }


def _not_found(actor: Actor, person: int, given: Mapping[str, str]) -> dict[str, str]:
    """Which of the fields names what is not there."""
    try:
        get_user(actor, person)
    except NotFound:
        return {"user_id": _("There is nobody here whom you may see by this number.")}
    if "thing" not in given and not actor.may("access_role.view"):
        return {"thing": _("Name a program or a task in which you may see roles.")}
    if "api_key_id" in given:
        return {"api_key_id": _("This person has no such key that works.")}
    return {"thing": _("There is nothing of this name that you may see.")}


def _sentence(found: Explanation) -> str:
    verdict = _("Yes: {person} may do this.") if found.granted else _("No: {person} may not do this.")
    return verdict.format(person=found.person.name)


def _reason(found: Explanation) -> str:
    if found.reason is None:
        return _("Each of these is needed, and each is given:") if len(found.steps) > 1 else _("It is given so:")
    lacking = "" if found.failed is None else _(PERMISSIONS[found.failed.permission])
    sentences = {
        "deactivated": _(
            "Their membership has ended. Roles that are still theirs count again once they are let back in."
        ),
        "no_role_here": _("No role reaches them here: neither their own, nor one of a group, nor one from further up."),
        "roles_lack_it": _("They have roles here, but none of them includes this: {lacking}."),
        "only_own": _("Their roles show them only what is their own, and this is not: {lacking}."),
        "key_lacks_it": _("Their roles allow it, but the key was made for less: {lacking}."),
    }
    return sentences[found.reason].format(lacking=lacking)


def _own(own_as: str | None) -> str:
    return {
        "made": _("Only as their own: they made it."),
        "assigned": _("Only as their own: they are on it."),
        "has_task": _("Only as their own: they have a task in it."),
        "requested": _("Only as their own: they asked for it."),
    }.get(own_as or "", "")


def _way(grant: HeldGrant, thing: Thing) -> dict[str, Any]:
    """One line of the tree: a role, to whom it was given, and for which place."""
    names = [_("a group that you may not see") if name == "?" else name for name in grant.groups]
    return {"role": called(grant.role_name), "groups": names, "by": grant.granted_by, **_place(grant, thing)}


def _place(grant: HeldGrant, thing: Thing) -> dict[str, Any]:
    if grant.task_id is not None:
        name = grant.task_number or _("a task that you may not see")
        return {
            "where": _("on the task"),
            "place": name,
            "url": _shown("tasks.show", grant.task_number, task_id=grant.task_id),
        }
    if grant.program_id is None:
        return {"where": _("throughout the organisation"), "place": "", "url": None}
    name = grant.program_name or _("a program that you may not see")
    above = grant.program_id != thing.program_id and thing.program_id is not None
    return {
        "where": _("inherited from the program above,") if above else _("in the program"),
        "place": name,
        "url": _shown("programs.show", grant.program_name, program_id=grant.program_id),
    }


def _shown(endpoint: str, name: str | None, **ids: Any) -> str | None:
    return None if name is None else url_for(endpoint, **ids)


def _url(thing: Thing) -> str | None:
    pages = {"program": "programs.show", "task": "tasks.show", "certification": "certifications.show"}
    return url_for(pages[thing.kind], **{f"{thing.kind}_id": thing.id}) if thing.kind in pages else None
