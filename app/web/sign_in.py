"""Who is asking: sessions in PostgreSQL behind a cookie for people, bearer keys for programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from flask import Flask, Request, Response, after_this_request, current_app, g, request, session
from flask.sessions import SessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, login_user, logout_user
from werkzeug.datastructures import CallbackDict

from app.commands import sessions as commands
from app.commands.users import note_presence
from app.config import Settings
from app.core import clock, tenancy
from app.core.actor import Actor, Origin, SignedIn, Tenant, Visitor
from app.core.database import db
from app.core.errors import AmbiguousCredentials, NotFound, TenantSuspended, Unauthenticated
from app.core.ids import new_token
from app.models.api_keys import may_be_used_from
from app.queries import identity
from app.queries.accounts import ways_of
from app.schemas.sessions import Credentials
from app.web import cors, rate_limits

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
TOUCH_EVERY = timedelta(minutes=1)
SECOND_STEP_WITHIN = timedelta(minutes=10)
FRESH_FOR = timedelta(minutes=10)


@dataclass
class Person(UserMixin):
    """Somebody who is signed in, as Flask-Login wants to know them."""

    user_id: int
    name: str
    email: str

    def get_id(self) -> str:
        """What the session keeps of the person."""
        return str(self.user_id)


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


class StoredSession(CallbackDict[str, Any], SessionMixin):
    """A session whose content is in PostgreSQL. It is read in the first step of a request: the database may be down."""

    def __init__(self, token: str | None = None) -> None:
        super().__init__({}, on_update=_mark_modified)
        self.token, self.row_id, self.last_seen_at, self.signed_in_at = token, None, None, None
        self.person: Person | None = None
        self.tenant: Tenant | None = None
        self.roles: list[identity.Role] | None = None
        self.modified = self.rotate = False
        self.accessed = True

    def load(self, settings: Settings, slug: str | None) -> None:
        """Read what is stored for the cookie, and enter the organisation that the address names.

        An unknown, ended or idle session is an empty one.
        """
        if self.token is None:
            return
        idle_since = clock.now() - timedelta(hours=settings.session_idle_hours)
        row = identity.find_session(token_hash(self.token), slug, clock.now(), idle_since)
        if row is None:
            return
        self.row_id, self.last_seen_at, self.signed_in_at = row.id, row.last_seen_at, row.signed_in_at
        dict.update(self, row.data)
        if row.user_id is not None:
            self.person = Person(row.user_id, row.name, row.email)
        if row.tenant_id is not None:
            self.tenant = identity.tenant_from(row)
            self.roles = identity.roles_from(row.roles)


def _mark_modified(stored: Any) -> None:
    stored.modified = True


class StoredSessions(SessionInterface):
    """Keeps sessions in PostgreSQL, under the hash of a random cookie."""

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """An empty session that knows its cookie; the API has none."""
        return StoredSession(None if is_api(request) else request.cookies.get(self.get_cookie_name(app)))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store what changed; set a cookie only for somebody who has something to keep."""
        assert isinstance(session, StoredSession)
        visitor = Visitor(origin())
        if not session:
            if session.row_id is not None:
                commands.end_session(visitor, session.row_id)
                response.delete_cookie(self.get_cookie_name(app), **self._cookie(app))
            return
        if not (session.modified or session.rotate):
            if session.last_seen_at is not None and clock.now() - session.last_seen_at > TOUCH_EVERY:
                commands.touch_session(visitor, session.row_id)
                if (actor := known_actor()) is not None:
                    note_presence(actor)
            return
        if session.row_id is not None and not session.rotate:
            commands.update_session(visitor, session.row_id, dict(session))
            return
        session.token = new_token()
        lasts = timedelta(days=app.config["SETTINGS"].session_days)
        commands.keep_session(visitor, session.row_id, token_hash(session.token), dict(session), lasts)
        response.set_cookie(
            self.get_cookie_name(app), session.token, max_age=int(lasts.total_seconds()), **self._cookie(app)
        )

    def get_cookie_name(self, app: Flask) -> str:
        """`__Host-` binds the cookie to this host; Chromium drops such a cookie where there is no TLS."""
        return "__Host-sid" if app.config["SETTINGS"].https else "sid"

    @staticmethod
    def _cookie(app: Flask) -> dict[str, Any]:
        return {"path": "/", "httponly": True, "samesite": "Lax", "secure": app.config["SETTINGS"].https}


def token_hash(token: str) -> bytes:
    """What is stored of a cookie."""
    return hashlib.sha256(token.encode()).digest()


def is_api(request: Request) -> bool:
    """Whether the request is for programs: no cookie counts there."""
    return request.path == "/api" or request.path.startswith("/api/")


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
    """Find out who asks, and how often, before the view is called.

    Raises RateLimited, Unauthenticated, NotFound for a strange organisation or TenantSuspended.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "needs_nothing", False):
        return
    is_public = view is None or getattr(view, "is_public", False)
    if view is not None and not is_api(request):
        slug = None if is_public else (request.view_args or {}).get("slug", g.get("slug"))
        session._get_current_object().load(current_app.config["SETTINGS"], slug)  # type: ignore[attr-defined]
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


def current_actor() -> Actor:
    """The actor of this request. Only for views that are not public."""
    actor: Actor = g.actor
    return actor


def current_person() -> SignedIn:
    """Who is signed in, whatever organisation the page is of. Only for views that are not public."""
    return g.signed_in if "signed_in" in g else person_signed_in()  # type: ignore[no-any-return]


def person_signed_in() -> SignedIn:
    """The person of the session. Raises Unauthenticated where there is none."""
    stored: StoredSession = session._get_current_object()  # type: ignore[attr-defined]
    if stored.person is None or stored.row_id is None or stored.signed_in_at is None:
        raise Unauthenticated("Sign in to go on.")
    person = stored.person
    return SignedIn(person.user_id, person.name, person.email, stored.row_id, stored.signed_in_at, origin())


def known_actor() -> Actor | None:
    """The actor of this request, or None where nobody has said who they are: for layouts and the log."""
    return g.get("actor")


def origin() -> Origin:
    """Where the request comes from. The address is the one that our own proxies vouch for."""
    return Origin(
        request_id=g.get("request_id", ""),
        ip_address=request.remote_addr,
        user_agent=(request.user_agent.string or "")[:400] or None,
    )


def sign_in(given: Credentials) -> int | None:
    """Check a password. Raises Invalid or RateLimited.

    Returns the id of the person, who is signed in now; None where the password is only the first of two steps.
    """
    visitor, device = Visitor(origin()), request.cookies.get(device_cookie(), "")
    commands.count_guess(visitor, given, device)
    user_id = commands.check_credentials(visitor, given, device)
    if ways_of(user_id).has_second_step:
        _await_second_step(user_id, given.next)
        return None
    let_in(user_id, "password")
    return user_id


def let_in(user_id: int, how: str) -> None:
    """Sign a person in who has shown all that they had to, under a new session id."""
    commands.note_sign_in(Visitor(origin()), user_id, how)
    begin_session(user_id)
    _know_this_device(user_id)


def begin_session(user_id: int) -> None:
    """Let this browser be somebody, under a new session id."""
    session.clear()
    session.rotate = True  # type: ignore[attr-defined]
    login_user(Person(user_id, "", ""))


def count_own_guess(given: Credentials) -> None:
    """Count a guess at the password of who is signed in. Raises RateLimited."""
    commands.count_guess(Visitor(origin()), given, request.cookies.get(device_cookie(), ""))


def _await_second_step(user_id: int, wanted: str) -> None:
    """Remember, in this session only and for some minutes, whose password was right. Nobody is signed in by it."""
    session.clear()
    session.rotate = True  # type: ignore[attr-defined]
    until = clock.now() + SECOND_STEP_WITHIN
    session["first_step"] = {"user_id": user_id, "until": until.isoformat(), "next": wanted}


def first_step() -> dict[str, Any]:
    """Whose password was right in this session, and where they wanted to go. Raises Unauthenticated for nobody's."""
    step: dict[str, Any] | None = session.get("first_step")
    if step is None or datetime.fromisoformat(step["until"]) < clock.now():
        session.pop("first_step", None)
        raise Unauthenticated("Sign in to go on.")
    return step


def confirmed() -> None:
    """Somebody who is signed in has just proved it again: they get a new session id, and their session is fresh."""
    session.rotate = True  # type: ignore[attr-defined]


def is_fresh() -> bool:
    """Whether the person has proved who they are within the last minutes."""
    return person_signed_in().signed_in_at > clock.now() - FRESH_FOR


def device_cookie() -> str:
    """The name of the cookie by which a browser is known as one of a person's. It lets nobody in."""
    return "__Host-device" if current_app.config["SETTINGS"].https else "device"


def _know_this_device(user_id: int) -> None:
    token = new_token()
    commands.keep_device(Visitor(origin()), user_id, token)

    @after_this_request
    def _set_cookie(response: Response) -> Response:
        lasts = int(commands.KNOWN_FOR.total_seconds())
        https = current_app.config["SETTINGS"].https
        response.set_cookie(
            device_cookie(), token, max_age=lasts, path="/", httponly=True, samesite="Lax", secure=https
        )
        return response


def sign_out() -> None:
    """End the session here and in the database."""
    logout_user()
    session.clear()


def safe_next(target: str) -> str | None:
    """`target` if it is a path on this site that a GET may go to, else None: never somebody else's address."""
    parts = urlsplit(target)
    bad = parts.scheme or parts.netloc or "\\" in target or any(ord(c) < 33 for c in target)
    ours = target.startswith(("/o/", "/invitations/", "/account/")) or target == "/account"
    return target if ours and not bad else None


def _person_at_work() -> Actor:
    stored: StoredSession = session._get_current_object()  # type: ignore[attr-defined]
    if stored.person is None:
        raise Unauthenticated("Sign in to go on.")
    if stored.tenant is None:
        raise NotFound
    return _actor(stored.tenant, stored.person, stored.roles, "session", stored.row_id)


def _key_holder() -> Actor:
    """The actor behind a bearer key. Raises Unauthenticated for none, or one that is unknown, ended or revoked."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    cookie = current_app.session_interface.get_cookie_name(current_app)
    if scheme and cookie in request.cookies:
        raise AmbiguousCredentials
    if scheme.lower() != "bearer" or not secret.strip():
        raise _no_key()
    key = identity.find_api_key(secret.strip(), clock.now())
    if key is None:
        raise _no_key()
    if not may_be_used_from(key.networks, request.remote_addr):
        log.warning("api_key.used_elsewhere", key_id=str(key.id), tenant=key.slug)
        raise _no_key()
    cors.judge(key.api_origins)
    tenant = identity.tenant_from(key)
    try:
        roles = identity.roles_from(key.roles)
        actor = _actor(tenant, key, roles, "api_key", key.id, scopes=frozenset(key.scopes))
    except NotFound:  # the person has left the organisation, and the key goes with them
        raise _no_key() from None
    if key.last_used_at is None or clock.now() - key.last_used_at > TOUCH_EVERY:
        commands.touch_api_key(actor, key.id)
    return actor


def _no_key() -> Unauthenticated:
    return Unauthenticated("Send a valid API key as: Authorization: Bearer ovk_live_…")


def _actor(
    tenant: Tenant,
    person: Any,
    roles: list[identity.Role] | None,
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
        origin=origin(),
        **identity.allowed_by(roles, scopes),
    )
