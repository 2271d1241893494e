"""The people of an organisation: correct their names, end their membership, and let them back in."""

from __future__ import annotations

from app.commands.access_grants import refuse_unless_managed, refuse_without_owner
from app.commands.api_keys import revoke_keys_of
from app.commands.ended_sessions import end_sessions, end_sessions_of
from app.commands.identity_events import happened
from app.core import clock
from app.core.actor import Actor, Origin
from app.core.announcing import announce_member, say_farewell
from app.core.audit import record
from app.core.audit_state import remember
from app.core.database import db
from app.core.errors import Forbidden, NotFound
from app.core.permissions import expect_version, require
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.application_instances import ApplicationInstanceUser
from app.models.user_sessions import UserSession
from app.models.users import User
from app.queries.access import grants_of_person
from app.queries.identity import tenants_of
from app.queries.users import looks_after_own_name
from app.schemas.profiles import UserChanges

THEIR_OWN = phrase("This person has signed in, and looks after their name themselves.")


@command
def deactivate_user(actor: Actor, user_id: int) -> User:
    """End a membership at once: no session or socket opens anything here any more, and API keys are revoked for good.

    Who works nowhere else is signed out; elsewhere sessions go on. Tasks stay as they are. Doing it twice is doing it
    once. Raises NotFound for a stranger, Forbidden for somebody with a role that the actor may not take, Conflict for
    the last owner.
    """
    require(actor, "user.deactivate")
    belongs, user = _member(actor, user_id)
    if belongs.deactivated_at is not None:
        return user
    belongs.deactivated_at = clock.now()
    db.session.flush()
    refuse_without_owner(actor)
    record(actor, "user.deactivated", user)
    announce_member(actor.tenant_id, user)
    revoke_keys_of(actor, user_id)
    say_farewell(user_id=user_id, tenant_id=actor.tenant_id)
    if not tenants_of(user_id):
        mine = actor.credential_id if actor.authenticated_by == "session" else None  # it is told that it is done
        end_sessions_of(user_id, but=mine)
    return user


@command
def reactivate_user(actor: Actor, user_id: int) -> User:
    """Let somebody back in, with the roles that they had, once they have signed in anew.

    Sessions from before they were let go end, wherever they are used: none of them opens this organisation again. Twice
    is once. Raises as deactivating does.
    """
    require(actor, "user.deactivate")
    belongs, user = _member(actor, user_id)
    if belongs.deactivated_at is None:
        return user
    end_sessions(UserSession.user_id == user_id, UserSession.signed_in_at <= belongs.deactivated_at)
    belongs.deactivated_at = None
    db.session.flush()
    record(actor, "user.reactivated", user)
    announce_member(actor.tenant_id, user)
    return user


@command
def update_user(actor: Actor, user_id: int, changes: UserChanges) -> User:
    """Correct the name with which a member was let in. It is theirs alone once they have signed in.

    Raises NotFound for a stranger, Forbidden for somebody with a role that the actor may not take or who looks after
    their name themselves, StaleVersion if somebody else was faster.
    """
    require(actor, "user.update")
    _belongs, user = _member(actor, user_id)
    if looks_after_own_name(user_id):
        raise Forbidden(THEIR_OWN)
    db.session.refresh(user, with_for_update=True)
    expect_version(user, changes.version)
    remember(user)
    name = changes.name if "name" in changes.model_fields_set else user.name
    if name != user.name:
        user.name, user.version = name, user.version + 1
        db.session.flush()
        record(actor, "user.renamed", user)
        announce_member(actor.tenant_id, user)
        happened(Origin(), user.user_id, "user.renamed_by_organisation", organisation=actor.tenant.name)
    return user


@command(anyone="whoever is at work notes that they are", unrecorded="requests are in the log; this is a convenience")
def note_presence(actor: Actor) -> None:
    """Note when a member was last there."""
    belongs = db.session.get(ApplicationInstanceUser, (actor.tenant_id, actor.user_id))
    if belongs is not None:
        belongs.last_seen_at = clock.now()


def _member(actor: Actor, user_id: int) -> tuple[ApplicationInstanceUser, User]:
    """A member whose roles, direct and by groups, the actor could all take: nobody acts on somebody above them."""
    belongs = db.session.get(ApplicationInstanceUser, (actor.tenant_id, user_id), with_for_update=True)
    user = db.session.get(User, user_id)
    if belongs is None or user is None:
        raise NotFound
    roles = {grant.access_role_id: grant.role_name for grant in grants_of_person(actor, user_id)}
    refuse_unless_managed(actor, roles)
    return belongs, user
