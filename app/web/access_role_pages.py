"""What the pages of roles show: roles beside permissions, in words, and where a role differs from what was shipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.actor import Actor
from app.core.errors import Invalid
from app.core.parsing import S, parse
from app.core.phrases import phrase
from app.core.roles import PERMISSIONS, SHIPPED_ROLES
from app.web.api_key_pages import kinds
from app.web.built_in import called
from app.web.conflicts import conflict_of
from app.web.languages import translated as _

SEES, MAY, GIVES = "sees.", "may.", "gives."  # what the names of the form's choices begin with
ALL, OWN, NONE = "all", "own", "none"


def what_it_allows() -> list[dict[str, Any]]:
    """Everything there is to allow, by kind: whether seeing it is a choice of two or three, and all that is a tick."""
    found = []
    for kind, label in kinds().items():
        names = [name for name in PERMISSIONS if name.startswith(f"{kind}.")]
        ticks = [{"id": name, "name": _(PERMISSIONS[name])} for name in names if ".view" not in name]
        found.append({"id": kind, "name": label, "sight": _sights(kind), "ticks": ticks})
    return found


def matrix(roles: list[Any]) -> list[dict[str, Any]]:
    """The rows of the table of roles and permissions, by kind, with a cell for each role."""
    sections = []
    for kind in what_it_allows():
        rows = []
        if kind["sight"]:
            rows.append({"name": _("See them"), "sight": True, "cells": [_seen(role, kind["id"]) for role in roles]})
        for tick in kind["ticks"]:
            rows.append({"name": tick["name"], "sight": False, "cells": [_allowed(role, tick["id"]) for role in roles]})
        sections.append({"name": kind["name"], "rows": rows})
    return sections


def given_by(roles: list[Any]) -> dict[UUID, list[str]]:
    """The names of the roles that each role may give away."""
    return {
        role.id: [called(each.name) for each in roles if role.manages_every_role or each.id in role.managed_role_ids]
        for role in roles
    }


def differences(role: Any) -> dict[str, list[str]]:
    """What a shipped role allows that it did not when it was shipped, and the other way round, in words."""
    if not role.is_shipped or role.key not in SHIPPED_ROLES:
        return {"added": [], "removed": []}
    shipped, now = SHIPPED_ROLES[role.key].permissions, frozenset(role.permissions)
    return {
        "added": [_(PERMISSIONS[name]) for name in PERMISSIONS if name in now - shipped],
        "removed": [_(PERMISSIONS[name]) for name in PERMISSIONS if name in shipped - now],
    }


def as_values(role: Any) -> dict[str, str]:
    """A role as the fields of its form."""
    sights = {f"{SEES}{kind}": sight_of_kind(role.permissions, kind) for kind in kinds() if _sights(kind)}
    ticks = {f"{MAY}{name}": "on" for name in role.permissions if ".view" not in name}
    gives = {f"{GIVES}{each}": "on" for each in role.managed_role_ids}
    return {"name": role.name, "description": role.description, "version": str(role.version)} | sights | ticks | gives


def like_another(role: Any, actor: Actor, managed: set[UUID] | None) -> dict[str, str]:
    """The form of a new role that is like another, as far as the actor may hand on what that one allows."""
    values = as_values(role) | {"name": ""}
    for kind in kinds():
        if f"{SEES}{kind}" in values and not _may_hand_on(actor, kind, values[f"{SEES}{kind}"]):
            values[f"{SEES}{kind}"] = sight_of_kind(actor.permissions, kind)
    beyond = {f"{MAY}{name}" for name in role.permissions if name not in actor.permissions}
    if managed is not None:
        beyond |= {f"{GIVES}{each}" for each in role.managed_role_ids if each not in managed}
    return {name: value for name, value in values.items() if name not in beyond}


def choices(actor: Actor, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the form offers, by kind. What the actor may not hand on is closed, unless the role has it already."""
    found = []
    for kind in what_it_allows():
        chosen = values.get(f"{SEES}{kind['id']}", NONE)
        sight = [
            each | {"closed": not _may_hand_on(actor, kind["id"], each["id"]) and each["id"] != chosen}
            for each in kind["sight"]
        ]
        ticks = [
            each | {"ticked": f"{MAY}{each['id']}" in values, "closed": each["id"] not in actor.permissions}
            for each in kind["ticks"]
        ]
        for each in ticks:
            each["closed"] = each["closed"] and not each["ticked"]
        found.append(kind | {"chosen": chosen, "sight": sight, "ticks": ticks})
    return found


def roles_to_give(roles: list[Any], managed: set[UUID] | None, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """The roles that the form offers as those to be given away."""
    offered = []
    for role in roles:
        ticked = f"{GIVES}{role.id}" in values
        closed = not ticked and managed is not None and role.id not in managed
        offered.append({"id": role.id, "name": called(role.name), "ticked": ticked, "closed": closed})
    return offered


def read_role(schema: type[S], form: Mapping[str, str]) -> S:
    """The role that the form describes: it always says everything, and what is not ticked is not allowed.

    Raises Invalid.
    """
    plain = {name: value for name, value in form.items() if not name.startswith((SEES, MAY, GIVES))}
    if not plain.get("name", "").strip():
        raise Invalid({"name": phrase("This is required.")})
    sights = {name.removeprefix(SEES): value for name, value in form.items() if name.startswith(SEES)}
    seen = [f"{kind}.view{'_own' if value == OWN else ''}" for kind, value in sights.items() if value != NONE]
    ticked = [name.removeprefix(MAY) for name in form if name.startswith(MAY)]
    gives = [name.removeprefix(GIVES) for name in form if name.startswith(GIVES)]
    lists = {"permissions": [*seen, *ticked], "managed_role_ids": gives}
    read = parse(schema, plain | lists, typed=False)
    cleared = {name: () for name, value in lists.items() if not value}
    return read.model_copy(update=cleared | ({} if plain.get("description") else {"description": ""}))


def conflict_of_role(role: Any, form: Mapping[str, str]) -> dict[str, Any]:
    """Their version of a role beside mine; of what it allows, only what differs."""
    conflict, theirs = conflict_of(role, form), as_values(role)
    for begins, label in ((SEES, _("What is seen")), (MAY, _("What it allows")), (GIVES, _("Roles that it may give"))):
        both = [{(name, value) for name, value in one.items() if name.startswith(begins)} for one in (theirs, form)]
        told = [
            ", ".join(sorted(_in_words(begins, *each) for each in one - other)) for one, other in (both, both[::-1])
        ]
        if any(told):
            conflict["fields"].append({"name": begins, "label": label, "theirs": told[0], "mine": told[1]})
    return conflict


def _in_words(begins: str, name: str, value: str) -> str:
    about = name.removeprefix(begins)
    if begins == SEES:
        words = {ALL: _("All"), OWN: _("Own"), NONE: _("None")}
        return f"{kinds().get(about, about)}: {words.get(value, value)}"
    return _(PERMISSIONS[about]) if about in PERMISSIONS else about


def sight_of_kind(permissions: Any, kind: str) -> str:
    """How much of a kind somebody with these permissions sees: all, own or none."""
    if f"{kind}.view" in permissions:
        return ALL
    return OWN if f"{kind}.view_own" in permissions else NONE


def _sights(kind: str) -> list[dict[str, str]]:
    if f"{kind}.view" not in PERMISSIONS:
        return []
    own = [{"id": OWN, "name": _("Own"), "about": _(PERMISSIONS.get(f"{kind}.view_own", ""))}]
    return [
        {"id": ALL, "name": _("All"), "about": _(PERMISSIONS[f"{kind}.view"])},
        *(own if f"{kind}.view_own" in PERMISSIONS else []),
        {"id": NONE, "name": _("None"), "about": ""},
    ]


def _may_hand_on(actor: Actor, kind: str, sight: str) -> bool:
    held = sight_of_kind(actor.permissions, kind)
    return sight == NONE or held in (ALL, sight)


def _seen(role: Any, kind: str) -> dict[str, Any]:
    sight = sight_of_kind(role.permissions, kind)
    shipped = _shipped(role)
    return {"value": sight, "differs": shipped is not None and sight_of_kind(shipped, kind) != sight}


def _allowed(role: Any, permission: str) -> dict[str, Any]:
    allowed, shipped = permission in role.permissions, _shipped(role)
    return {"value": allowed, "differs": shipped is not None and (permission in shipped) != allowed}


def _shipped(role: Any) -> frozenset[str] | None:
    return SHIPPED_ROLES[role.key].permissions if role.is_shipped and role.key in SHIPPED_ROLES else None
