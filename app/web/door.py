"""The door: finds out who asks, by a cookie or a key, before a view is called, and lets in whom the view wants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import structlog
from flask import Flask, current_app, g, request, session
from flask_login import LoginManager

from app.commands import sessions as commands
from app.core import clock, tenancy
from app.core.actor import Actor, Profile, Tenant
from app.core.database import db
from app.core.errors import AmbiguousCredentials, NotFound, TenantSuspended, Unauthenticated
from app.core.phrases import phrase
from app.models.api_keys import may_be_used_from
from app.queries import identity
from app.web import cors, panels, rate_limits
from app.web.actors import asked_about, is_api, known_actor, origin, person_signed_in
from app.web.stored_sessions import StoredSession, StoredSessions

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
TOUCH_EVERY = timedelta(minutes=1)


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Let anybody call this view. Every other view needs somebody signed in."""
    view.is_public = True  # type: ignore[attr-defined]

    @wraps(view)
    def open_view(*args: P.args, **kwargs: P.kwargs) -> R:
        return view(*args, **kwargs)

    return open_view


def personal(view: Callable[P, R]) -> Callable[P, R]:
    """Let everybody who is signed in call this view, in no organisation: it is about their own account."""
    view.is_personal = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask) -> None:
    """Use stored sessions and Flask-Login, and refuse everybody whom a view does not want."""
    app.session_interface = StoredSessions()
    # Without its context processor: that one would look for a "remember me" cookie, which we never set.
    manager = LoginManager(app, add_context_processor=False)
    manager.session_protection = None
    manager.user_loader(lambda _user_id: getattr(session._get_current_object(), "person", None))  # type: ignore[attr-defined]
    app.before_request(_let_in)
    app.teardown_request(_leave)


def _let_in() -> None:
    """Find out who asks, and how often, before the view is called. The panels of a workspace are counted with it.

    Raises RateLimited, Unauthenticated, NotFound for a strange organisation or TenantSuspended.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "needs_nothing", False):
        return
    is_public = view is None or getattr(view, "is_public", False)
    if panels.is_within():
        if not is_public:
            g.actor = _person_at_work()  # as was found out for the workspace, a moment ago
            tenancy.enter(db.session, g.actor.tenant_id)
        return
    if view is not None and not is_api(request):
        slug = None if is_public else (request.view_args or {}).get("slug", g.get("slug"))
        stored: StoredSession = session._get_current_object()  # type: ignore[attr-defined]
        stored.load(current_app.config["SETTINGS"], slug, in_account=getattr(view, "is_personal", False))
    try:
        if getattr(view, "is_personal", False):
            g.signed_in = person_signed_in()
        elif not is_public:
            g.actor = _key_holder() if is_api(request) else _person_at_work()
    finally:
        _count()


def _count() -> None:
    """Count the request for whom it is of, or for its address where nobody known asks. Raises RateLimited."""
    actor, person = known_actor(), getattr(session._get_current_object(), "person", None)  # type: ignore[attr-defined]
    if actor is not None:
        rate_limits.count_actor(actor)
    elif person is not None:
        rate_limits.count_person(person.user_id)
    else:
        rate_limits.count_address()


def _leave(_error: BaseException | None) -> None:
    """End the transaction, and with it the setting that shows rows of the organisation; nothing more has to be told."""
    db.session.close()
    tenancy.enter(db.session, None)


def _person_at_work() -> Actor:
    stored: StoredSession = session._get_current_object()  # type: ignore[attr-defined]
    if stored.person is None:
        raise Unauthenticated(phrase("Sign in to go on."))
    if stored.tenant is None:
        raise NotFound
    return _actor(stored.tenant, stored.person, stored.person.profile, stored.roles, "session", stored.row_id)


def _key_holder() -> Actor:
    """The actor behind a bearer key. Raises Unauthenticated for none, or one that is unknown, ended or revoked."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    cookie = current_app.session_interface.get_cookie_name(current_app)
    if scheme and cookie in request.cookies:
        raise AmbiguousCredentials
    if scheme.lower() != "bearer" or not secret.strip():
        raise _no_key()
    key = identity.find_api_key(secret.strip(), clock.now(), asked_about())
    if key is None:
        raise _no_key()
    if not may_be_used_from(key.networks, request.remote_addr):
        log.warning("api_key.used_elsewhere", key_id=str(key.id), tenant=key.slug)
        raise _no_key()
    cors.judge(key.api_origins)
    tenant = identity.tenant_from(key)
    try:
        roles = identity.roles_from(key.roles, tenant.id, key.user_id)
        profile, scopes = identity.profile_from(key), frozenset(key.scopes)
        actor = _actor(tenant, key, profile, roles, "api_key", key.id, scopes=scopes)
    except NotFound:  # the person has left the organisation, and the key goes with them
        raise _no_key() from None
    if key.last_used_at is None or clock.now() - key.last_used_at > TOUCH_EVERY:
        commands.touch_api_key(actor, key.id)
    return actor


def _no_key() -> Unauthenticated:
    return Unauthenticated(phrase("Send a valid API key as: Authorization: Bearer ovk_live_…"))


def _actor(
    tenant: Tenant,
    person: Any,
    profile: Profile,
    roles: identity.Held | None,
    how: Any,
    credential_id: UUID | None,
    *,
    scopes: frozenset[str] = frozenset({"*"}),
) -> Actor:
    """The person at work in the organisation.

    Raises NotFound for somebody who does not belong to it, and for everybody once it is closed; TenantSuspended where
    nobody may work in it.
    """
    if roles is None or tenant.is_closed:
        raise NotFound
    if tenant.is_suspended:
        raise TenantSuspended
    tenancy.note_entered(tenant.id)
    return Actor(
        tenant=tenant,
        user_id=person.user_id,
        name=person.name,
        email=person.email,
        authenticated_by=how,
        credential_id=credential_id,
        scopes=scopes,
        origin=origin(),
        profile=profile,
        **identity.allowed_by(roles, scopes),
    )
