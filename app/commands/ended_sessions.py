"""End browser sessions: the one place where their rows go, so that their sockets go with them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, delete

from app.core.announcing import announce_own, say_farewell
from app.core.database import db
from app.models.user_sessions import UserSession


def end_sessions(*which: ColumnElement[bool], again: bool = False) -> list[UUID]:
    """End the sessions that `which` describes, and their sockets once that is committed. Returns their ids.

    `again` says that the browser goes on under another session: its socket is told to come again at once.
    """
    gone = delete(UserSession).where(*which).returning(UserSession.id, UserSession.user_id)
    ended = list(db.session.execute(gone))
    for session_id, _user_id in ended:
        say_farewell(session_id=session_id, again=again)
    for user_id in {user_id for _session_id, user_id in ended if user_id is not None}:
        announce_own(user_id)
    return [session_id for session_id, _user_id in ended]


def end_sessions_of(user_id: int, *, but: UUID | None = None) -> int:
    """End every session of a person, `but` for one. Returns how many there were."""
    others = () if but is None else (UserSession.id != but,)
    return len(end_sessions(UserSession.user_id == user_id, *others))
