"""Sessions of browsers: a random cookie, and in PostgreSQL under its hash what the session holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from flask_login import UserMixin
from werkzeug.datastructures import CallbackDict

from app.commands import sessions as commands
from app.commands.users import note_presence
from app.config import Settings
from app.core import clock
from app.core.actor import Profile, Tenant, Visitor
from app.core.ids import new_token
from app.core.session_times import ORDINARY, SessionTimes, SessionUse, times_of
from app.queries import identity
from app.web import panels
from app.web.actors import asked_about, is_api, known_actor, origin

PROVED_BY = "proved_by"  # in a session that is about to be kept: the mark of the password that was given
TOUCH_EVERY = timedelta(minutes=1)
NOBODY_LASTS = timedelta(hours=1)  # of whoever is not signed in: something said once, a step of signing in


@dataclass
class Person(UserMixin):
    """Somebody who is signed in, as Flask-Login wants to know them."""

    user_id: int
    name: str
    email: str
    profile: Profile = field(default_factory=Profile)

    def get_id(self) -> str:
        """What the session keeps of the person."""
        return str(self.user_id)


class StoredSession(CallbackDict[str, Any], SessionMixin):
    """A session whose content is in PostgreSQL. It is read in the first step of a request: the database may be down."""

    def __init__(self, token: str | None = None) -> None:
        super().__init__({}, on_update=_mark_modified)
        self.token, self.row_id, self.last_seen_at, self.signed_in_at = token, None, None, None
        self.person: Person | None = None
        self.tenant: Tenant | None = None
        self.roles: identity.Held | None = None
        self.modified = self.rotate = self.goes_on = False
        self.accessed = True

    def load(self, settings: Settings, slug: str | None, *, in_account: bool = False) -> None:
        """Read what is stored for the cookie, and enter the organisation that the address names.

        An unknown or ended session is an empty one. One that is too old or was idle too long for the organisation, or
        for one's own account, ends here, wherever else it might have gone on.
        """
        if self.token is None:
            return
        now, bounds = clock.now(), settings.session_bounds
        row = identity.find_session(token_hash(self.token), slug, now, now - bounds.idle, asked_about())
        if row is None:
            return
        if not self._times(row, bounds, in_account).allow(SessionUse(row.last_seen_at, row.signed_in_at), now):
            self.row_id = row.id  # an empty session with a row is ended as the answer goes out
            return
        self.row_id, self.last_seen_at, self.signed_in_at = row.id, row.last_seen_at, row.signed_in_at
        dict.update(self, row.data)
        if row.user_id is not None:
            self.person = Person(row.user_id, row.name, row.email, identity.profile_from(row))
        if row.tenant_id is not None:
            self.tenant = identity.tenant_from(row)
            self.roles = identity.roles_from(row.roles, row.tenant_id, row.user_id)

    @staticmethod
    def _times(row: Any, bounds: SessionTimes, in_account: bool) -> SessionTimes:
        """What a session is judged by. An organisation has no say about somebody who does not belong to it."""
        if row.roles is not None:
            return times_of(row).within(bounds)
        return ORDINARY.within(bounds) if in_account else bounds


def _mark_modified(stored: Any) -> None:
    stored.modified = True


class StoredSessions(SessionInterface):
    """Keeps sessions in PostgreSQL, under the hash of a random cookie."""

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """An empty session that knows its cookie; the API has none. A panel has that of its workspace."""
        if panels.SESSION in request.environ:
            return request.environ[panels.SESSION]  # type: ignore[no-any-return]
        return StoredSession(None if is_api(request) else request.cookies.get(self.get_cookie_name(app)))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store what changed; set a cookie only for somebody who has something to keep."""
        assert isinstance(session, StoredSession)
        if panels.is_within():
            return  # the workspace will
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
        lasts = app.config["SETTINGS"].session_bounds.lasts if "_user_id" in session else NOBODY_LASTS
        kept = dict(session)
        password = kept.pop(PROVED_BY, None)
        hashed = token_hash(session.token)
        if commands.keep_session(visitor, session.row_id, hashed, kept, lasts, password, session.goes_on):
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
