"""Changes of one's own account, as forms send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from app.core import passwords
from app.core.actor import Actor
from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.fields import Id, Instant, ShortLine


def _not_too_long(password: str) -> str:
    if len(password.encode()) > passwords.MAX_LENGTH:
        raise ValueError(phrase("This may have at most %(max_length)s bytes.", max_length=f"{passwords.MAX_LENGTH:,}"))
    return password


Given = Annotated[str, StringConstraints(min_length=1, max_length=4096)]  # a password as typed, right or wrong
NewPassword = Annotated[str, StringConstraints(min_length=passwords.MIN_LENGTH), AfterValidator(_not_too_long)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Answer = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]  # of an authenticator, as JSON


class PasswordChange(Schema):
    """The old password and the new one, exactly as typed."""

    old_password: Given
    new_password: NewPassword
    end_others: bool = False


class GivenCode(Schema):
    """A code of an app, or a recovery code."""

    code: Code


class NewPasskey(Schema):
    """What the browser answered to being asked for a new passkey, and how its owner calls it."""

    name: ShortLine
    answer: Answer


class PasskeyName(Schema):
    """Another name for a passkey."""

    name: ShortLine


class PasskeyAnswer(Schema):
    """What the browser answered to being asked for a passkey."""

    answer: Answer
    next: str = ""


class SessionOut(Schema):
    """A browser in which somebody is signed in, in JSON. Its cookie is nowhere to be read, nor is a full address."""

    id: Id
    network: str | None
    user_agent: str | None
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant

    @classmethod
    def of(cls, session: Any) -> SessionOut:
        """The session as its row has it."""
        told = {name: getattr(session, name) for name in cls.model_fields if name != "network"}
        return cls.model_validate(told | {"network": session.ip_network and str(session.ip_network)})


class PersonOut(Schema):
    """The person for whom a key acts, in JSON."""

    id: int
    name: str
    email: str
    time_zone: str
    locale: str

    @classmethod
    def of(cls, actor: Actor) -> PersonOut:
        """The person, with the zone and locale that hold for them: their own, else those of the organisation."""
        told = {name: getattr(actor, name) for name in cls.model_fields if name != "id"}
        return cls.model_validate(told | {"id": actor.user_id})


class PlaceOfWork(Schema):
    """The organisation that a key belongs to, in JSON."""

    id: Id
    slug: str
    name: str


class AllowedInPlaces(Schema):
    """What is allowed in some programs and tasks only, by their ids."""

    permissions: list[str]
    place_ids: list[str]


class WhoAmI(Schema):
    """Who asks, where, by what, and what they may do with it: permissions are cut down to the scopes already."""

    person: PersonOut | None
    organisation: PlaceOfWork
    roles: list[str]
    permissions: list[str]
    permissions_in_places: list[AllowedInPlaces]
    scopes: list[str]
    authenticated_by: str
    key_id: Id | None

    @classmethod
    def of(cls, actor: Actor, on_tasks: Mapping[UUID, list[str]]) -> WhoAmI:
        """The actor of a request, with the tasks on which they hold a role for the task alone."""
        tenant = actor.tenant
        return cls(
            person=None if actor.user_id is None else PersonOut.of(actor),
            organisation=PlaceOfWork(id=tenant.id, slug=tenant.slug, name=tenant.name),
            roles=list(actor.role_names),
            permissions=sorted(actor.permissions),
            permissions_in_places=[
                AllowedInPlaces(permissions=sorted(role.permissions), place_ids=sorted(role.places))
                for role in actor.local_roles
                if role.permissions
            ]
            + [
                AllowedInPlaces(permissions=sorted(role.permissions), place_ids=on_tasks.get(role.role_id, []))
                for role in actor.task_roles
                if role.permissions
            ],
            scopes=sorted(actor.scopes),
            authenticated_by=actor.authenticated_by,
            key_id=actor.credential_id,
        )
