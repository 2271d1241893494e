"""What an operator does on the command line: `flask --app wsgi tenant create`, and so on."""

from __future__ import annotations

import secrets
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from app.commands import tenants
from app.commands.api_keys import create_api_key, revoke_api_key, rotate_api_key
from app.config import Settings
from app.core import clock, tenancy
from app.core.actor import Actor, Visitor
from app.core.database import db
from app.core.errors import DomainError, Invalid
from app.core.paging import Paging
from app.core.parsing import Schema, parse
from app.local import demo
from app.models.application_instances import ApplicationInstance
from app.models.users import User
from app.queries.api_keys import list_api_keys
from app.schemas.api_keys import Rotation
from app.schemas.tenants import NewApiKey, NewMember, NewTenant
from runcible.certification import keys as signing_keys

STEPS = "migrations"

tenant = AppGroup("tenant", help="Organisations and the people in them.")
api_key = AppGroup("api-key", help="Keys for programs.")
keys = AppGroup("keys", help="Signing keys and the trust root.")
demo_data = AppGroup("demo", help="Data to look around with.")


class Migrations(click.Command):
    """`flask db`. Alembic is loaded when somebody asks for it, as no server ever does."""

    def __init__(self, app: Flask) -> None:
        super().__init__("db", help="Steps of the database.")
        self._app = app

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Begin what Flask-Migrate offers under this name."""
        import_module("flask_migrate").Migrate(self._app, db, directory=STEPS)
        offered: click.Group = import_module("flask_migrate.cli").db
        return offered.make_context(info_name, args, parent, **extra)


def init_app(app: Flask) -> None:
    """Offer the commands."""
    for command in (tenant, api_key, keys, demo_data, Migrations(app), release):
        app.cli.add_command(command)


@click.command("release")
@with_appcontext
def release() -> None:
    """What a version needs before it starts: bring the database up to date, and make keys where there are none yet."""
    flask_migrate = import_module("flask_migrate")
    flask_migrate.Migrate(current_app, db, directory=STEPS)
    flask_migrate.upgrade()
    _make_keys()


@tenant.command("create")
@click.option("--slug", prompt="Short name, for addresses (a-z, 0-9, -)")
@click.option("--name", prompt="Name of the organisation")
@click.option("--owner-email", prompt="E-mail of its first owner")
@click.option("--owner-name", prompt="Name of its first owner")
@click.password_option("--owner-password", help="Asked for where it is not given.")
def create_tenant(**given: str) -> None:
    """Make an organisation and its first owner."""
    made = _told(lambda: tenants.create_tenant(Visitor(), _parsed(NewTenant, given)))
    click.echo(f"Made {made.name}. Its owner signs in as {given['owner_email']}.")


@tenant.command("add-member")
@click.argument("slug")
@click.option("--email", prompt=True)
@click.option("--name", prompt=True)
@click.option("--role", prompt="Role (owner, member, viewer)")
@click.password_option("--password")
def add_member(slug: str, **given: str) -> None:
    """Let a person into an organisation."""
    made = _told(lambda: tenants.create_member(_system(slug), _parsed(NewMember, given)))
    click.echo(f"{made.name} can sign in.")


@tenant.command("suspend")
@click.argument("slug")
def suspend_tenant(slug: str) -> None:
    """Let nobody work in an organisation until it is resumed. Nothing is lost."""
    suspended = tenants.suspend_tenant(_system(slug))
    click.echo(f"{suspended.name} is suspended: its pages and its API answer 403, and its jobs wait.")


@tenant.command("resume")
@click.argument("slug")
def resume_tenant(slug: str) -> None:
    """Let people work in a suspended organisation again."""
    click.echo(f"{tenants.resume_tenant(_system(slug)).name} can be worked in again.")


@api_key.command("create")
@click.argument("slug")
@click.argument("email")
@click.option("--name", default="Command line", show_default=True)
@click.option(
    "--scope", "scopes", multiple=True, default=("*",), show_default=True, help="A permission; may be repeated."
)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is good for. Without: until it is revoked.")
def create_key(slug: str, email: str, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Make a key that acts for a member, and print it: it is shown only now."""
    actor = _system(slug)
    user_id = db.session.scalar(db.select(User.user_id).where(db.func.lower(User.email) == db.func.lower(email)))
    if user_id is None:
        raise click.ClickException(f"Nobody has the address {email}.")
    ends = clock.now() + timedelta(days=days) if days else None
    given = {"user_id": user_id, "name": name, "scopes": scopes, "expires_at": ends}
    _made, secret = _told(lambda: create_api_key(actor, _parsed(NewApiKey, given)))
    click.echo(secret)


@api_key.command("list")
@click.argument("slug")
def show_keys(slug: str) -> None:
    """List the keys of an organisation: how each begins, whose it is, what it may, when it was last used."""
    for key in list_api_keys(_system(slug), Paging(size=10_000)).rows:
        state = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "no end"
        used = f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        click.echo(f"{key.id}  {key.prefix}…  {key.user_email}  {key.name}  {','.join(key.scopes)}  {state}  {used}")


@api_key.command("revoke")
@click.argument("slug")
@click.argument("key_id", type=click.UUID)
def revoke_key(slug: str, key_id: UUID) -> None:
    """End a key at once."""
    actor = _system(slug)
    revoked = _told(lambda: revoke_api_key(actor, key_id))
    click.echo(f"{revoked.prefix}… is revoked.")


@api_key.command("rotate")
@click.argument("slug")
@click.argument("key_id", type=click.UUID)
@click.option("--overlap", type=click.IntRange(0, 168), default=24, show_default=True, help="Hours of the old one.")
def rotate_key(slug: str, key_id: UUID, overlap: int) -> None:
    """Make a new key in the place of one, and print it: it is shown only now."""
    _made, secret = _told(lambda: rotate_api_key(_system(slug), key_id, Rotation(overlap_hours=overlap)))
    click.echo(secret)


@keys.command("create")
def create_keys() -> None:
    """Make the signing keys, the built-in time-stamping authority and the trust root, where there are none yet."""
    _make_keys()


def _make_keys() -> None:
    settings = Settings()
    if settings.signing_key_dir is None or settings.trust_root_file is None:
        raise click.ClickException("Set SIGNING_KEY_DIR and TRUST_ROOT_FILE.")
    passphrase = settings.signing_passphrase()
    if not settings.signing_key_dir.exists() or not any(settings.signing_key_dir.iterdir()):
        signing_keys.create(settings.signing_key_dir, passphrase, at=clock.now())
        click.echo(f"Made signing keys in {settings.signing_key_dir}.")
    ring = signing_keys.open_ring(settings.signing_key_dir, passphrase)
    _write(settings.trust_root_file, ring.trust_root.bytes)


@demo_data.command("load")
def load_demo() -> None:
    """Fill an empty installation with a small organisation at work, and write down how to sign in to it."""
    settings = Settings()
    written = demo.load(settings.oversing_home / "demo.json", settings.base_url, settings, secrets.token_urlsafe)
    click.echo(f"Demo data is there. How to sign in is in {written}.")


def _system(slug: str) -> Actor:
    found = db.session.scalar(db.select(ApplicationInstance).where(ApplicationInstance.slug == slug))
    if found is None:
        raise click.ClickException(f"There is no organisation called {slug}.")
    tenancy.enter(db.session, found.id)
    click.get_current_context().call_on_close(lambda: tenancy.enter(db.session, None))
    return tenants.system_actor(found)


def _parsed(schema: type[Schema], given: dict[str, object]) -> Schema:
    try:
        return parse(schema, given)
    except Invalid as refused:
        raise click.ClickException("; ".join(f"{name}: {wrong}" for name, wrong in refused.fields.items())) from None


def _told(act):  # type: ignore[no-untyped-def]
    try:
        return act()
    except DomainError as refused:
        wrong = "; ".join(f"{detail['field']}: {detail['message']}" for detail in refused.details)
        raise click.ClickException(wrong or refused.message) from None


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once, so that nobody ever reads half of it."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)
