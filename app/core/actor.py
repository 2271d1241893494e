"""Who is asking: the first argument of every command and every query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

Authentication = Literal["nobody", "session", "api_key", "system"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the audit trail keeps it."""

    request_id: str = ""
    ip_address: str | None = None
    user_agent: str | None = None
    locale: str = "en-GB"  # what the browser asks for: all that is known of whoever is nobody yet


@dataclass(frozen=True, slots=True)
class Tenant:
    """The organisation that is being worked in."""

    id: UUID
    slug: str
    name: str
    is_suspended: bool = False
    time_zone: str = "UTC"
    locale: str = "en-GB"
    closes_at: datetime | None = None
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """How somebody wants times and dates written, their picture, whether others are shown where they are, and whether
    the lines of their pages stand close together.

    Nothing chosen: as the organisation has it.
    """

    time_zone: str | None = None
    locale: str | None = None
    avatar_id: UUID | None = None
    is_shown: bool = True
    is_compact: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has not said who they are: the actor of signing in, and of nothing else."""

    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in, at work in no organisation: the actor of what is one's own everywhere.

    A program with a key of theirs is in no browser: it has no session, and nobody has just shown who they are.
    """

    user_id: int
    name: str
    email: str
    session_id: UUID | None = None
    signed_in_at: datetime | None = None
    origin: Origin = field(default_factory=Origin)
    profile: Profile = field(default_factory=Profile)

    @property
    def time_zone(self) -> str:
        """The zone in which times are shown to this person."""
        return self.profile.time_zone or "UTC"

    @property
    def locale(self) -> str:
        """How dates and numbers are written for this person."""
        return self.profile.locale or "en-GB"


@dataclass(frozen=True, slots=True)
class LocalRole:
    """What a role allows in some places only: `places` are the ids of programs, those below them too."""

    permissions: frozenset[str]
    places: frozenset[str]


@dataclass(frozen=True, slots=True)
class TaskRole:
    """What a role allows that somebody holds on single tasks: there may be many, and nobody counts them at the door."""

    role_id: UUID
    permissions: frozenset[str]


class RolesOnTasks:
    """Which roles somebody holds on which task: known where the door or a list told them, else looked up once.

    `look` gives the ids of roles by that of the task, for some tasks; a place that is no task has none. `are_many` says
    that there are thousands of such tasks.
    """

    def __init__(
        self,
        look: Callable[[list[UUID]], dict[UUID, set[UUID]]] = lambda _places: {},
        known: Mapping[UUID, set[UUID]] | None = None,
        *,
        are_many: bool = False,
    ) -> None:
        self._look, self._known, self.are_many = look, dict(known or {}), are_many

    @property
    def known(self) -> dict[UUID, set[UUID]]:
        """What is held on which task, as far as it is known by now."""
        return {place: roles for place, roles in self._known.items() if roles}

    def learn(self, found: Mapping[UUID | None, Iterable[UUID] | None]) -> None:
        """Take in which roles are held in which place, from a statement that brought it along: nobody looks again."""
        self._known.update((place, set(roles or ())) for place, roles in found.items() if place)

    def held_in(self, places: Iterable[UUID]) -> set[UUID]:
        """The ids of the roles that are held on any of the places."""
        wanted = list(places)
        unknown = [place for place in wanted if place not in self._known]
        if unknown:
            found = self._look(unknown)
            self._known.update((place, found.get(place, set())) for place in unknown)
        return {role_id for place in wanted for role_id in self._known[place]}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a key or the system itself, at work in one organisation.

    `permissions` are those that hold throughout the organisation, `local_roles` those of a program and all below it,
    `task_roles` those of single tasks, which `on_tasks` knows or looks up; all are already cut down to the scopes of
    the key where one was used.
    """

    tenant: Tenant
    permissions: frozenset[str]
    local_roles: tuple[LocalRole, ...] = ()
    task_roles: tuple[TaskRole, ...] = ()
    on_tasks: RolesOnTasks = field(default_factory=RolesOnTasks, compare=False, repr=False)
    group_ids: frozenset[UUID] = frozenset()
    user_id: int | None = None
    name: str = ""
    email: str = ""
    role_names: tuple[str, ...] = ()
    authenticated_by: Authentication = "nobody"
    credential_id: UUID | None = None
    scopes: frozenset[str] = frozenset({"*"})
    origin: Origin = field(default_factory=Origin)
    profile: Profile = field(default_factory=Profile)

    @property
    def tenant_id(self) -> UUID:
        """The id of the organisation, under which PostgreSQL shows rows."""
        return self.tenant.id

    @property
    def time_zone(self) -> str:
        """The zone in which times are shown to this person: their own, else that of the organisation."""
        return self.profile.time_zone or self.tenant.time_zone

    @property
    def locale(self) -> str:
        """How dates and numbers are written for this person."""
        return self.profile.locale or self.tenant.locale

    def may(self, permission: str, *places: UUID | None) -> bool:
        """Whether `permission` holds throughout the organisation, or in one of the `places` that a thing lies in."""
        if self.may_in(permission, *places):
            return True
        wanted = self.task_roles_with(permission)
        return bool(wanted) and not self.on_tasks.held_in(filter(None, places)).isdisjoint(wanted)

    def may_in(self, permission: str, *programs: UUID | None) -> bool:
        """The same of programs only, where no role on a single task counts: none is looked up."""
        return permission in self.permissions or any(
            permission in role.permissions and not role.places.isdisjoint(map(str, programs))
            for role in self.local_roles
        )

    def may_somewhere(self, permission: str) -> bool:
        """Whether `permission` holds anywhere at all."""
        return (
            permission in self.permissions
            or any(permission in role.permissions for role in self.local_roles)
            or any(permission in role.permissions for role in self.task_roles)
        )

    def task_roles_with(self, permission: str) -> list[UUID]:
        """The ids of the roles on single tasks that give `permission`."""
        return [role.role_id for role in self.task_roles if permission in role.permissions]

    def places_where(self, permission: str) -> list[UUID]:
        """The programs in which a role of their own gives `permission`."""
        return [UUID(place) for role in self.local_roles if permission in role.permissions for place in role.places]
