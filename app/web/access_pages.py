"""What the pages of access show: who holds which role, by which way, and what of it the person who looks may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import url_for

from app.core.actor import Actor
from app.queries.access import (
    HeldGrant,
    PlacedGrant,
    access_here,
    grants_of_group,
    grants_of_person,
    roles_to_give,
    roles_to_give_somewhere,
)
from app.queries.programs import get_program, program_choices
from app.queries.tasks import get_task
from app.queries.user_groups import get_user_group, user_group_choices
from app.queries.users import get_user, list_people
from app.web.built_in import called, choices_called
from app.web.languages import translated as _


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownGrant:
    """A grant on a page. `way` says by which way it holds, and ends in a link to where it is changed, if elsewhere.

    `take_url` takes it away, None where one may not; the form of the page gives it back with `fields`. What is changed
    elsewhere has no fields.
    """

    id: UUID
    role: str
    holder: str
    holder_url: str | None = None
    is_group: bool = False
    is_mine: bool = False
    where: str = ""
    where_url: str | None = None
    way: str
    way_name: str = ""
    way_url: str | None = None
    given_by: str | None
    created_at: datetime
    take_url: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The grants of a person, a group or a place, and the form to give another.

    `roles` is empty for who may give none. `holder` is the person or group of the page, None on that of a place.
    """

    title: str
    path: list[tuple[str, str]]
    section: str
    note: str
    url: str
    back: str
    rows: list[ShownGrant]
    holder: str | None = None
    roles: list[Any] = field(default_factory=list)
    people: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)
    programs: list[Any] = field(default_factory=list)
    everywhere: bool = False
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def access_of_person(actor: Actor, person: Any) -> Access | None:
    """The roles of a person as far as the actor may see them; None for who may see none."""
    if not actor.may_somewhere("access_role.view"):
        return None
    return _of_holder(
        actor,
        person.name,
        grants_of_person(actor, person.id),
        is_own=lambda grant: not grant.groups,
        way=_("Directly"),
        is_mine=person.id == actor.user_id,
        may_be_given=person.status == "active",
        title=_("Roles"),
        section="people",
        above=(_("People"), url_for("users.index")),
        page=url_for("users.show", user_id=person.id),
        note=_("What this person may do, where, and why."),
        url=url_for("access_grants.give_to_person", user_id=person.id),
    )


def access_of_group(actor: Actor, group: Any) -> Access | None:
    """The roles that a group brings, as far as the actor may see them; None for who may see none."""
    if not actor.may_somewhere("access_role.view"):
        return None
    return _of_holder(
        actor,
        group.name,
        grants_of_group(actor, group.id),
        is_own=lambda grant: grant.user_group_id == group.id,
        way=_("Given to this group"),
        title=_("Roles that it brings"),
        section="groups",
        above=(_("Groups"), url_for("user_groups.index")),
        page=url_for("user_groups.show", group_id=group.id),
        note=_("Everybody in this group has these roles."),
        url=url_for("access_grants.give_to_group", group_id=group.id),
    )


def access_by_person(actor: Actor, user_id: int) -> Access | None:
    """The same by the person's id. Raises NotFound."""
    return access_of_person(actor, get_user(actor, user_id))


def access_by_group(actor: Actor, group_id: UUID) -> Access | None:
    """The same by the group's id. Raises NotFound."""
    return access_of_group(actor, get_user_group(actor, group_id))


def access_in_program(actor: Actor, program_id: UUID) -> Access:
    """Who may do what in a program. Raises NotFound."""
    program = get_program(actor, program_id)
    page = url_for("programs.show", program_id=program_id)
    return _place(
        actor,
        path=[(_("Programs"), url_for("programs.index")), (program.name, page)],
        section="programs",
        note=_("Who may do what in this program, its tasks and the programs below it."),
        url=url_for("access_grants.give_in_program", program_id=program_id),
        program_id=program_id,
    )


def access_on_task(actor: Actor, task_id: UUID) -> Access:
    """Who may do what on a task. Raises NotFound."""
    task = get_task(actor, task_id)
    page = url_for("tasks.show", task_id=task_id)
    return _place(
        actor,
        path=[(_("Tasks"), url_for("tasks.index")), (f"{task.number} {task.name}", page)],
        section="tasks",
        note=_("Who may do what on this task: by a role for it alone, for its program, or for everything."),
        url=url_for("access_grants.give_on_task", task_id=task_id),
        program_id=task.program_id,
        task_id=task_id,
    )


def _of_holder(
    actor: Actor,
    holder: str,
    grants: Iterable[HeldGrant],
    *,
    is_own: Callable[[HeldGrant], bool],
    way: str,
    is_mine: bool = False,
    may_be_given: bool = True,
    above: tuple[str, str],
    page: str,
    url: str,
    **told: str,
) -> Access:
    """What a person or a group holds. What is their own (`is_own`) is taken here; the rest where it was given."""
    seen = _seen(actor, grants)
    taken = _taken_by(actor, [grant for grant in seen if is_own(grant)])
    rows = [
        _held(
            actor,
            grant,
            holder,
            f"{url}/{grant.grant_id}/deletion" if grant.grant_id in taken else None,
            way=way if is_own(grant) else None,
            is_mine=is_mine,
        )
        for grant in seen
    ]
    form = _form(actor) if may_be_given else {}
    return Access(path=[above, (holder, page)], back=page, url=url, rows=rows, holder=holder, **told, **form)


def _place(
    actor: Actor,
    *,
    path: list[tuple[str, str]],
    section: str,
    note: str,
    url: str,
    program_id: UUID,
    task_id: UUID | None = None,
) -> Access:
    place = {"task_id": task_id} if task_id else {"program_id": program_id}
    grants = access_here(actor, program_id=program_id, task_id=task_id)
    may_give = actor.may("access_grant.create", program_id, task_id)
    roles = choices_called(roles_to_give(actor, **place)) if may_give else []
    given = {role["id"] for role in roles}
    own = {each.grant_id for each in grants if (each.task_id == task_id if task_id else each.program_id == program_id)}
    rows = [
        _placed(actor, grant, f"{url}/{grant.grant_id}/deletion" if grant.access_role_id in given else None)
        if grant.grant_id in own
        else _inherited(actor, grant)
        for grant in sorted(grants, key=lambda each: (each.grant_id not in own, each.program_id is None))
    ]
    return Access(
        title=_("Access"),
        path=path,
        section=section,
        note=note,
        url=url,
        back=url,
        rows=rows,
        roles=roles,
        people=list_people(actor) if roles and actor.may_somewhere("user.view") else [],
        groups=user_group_choices(actor) if roles else [],
    )


def _seen(actor: Actor, grants: Iterable[HeldGrant]) -> list[HeldGrant]:
    """Those in places where the actor may see who has which role."""
    return [each for each in grants if actor.may("access_role.view", *_where(each))]


def _where(grant: HeldGrant) -> tuple[UUID | None, ...]:
    return (grant.program_id, grant.task_id, grant.program_of_task_id)


def _taken_by(actor: Actor, grants: list[HeldGrant]) -> set[UUID]:
    """Which of the grants the actor may take away. What they may give throughout is asked for once."""
    open_to = [each for each in grants if actor.may("access_grant.create", *_where(each))]
    if not open_to:
        return set()
    throughout = {role.id for role in roles_to_give(actor)}
    taken = {each.grant_id for each in open_to if each.access_role_id in throughout}
    local: dict[tuple[UUID | None, UUID | None], set[UUID]] = {}
    for each in open_to:
        place = (each.program_id, each.task_id)
        if each.grant_id in taken or place == (None, None):
            continue
        if place not in local:
            local[place] = {role.id for role in roles_to_give(actor, program_id=place[0], task_id=place[1])}
        if each.access_role_id in local[place]:
            taken.add(each.grant_id)
    return taken


def _form(actor: Actor) -> dict[str, Any]:
    """What may be given from the page of a person or group: throughout, or in the programs in which one may."""
    if not actor.may_somewhere("access_grant.create"):
        return {}
    everywhere = actor.may("access_grant.create")
    return {
        "roles": choices_called(roles_to_give(actor) if everywhere else roles_to_give_somewhere(actor)),
        "programs": program_choices(actor, "access_grant.create"),
        "everywhere": everywhere,
    }


def _held(
    actor: Actor, grant: HeldGrant, holder: str, take_url: str | None, *, way: str | None, is_mine: bool = False
) -> ShownGrant:
    where, where_url, fields = _("The whole organisation"), None, {}
    if grant.program_id is not None:
        where, fields = grant.program_name or "", {"program_id": str(grant.program_id)}
        where_url = url_for("access_grants.program", program_id=grant.program_id)
    elif grant.task_id is not None:
        where, fields = grant.task_number or "", {"task_id": str(grant.task_id)}
        where_url = url_for("access_grants.task", task_id=grant.task_id)
    if way is None:
        path = " → ".join(grant.groups)
        linked = actor.may_somewhere("user_group.view") and grant.user_group_id is not None
        by = {
            "way": _("By {groups}. Changed on the page of").format(groups=path) if linked else _("By") + f" {path}",
            "way_name": grant.groups[-1],
            "way_url": url_for("user_groups.show", group_id=grant.user_group_id) if linked else None,
        }
    else:
        by = {"way": way}
    return ShownGrant(
        id=grant.grant_id,
        role=called(grant.role_name),
        holder=holder,
        is_mine=is_mine,
        where=where,
        where_url=where_url,
        given_by=grant.granted_by,
        created_at=grant.created_at,
        take_url=take_url,
        fields={"access_role_id": str(grant.access_role_id)} | fields if way else {},
        **by,  # type: ignore[arg-type]
    )


def _placed(actor: Actor, grant: PlacedGrant, take_url: str | None) -> ShownGrant:
    """A grant that was given for the place itself."""
    holder = {"user_group_id": str(grant.user_group_id)} if grant.user_group_id else {"user_id": str(grant.user_id)}
    return ShownGrant(
        way=_("Through the group, given here") if grant.user_group_id else _("Directly, given here"),
        take_url=take_url,
        fields={"access_role_id": str(grant.access_role_id)} | holder,
        **_basics(actor, grant),
    )


def _inherited(actor: Actor, grant: PlacedGrant) -> ShownGrant:
    """A grant that was given further up, with the way to where it is changed."""
    basics = _basics(actor, grant)
    if grant.program_id is None:
        url = basics["holder_url"]
        way = _("The whole organisation. Changed on the page of") if url else _("The whole organisation")
        return ShownGrant(way=way, way_name=basics["holder"], way_url=url, **basics)
    if not actor.may_in("program.view", grant.program_id):
        return ShownGrant(way=_("Inherited from a program above"), **basics)
    url = url_for("access_grants.program", program_id=grant.program_id)
    return ShownGrant(way=_("Inherited from"), way_name=grant.program_name or "", way_url=url, **basics)


def _basics(actor: Actor, grant: PlacedGrant) -> dict[str, Any]:
    if grant.user_group_id is not None:
        may_look, name = actor.may_somewhere("user_group.view"), grant.user_group_name
        url = url_for("user_groups.show", group_id=grant.user_group_id) if may_look else None
    else:
        may_look, name = actor.may_somewhere("user.view"), grant.user_name
        url = url_for("users.show", user_id=grant.user_id) if may_look else None
    return {
        "id": grant.grant_id,
        "role": called(grant.role_name),
        "holder": name or "",
        "holder_url": url,
        "is_group": grant.user_group_id is not None,
        "is_mine": grant.user_id is not None and grant.user_id == actor.user_id,
        "given_by": grant.granted_by,
        "created_at": grant.created_at,
    }
