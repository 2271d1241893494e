"""Change the settings of an organisation, and close it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, update

from app.core import clock, sealing
from app.core.actor import Actor
from app.core.announcing import announce, say_farewell
from app.core.audit import record
from app.core.audit_state import remember
from app.core.database import db
from app.core.errors import Invalid
from app.core.mails import send_mail
from app.core.outbox import enqueue, give_up_waiting
from app.core.permissions import expect_version, require
from app.core.phrases import phrase
from app.core.transaction import command
from app.models.api_keys import ApiKey
from app.models.application_instances import ApplicationInstance
from app.models.shared_texts import SharedText
from app.queries.organisations import owners
from app.schemas.organisations import Closing, OrganisationChanges

CLOSING_TAKES = timedelta(days=30)
CLOSING = "organisations.close"
REMINDING = "organisations.remind"
REMINDED_BEFORE = timedelta(days=3)
_A_LITTLE_LATER = timedelta(minutes=1)  # whose clock is behind must not find that it is too early


@command
def update_organisation(actor: Actor, changes: OrganisationChanges) -> ApplicationInstance:
    """Change what was sent and leave the rest. Raises StaleVersion if somebody else was faster."""
    require(actor, "application_instance.update")
    organisation = _locked(actor)
    expect_version(organisation, changes.version)
    sent = changes.model_dump(exclude_unset=True, exclude={"version"})
    if "working_days" in sent:
        sent["working_days"] = list(sent["working_days"])
    for name, value in sent.items():
        if getattr(organisation, name) != value:
            setattr(organisation, name, value)
    if db.session.is_modified(organisation):
        db.session.flush()
        record(actor, "application_instance.updated", organisation)
        announce(organisation)
    return organisation


@command
def close_organisation(actor: Actor, closing: Closing) -> ApplicationInstance:
    """Have the organisation closed in thirty days, and tell its owners. Until then it can be kept. Twice is once.

    Raises Invalid where its short name was not typed.
    """
    require(actor, "application_instance.delete")
    organisation = _locked(actor)
    if closing.slug != organisation.slug:
        raise Invalid({"slug": phrase("Type the short name exactly as it is: %(slug)s", slug=organisation.slug)})
    if organisation.closes_at is None:
        organisation.closes_at = clock.now() + CLOSING_TAKES
        db.session.flush()
        record(actor, "application_instance.closing_began", organisation)
        announce(organisation)
        enqueue(actor, REMINDING, organisation.id, due_at=organisation.closes_at - REMINDED_BEFORE + _A_LITTLE_LATER)
        enqueue(actor, CLOSING, organisation.id, due_at=organisation.closes_at + _A_LITTLE_LATER)
        _write_to_owners(actor, organisation, "closing_began")
    return organisation


@command
def keep_organisation(actor: Actor) -> ApplicationInstance:
    """Keep an organisation that was to be closed, and tell its owners. Twice is once."""
    require(actor, "application_instance.delete")
    organisation = _locked(actor)
    if organisation.closes_at is not None:
        _write_to_owners(actor, organisation, "closing_taken_back")
        organisation.closes_at = organisation.closing_reminded_at = None
        db.session.flush()
        record(actor, "application_instance.closing_taken_back", organisation)
        announce(organisation)
    return organisation


@command
def remind_of_closing(actor: Actor) -> ApplicationInstance:
    """Tell the owners once that the organisation closes in a few days, unless somebody has kept it.

    A reminder that was left before it was kept, and closed anew, comes too early and says nothing.
    """
    require(actor, "application_instance.delete")
    organisation = _locked(actor)
    now = clock.now()
    closes_at = organisation.closes_at
    if closes_at is None or organisation.closing_reminded_at is not None:
        return organisation
    if closes_at - REMINDED_BEFORE <= now < closes_at:
        organisation.closing_reminded_at = now
        db.session.flush()
        record(actor, "application_instance.closing_reminded", organisation)
        _write_to_owners(actor, organisation, "closing_soon")
    return organisation


@command
def finish_closing(actor: Actor) -> ApplicationInstance:
    """Close the organisation for good if its day has come and nobody has kept it.

    Nobody enters it any more, its API keys are revoked, and the key that seals what is personal in it is destroyed. The
    audit trail stays, and still verifies.
    """
    require(actor, "application_instance.delete")
    organisation = _locked(actor)
    now = clock.now()
    if organisation.closed_at is not None or organisation.closes_at is None or organisation.closes_at > now:
        return organisation
    organisation.closed_at = now
    db.session.flush()
    record(actor, "application_instance.closed", organisation)
    say_farewell(tenant_id=actor.tenant_id)
    db.session.execute(
        update(ApiKey)
        .where(ApiKey.application_instance_id == actor.tenant_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    db.session.execute(delete(SharedText).where(SharedText.application_instance_id == actor.tenant_id))
    give_up_waiting(actor.tenant_id, but=CLOSING)
    sealing.destroy_tenant_key(actor.tenant_id)
    return organisation


def _write_to_owners(actor: Actor, organisation: ApplicationInstance, template: str) -> None:
    assert organisation.closes_at is not None
    for owner in owners(actor):
        send_mail(
            actor,
            to=owner.email,
            template=template,
            name=owner.name,
            who=actor.name,
            organisation=organisation.name,
            closes_at=organisation.closes_at.isoformat(),
            time_zone=organisation.time_zone,
            locale=owner.locale or organisation.locale,
            path=f"/o/{organisation.slug}/settings",
        )


def _locked(actor: Actor) -> ApplicationInstance:
    organisation = db.session.get_one(ApplicationInstance, actor.tenant_id, with_for_update=True)
    remember(organisation)
    return organisation
