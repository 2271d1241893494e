"""People of an organisation who are signed in, each in a browser of their own."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.commands import sessions
from app.core.actor import Visitor
from app.core.database import db, fresh_session
from app.core.ids import new_token
from app.models.users import User
from app.web.stored_sessions import token_hash
from benchmarks.data import Organisation


def signed_in(organisation: Organisation, number: int) -> list[str]:
    """The cookies of so many browsers, of one person after the other. Call it within an application context."""
    with fresh_session():
        found = select(User.user_id).where(User.email.endswith(f"@{organisation.slug}.example")).order_by(User.user_id)
        people, cookies = list(db.session.scalars(found)), [new_token() for _ in range(number)]
        for place, cookie in enumerate(cookies):
            kept = {"_user_id": str(people[place % len(people)]), "_fresh": True}
            sessions.keep_session(Visitor(), None, token_hash(cookie), kept, timedelta(days=1))
    return cookies
