"""What people change of themselves: name, how pages are written and set, picture, whether others see where they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete

from app.commands.identity_events import happened
from app.core import guessing
from app.core.actor import SignedIn
from app.core.announcing import announce_member, announce_own
from app.core.database import db
from app.core.errors import Invalid
from app.core.permissions import expect_version
from app.core.portraits import portrait
from app.core.transaction import command
from app.models.user_avatars import UserAvatar
from app.models.users import User
from app.queries.identity import tenants_of
from app.schemas.profiles import ProfileChanges

OWN = "everybody looks after their own profile"
PICTURES = 20  # a minute, and longer for whoever goes on: each takes a core for a moment


@command(anyone=OWN)
def update_profile(actor: SignedIn, changes: ProfileChanges) -> User:
    """Change what was sent of one's own profile and leave the rest. Raises StaleVersion if it was changed meanwhile."""
    user = _oneself(actor)
    expect_version(user, changes.version)
    sent = changes.model_dump(exclude_unset=True, exclude={"version"})
    changed = {name: value for name, value in sent.items() if getattr(user, name) != value}
    if not changed:
        return user
    was = user.name
    _change(user, changed)
    if "name" in changed:
        happened(actor.origin, user.user_id, "user.renamed", was={"name": was})
    if changed.keys() - {"name"}:
        happened(actor.origin, user.user_id, "user.settings_changed")
    return user


@command(anyone="uploads are what is being counted")
def count_picture(actor: SignedIn) -> None:
    """Count an upload before it is looked at. Raises RateLimited."""
    guessing.count({guessing.subject(f"picture:{actor.user_id}"): PICTURES})


@command(anyone=OWN)
def change_avatar(actor: SignedIn, file: bytes) -> User:
    """Take the picture in `file` as one's own, in the place of the one before. Raises Invalid for what is none."""
    try:
        image = portrait(file)
    except ValueError as wrong:
        raise Invalid({"picture": str(wrong)}) from None
    user = _oneself(actor)
    _forget_avatar(user)
    avatar = UserAvatar.sealed(user.user_id, image)
    db.session.add(avatar)
    _change(user, {"avatar_id": avatar.id})
    happened(actor.origin, user.user_id, "user.avatar_changed")
    return user


@command(anyone=OWN)
def remove_avatar(actor: SignedIn) -> User:
    """Take one's picture away; nobody can read it again. Twice is once."""
    user = _oneself(actor)
    if user.avatar_id is not None:
        _forget_avatar(user)
        _change(user, {"avatar_id": None})
        happened(actor.origin, user.user_id, "user.avatar_removed")
    return user


def _oneself(actor: SignedIn) -> User:
    return db.session.get_one(User, actor.user_id, with_for_update=True, populate_existing=True)


def _forget_avatar(user: User) -> None:
    db.session.execute(delete(UserAvatar).where(UserAvatar.user_id == user.user_id))


def _change(user: User, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(user, name, value)
    user.version += 1
    db.session.flush()
    announce_own(user.user_id)
    for tenant in tenants_of(user.user_id):
        announce_member(tenant.id, user)
