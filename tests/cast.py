"""The people in the tests: alice owns acme, bob works there, carol may only look; mallory owns another organisation.

Every organisation has people of its own: alice of one acme and alice of the next have two accounts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select

from app.commands import sessions, tenants
from app.commands.api_keys import create_api_key
from app.core import tenancy
from app.core.actor import Actor, Origin, Tenant, Visitor
from app.core.database import db
from app.core.ids import new_token
from app.core.transaction import end_reading
from app.models.access_roles import AccessRole
from app.models.governance_policies import GovernancePolicy
from app.models.users import User
from app.queries.certifications import get_certification
from app.queries.identity import allowed_by, find_roles
from app.queries.programs import get_program
from app.queries.tasks import get_task
from app.schemas.tenants import NewApiKey, NewMember, NewTenant
from app.web.stored_sessions import token_hash
from tests.foundings import Copyist

PASSWORD = "a long enough password"
ROLES = {  # others hold no role at first
    "alice": "owner",
    "bob": "member",
    "carol": "viewer",
    "dave": "admin",
    "erin": "manager",
    "frank": "reviewer",
    "grace": "auditor",
    "mallory": "owner",
}

R = TypeVar("R")
_numbers = count(1)
_copyists: dict[str, Copyist] = {}  # by database
_firsts: dict[tuple[str, str], Organisation] = {}  # of which others are copies, by database and name


@dataclass(frozen=True)
class Organisation:
    """One organisation of one test, and how to act in it."""

    id: UUID
    slug: str
    name: str
    policies: dict[str, UUID] = field(compare=False)
    roles: dict[str, UUID] = field(compare=False)


@dataclass(frozen=True)
class Player:
    """Somebody in an organisation: as the actor of commands, with a key for the API and a cookie for pages."""

    name: str
    organisation: Organisation
    actor: Actor

    @property
    def user_id(self) -> int:
        """Their id."""
        assert self.actor.user_id is not None
        return self.actor.user_id

    def sees(self, query: Callable[..., R], *args: Any, **more: Any) -> R:
        """What a query shows them, in a transaction of its own: nothing is left over from before."""
        afresh()
        with tenancy.entered(db.session, self.organisation.id):
            return query(self.actor, *args, **more)

    def program(self, program_id: UUID) -> Any:
        """A program as it is now."""
        return self.sees(get_program, program_id)

    def task(self, task_id: UUID) -> Any:
        """A task as it is now, as a page shows it."""
        return self.sees(get_task, task_id)

    def certification(self, certification_id: UUID) -> Any:
        """A certification as it is now."""
        return self.sees(get_certification, certification_id)

    @cached_property
    def api_key(self) -> str:
        """A key that may do all that they may."""
        return self.key_with("*")

    def key_with(self, *scopes: str, **more: Any) -> str:
        """A key with these scopes only."""
        new = NewApiKey(user_id=self.user_id, name="Test", scopes=scopes, **more)
        return create_api_key(system(self.organisation), new)[1]

    @cached_property
    def cookie(self) -> str:
        """The cookie of a browser in which they are signed in."""
        token = new_token()
        data = {"_user_id": str(self.user_id), "_fresh": True}
        sessions.keep_session(Visitor(), None, token_hash(token), data, timedelta(days=1))
        return token


def learn() -> None:
    """Have the commands found an organisation of each name, with all of its roles: from now on others are copies."""
    database = str(db.engine.url.database)
    copyist = Copyist(database)
    for name in ("acme", "globex"):
        organisation = found_by_command(name)
        copyist.learn((name,), organisation.id, organisation.slug)
        for role in (None, *dict.fromkeys(ROLES.values())):
            person = f"somebody-{role}"
            let_in_by_command(organisation, person, role, person.capitalize())
            copyist.learn((name, role), organisation.id, organisation.slug, person, person.capitalize())
        _firsts[database, name] = organisation
    _copyists[database] = copyist


def found(name: str = "acme") -> Organisation:
    """A new organisation, owned by alice, or by mallory if it is called globex."""
    database, slug = str(db.engine.url.database), _slug(name)
    copyist = _copyists.get(database)
    ids = copyist.found(name, slug) if copyist else None
    if ids is None:
        return found_by_command(name)
    first = _firsts[database, name]
    policies, roles = (
        {key: UUID(ids[str(there)]) for key, there in known.items()} for known in (first.policies, first.roles)
    )
    return Organisation(UUID(ids[str(first.id)]), slug, first.name, policies, roles)


def found_by_command(name: str) -> Organisation:
    """The same, made as the product makes it."""
    owner, slug = "mallory" if name == "globex" else "alice", _slug(name)
    made = tenants.create_tenant(
        Visitor(),
        NewTenant(
            slug=slug,
            name=name.capitalize(),
            owner_email=f"{owner}@{slug}.example",
            owner_name=owner.capitalize(),
            owner_password=PASSWORD,
        ),
    )
    with tenancy.entered(db.session, made.id):
        policies = dict(db.session.execute(select(GovernancePolicy.key, GovernancePolicy.id)).all())
        roles = dict(db.session.execute(select(AccessRole.key, AccessRole.id)).all())
    return Organisation(made.id, made.slug, made.name, policies, roles)


def _slug(name: str) -> str:
    return f"{name}-{next(_numbers)}-{new_token()[:6].lower().replace('_', 'x').replace('-', 'y')}"


def join(organisation: Organisation, name: str) -> Player:
    """A person of the cast in an organisation, let in unless they are there already."""
    if name not in ("alice", "mallory"):
        let_in(organisation, name, ROLES.get(name), name.capitalize())
    return play(organisation, name)


def let_in(organisation: Organisation, name: str, role: str | None, called: str) -> None:
    """Let somebody in, with a role or none yet."""
    copyist = _copyists.get(str(db.engine.url.database))
    if not (copyist and copyist.let_in(organisation.id, role, name, called)):
        let_in_by_command(organisation, name, role, called)


def let_in_by_command(organisation: Organisation, name: str, role: str | None, called: str) -> None:
    """The same, as the product does it."""
    new = NewMember(email=address_of(organisation, name), name=called, password=PASSWORD, role=role)
    tenants.create_member(system(organisation), new)


def play(organisation: Organisation, name: str) -> Player:
    """A member of an organisation as an actor, with the permissions that their roles have now."""
    with tenancy.entered(db.session, organisation.id):
        # As the index knows addresses: there are thousands of people.
        user = db.session.scalars(select(User).where(func.lower(User.email) == address_of(organisation, name))).one()
        roles = find_roles(organisation.id, user.user_id)
        assert roles is not None
    actor = Actor(
        tenant=Tenant(organisation.id, organisation.slug, organisation.name),
        user_id=user.user_id,
        name=user.name,
        email=user.email,
        authenticated_by="session",
        origin=Origin(request_id="test", ip_address="203.0.113.7", user_agent="Test browser"),
        **allowed_by(roles),
    )
    afresh()
    return Player(name, organisation, actor)


def address_of(organisation: Organisation, name: str) -> str:
    """The address of somebody in an organisation, by the name that they are played under."""
    return f"{name}@{organisation.slug}.example"


def system(organisation: Organisation) -> Actor:
    """The system itself in an organisation."""
    from_row = type("Row", (), {"id": organisation.id, "slug": organisation.slug, "name": organisation.name})
    return tenants.system_actor(from_row)  # type: ignore[arg-type]


def afresh() -> None:
    """Look at the database anew. What a test holds in its hands stays readable, as it was."""
    db.session.expunge_all()
    end_reading()
