"""Who may follow which channel, and who may hear of which event: as they may see the thing that it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache, partial
from operator import contains
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, bindparam, column, false, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.core import tenancy
from app.core.actor import Actor
from app.core.database import Base, db
from app.core.permissions import in_sight, may_see, places_of, sight_of, viewing_of
from app.core.roles import PERMISSIONS
from app.models.application_instances import ApplicationInstanceUser
from app.models.users import User
from app.queries.identity import every_task_of, find_members
from app.queries.socket_holders import Holder


class Channel(NamedTuple):
    """What can be followed: one thing, as "task.<id>", or with `id` None every thing of a kind, as "task".

    Beside these there is "user.<id>", for the account of a person who hears of it in whatever organisation.
    """

    kind: str
    id: UUID | int | None


# Pages that show a thing of another kind, so that those who look at the one are told apart from those at the other.
PLACES = {"board": "program"}
ACCOUNT, PERSON, TRAIL, ORGANISATION = "user", "person", "audit_event", "application_instance"
# What there are no rows of an organisation for, and the permission to see it: who has it anywhere sees all of it.
WITHOUT_ROWS = {PERSON: "user.view", TRAIL: "audit_event.view", ORGANISATION: "application_instance.update"}


def channel_named(name: str) -> Channel | None:
    """The channel that somebody asked for by its name, or None where there is none of this name."""
    kind, dot, row_id = name.partition(".")
    if kind == ACCOUNT or (kind == PERSON and dot):
        return Channel(kind, int(row_id)) if row_id.isascii() and row_id.isdecimal() and len(row_id) < 17 else None
    if kind not in _models() and kind not in WITHOUT_ROWS and not (dot and kind in PLACES):
        return None
    try:
        return Channel(kind, UUID(row_id) if dot else None)
    except ValueError:
        return None


def is_own(holder: Holder, channel: Channel) -> bool:
    """Whether a channel is that of the account of whoever holds a socket."""
    return channel == Channel(ACCOUNT, holder.user_id)


def viewer(holder: Holder) -> Actor | None:
    """Who holds a socket, with what they may do now; None for somebody who is not, or no longer, let in."""
    return None if holder.tenant_id is None else viewers(holder.tenant_id, [holder.user_id])[holder.user_id]


def viewers(tenant_id: UUID, user_ids: Collection[int]) -> dict[int, Actor | None]:
    """The same of several people in one organisation, asked for together.

    A socket stays open for long: what they hold on single tasks is asked for now, and kept to be compared.
    """
    found = find_members(tenant_id, user_ids)
    if some := [actor for actor in found.values() if actor.task_roles]:
        held = zip(some, every_task_of(tenant_id, some), strict=True)
        found |= {actor.user_id: replace(actor, on_tasks=on_tasks) for actor, on_tasks in held}
    return {user_id: found.get(user_id) for user_id in user_ids}


def people(tenant_id: UUID, user_ids: Collection[int]) -> list[Any]:
    """Id, name and picture of those of these people who work in an organisation, in the order of their ids."""
    with tenancy.entered(db.session, tenant_id):
        return list(
            db.session.execute(
                select(User.user_id, User.name, User.avatar_id)
                .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
                .where(ApplicationInstanceUser.application_instance_id == tenant_id)
                .where(ApplicationInstanceUser.deactivated_at.is_(None), User.user_id.in_(user_ids))
                .order_by(User.user_id)
            )
        )


def may_follow(actor: Actor, channel: Channel) -> bool:
    """Whether somebody may be told of a thing, or of a kind of which they may see some at least."""
    if not sees_some(actor, channel.kind):
        return False
    if channel.id is None or channel.kind == PERSON:
        return True
    if channel.kind in WITHOUT_ROWS:
        return channel.id == actor.tenant_id and channel.kind == ORGANISATION
    return isinstance(channel.id, UUID) and is_in_sight(actor, channel.kind, channel.id)


def followers(tenant_id: UUID, channel: Channel, actors: Collection[Actor]) -> set[int | None]:
    """Which of many people in an organisation may still be told of what they follow: their ids. Two queries at most."""
    if channel.kind in WITHOUT_ROWS or not isinstance(channel.id, UUID):
        return {actor.user_id for actor in actors if may_follow(actor, channel)}
    return hearers(tenant_id, channel.kind, str(channel.id), actors)


def heard_of(actor: Actor, things: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of which things, each a kind and an id, somebody may hear that they have changed.

    One query for each kind of which they may see a part.
    The id of what happened in the trail is that of the person who did it.
    """
    by_kind: dict[str, set[str]] = {}
    for kind, row_id in things:
        by_kind.setdefault(kind, set()).add(row_id)
    return {(kind, row_id) for kind, ids in by_kind.items() for row_id in _heard_of_kind(actor, kind, ids)}


def _heard_of_kind(actor: Actor, kind: str, ids: set[str]) -> set[str]:
    if sees_all(actor, kind):
        return ids
    if not sees_some(actor, kind):
        return set()
    if kind in WITHOUT_ROWS:
        return ids & {str(actor.user_id)} if kind == TRAIL else set()
    return set(map(str, _those_in_sight(actor, kind, [UUID(row_id) for row_id in ids])))


def hearers(tenant_id: UUID, kind: str, row_id: str, actors: Collection[Actor]) -> set[int | None]:
    """Which of many people in an organisation may hear that one thing has changed: their ids.

    Two queries for all who may see a part of its kind, and these as they may see it by now.
    """
    heard = {actor.user_id for actor in actors if sees_all(actor, kind)}
    others = {actor.user_id for actor in actors if sees_some(actor, kind)} - heard
    if kind in WITHOUT_ROWS:
        return heard | {each for each in others if kind == TRAIL and row_id == str(each)}
    return heard.union(_seeing(tenant_id, _model(kind), UUID(row_id), others) if others else ())


def _seeing(tenant_id: UUID, model: Any, row_id: UUID, user_ids: Collection[int]) -> Iterable[int]:
    """Who of some people may see a row, as `fetch` asks it of each."""
    people = func.unnest(bindparam("people", type_=ARRAY(BigInteger))).table_valued(column("id", BigInteger))
    person: ColumnElement[int] = literal_column("person.id", BigInteger)  # one and the same in each part, however deep
    query = (
        select(person, *places_of(model))
        .select_from(model)
        .outerjoin(people.render_derived("person"), model.is_own(person) if hasattr(model, "is_own") else false())
        .where(model.id == row_id, model.application_instance_id == tenant_id)
    )
    with tenancy.entered(db.session, tenant_id):
        rows = db.session.execute(query, {"people": list(user_ids)}).all()
        if not rows:
            return []
        own, places = {row[0] for row in rows}, [place for place in rows[0][1:] if place]
        members = find_members(tenant_id, user_ids, places)
    viewing = viewing_of(model)
    return [each for each, actor in members.items() if may_see(actor, viewing, places, partial(contains, own, each))]


def sees_all(actor: Actor, kind: str) -> bool:
    """Whether somebody may see every thing of a kind."""
    if kind in (PERSON, ORGANISATION):
        return actor.may_somewhere(WITHOUT_ROWS[kind])
    viewing = _viewing(kind)
    return viewing is not None and actor.may(viewing)


def sees_some(actor: Actor, kind: str) -> bool:
    """Whether somebody may see any thing of a kind."""
    viewing = _viewing(kind)
    if viewing is None:
        return False
    return actor.may_somewhere(viewing) or actor.may_somewhere(f"{viewing}_own")


def is_in_sight(actor: Actor, kind: str, row_id: UUID) -> bool:
    """Whether somebody may see one thing, be it since it is their own. Asks the database."""
    return bool(_those_in_sight(actor, kind, [row_id]))


def _those_in_sight(actor: Actor, kind: str, row_ids: list[UUID]) -> Collection[UUID]:
    model = _model(kind)
    query = select(model.id).where(model.id.in_(row_ids), model.application_instance_id == actor.tenant_id)
    with tenancy.entered(db.session, actor.tenant_id):
        if (clause := in_sight(actor, model)) is not None:
            query = query.where(clause)
        return db.session.scalars(query, sight_of(actor, model) if clause is not None else {}).all()


def _viewing(kind: str) -> str | None:
    """The permission to see things of a kind, or None where there is no such kind."""
    if kind in WITHOUT_ROWS:
        return WITHOUT_ROWS[kind]
    model = _model(kind)
    return viewing_of(model) if model is not None else None


def _model(kind: str) -> Any:
    return _models().get(PLACES.get(kind, kind))


@cache
def _models() -> dict[str, Any]:
    """The kinds of thing that belong to an organisation and that there is a permission to see."""
    every = (mapper.class_ for mapper in Base.registry.mappers)
    owned = [model for model in every if hasattr(model, "application_instance_id") and hasattr(model, "kind")]
    return {model.kind: model for model in owned if hasattr(model, "id") and viewing_of(model) in PERMISSIONS}
