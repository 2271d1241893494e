"""Write down what becomes of somebody's ways of signing in."""

from __future__ import annotations

import secrets
from typing import Any

from app.core import tenancy
from app.core.actor import Actor, Origin, Tenant
from app.core.announcing import announce_own
from app.core.audit import network_of, record, record_for_nobody
from app.core.audit_state import remember_as
from app.core.database import db
from app.core.transaction import has_recorded
from app.models.identity_events import IdentityEvent
from app.models.users import User
from app.queries.identity import tenants_of
from runcible.storage.audit_chain import account_digest

# Where and when somebody signs in is told to them alone: it is no business of one organisation when they work for
# another. How they can be signed in as concerns each organisation that lets them in.
_PRIVATE = {
    *("user.signed_in", "user.second_step_failed", "user.password_reset_asked", "user.sessions_ended"),
    *("user.settings_changed", "user.renamed_by_organisation"),  # the one concerns nobody, the other is in the trail
    "user.passkey_renamed",
}


def happened(origin: Origin, user_id: int, event_type: str, *, was: dict[str, Any] | None = None, **facts: Any) -> None:
    """Note `event_type` for the person, and in the audit trail of each organisation that they belong to.

    `was` holds what the trail shows of a person as it was before, where that has changed.
    """
    has_recorded()
    salt = secrets.token_bytes(32)
    event = IdentityEvent(
        user_id=user_id,
        event_type=event_type,
        ip_network=network_of(origin.ip_address),
        user_agent=origin.user_agent,
        facts=facts,
        salt=salt,
    )
    db.session.add(event)
    db.session.flush()
    # The chain of all events covers those of accounts too: whoever changes one behind the guards is found.
    announce_own(user_id)
    record_for_nobody(event_type, "IdentityEvent", str(event.id), {"account": account_digest(salt, event)})
    if event_type not in _PRIVATE:
        user = db.session.get_one(User, user_id)
        for tenant in tenants_of(user_id):
            _record(origin, user, Tenant(tenant.id, tenant.slug, tenant.name), event_type, was or {})


def _record(origin: Origin, user: User, tenant: Tenant, event_type: str, was: dict[str, Any]) -> None:
    with tenancy.entered(db.session, tenant.id):
        remember_as(user, was)
        actor = Actor(
            tenant=tenant,
            permissions=frozenset(),
            user_id=user.user_id,
            name=user.name,
            email=user.email,
            authenticated_by="session",
            origin=origin,
        )
        record(actor, event_type, user)
