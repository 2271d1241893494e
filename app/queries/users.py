"""The people of an organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, and_, bindparam, case, exists, func, literal_column, or_, select

from app.core.actor import Actor
from app.core.database import db, rows_of
from app.core.errors import NotFound
from app.core.paging import Listing, Page, Paging
from app.core.permissions import require_somewhere
from app.models.access_grants import AccessGrant
from app.models.access_roles import AccessRole
from app.models.application_instances import ApplicationInstanceUser
from app.models.identity_events import IdentityEvent
from app.models.users import User

_ROLES = (
    select(func.string_agg(AccessRole.name, literal_column("', ' ORDER BY access_roles.name")))
    .select_from(AccessGrant)
    .join(AccessRole, AccessRole.id == AccessGrant.access_role_id)
    .where(
        AccessGrant.application_instance_id == ApplicationInstanceUser.application_instance_id,
        AccessGrant.user_id == ApplicationInstanceUser.user_id,
        AccessGrant.program_id.is_(None),
        AccessGrant.task_id.is_(None),
    )
    .scalar_subquery()
)
_MEMBERS = (
    select(
        User.user_id.label("id"),
        User.name,
        User.email,
        User.version,
        case((ApplicationInstanceUser.deactivated_at.is_(None), User.avatar_id)).label("avatar_id"),
        case((ApplicationInstanceUser.deactivated_at.is_(None), "active"), else_="deactivated").label("status"),
        func.coalesce(_ROLES, "").label("roles"),
        ApplicationInstanceUser.created_at.label("joined_at"),
        ApplicationInstanceUser.deactivated_at,
        ApplicationInstanceUser.last_seen_at,
    )
    .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
    .where(ApplicationInstanceUser.application_instance_id == bindparam("tenant"))
)
_words = bindparam("words", type_=String)
_deactivated = ApplicationInstanceUser.deactivated_at.is_not(None)
_FOUND = _MEMBERS.where(
    or_(_words.is_(None), User.name.ilike(_words, escape="\\"), User.email.ilike(_words, escape="\\")),
    or_(
        bindparam("status", type_=String).is_(None),
        and_(bindparam("status", type_=String) == "active", ~_deactivated),
        and_(bindparam("status", type_=String) == "deactivated", _deactivated),
    ),
)
_LIST = Listing(_FOUND, User.user_id.label("id"))  # as the rows call it, so that a page knows its ends

_PEOPLE = (
    select(User.user_id.label("id"), User.name, User.email, User.avatar_id)
    .join(ApplicationInstanceUser, ApplicationInstanceUser.user_id == User.user_id)
    .where(ApplicationInstanceUser.application_instance_id == bindparam("tenant"))
    .where(ApplicationInstanceUser.deactivated_at.is_(None), User.deactivated_at.is_(None))
    .order_by(User.name)
    .limit(bindparam("most"))
)


def list_people(actor: Actor, most: int = 500) -> list[Any]:
    """Everybody who works here, by name, but not more than `most`."""
    require_somewhere(actor, "user.view")
    return list(rows_of(db.session, _PEOPLE, {"tenant": actor.tenant_id, "most": most}))


def people_choices(actor: Actor) -> list[Any]:
    """The same for a menu: nobody for whoever may not see who works here."""
    return list_people(actor) if actor.may_somewhere("user.view") else []


@dataclass(frozen=True, slots=True)
class UserFilters:
    """What a list of people is narrowed to: words of the name or address, and "active" or "deactivated"."""

    q: str | None = None
    status: str | None = None


def list_users(actor: Actor, filters: UserFilters, paging: Paging) -> Page[Any]:
    """Members, those who have left too, newest first, with the roles that they hold throughout. One query."""
    require_somewhere(actor, "user.view")
    words = None if filters.q is None else "%" + _escaped(filters.q) + "%"
    values = {"tenant": actor.tenant_id, "words": words, "status": filters.status}
    return _LIST.page(db.session, paging, {"q": filters.q, "status": filters.status}, values)


def get_user(actor: Actor, user_id: int) -> Any:
    """One member as the list has them. Raises NotFound for everybody else."""
    if user_id != actor.user_id:
        require_somewhere(actor, "user.view")
    query = _MEMBERS.where(User.user_id == bindparam("person"))
    row = db.session.execute(query, {"tenant": actor.tenant_id, "person": user_id}).first()
    if row is None:
        raise NotFound
    return row


def looks_after_own_name(user_id: int) -> bool:
    """Whether a person has ever signed in: from then on the name is theirs, and no organisation changes it.

    It must not depend on where else somebody works: the answer would tell one organisation about another.
    """
    signed_in = exists().where(IdentityEvent.user_id == user_id, IdentityEvent.event_type == "user.signed_in")
    return bool(db.session.scalar(select(signed_in)))


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
