"""Change the settings of an organisation."""

from __future__ import annotations

from app.core.actor import Actor
from app.core.audit import record
from app.core.audit_state import remember
from app.core.database import db
from app.core.permissions import expect_version, require
from app.core.transaction import command
from app.models.application_instances import ApplicationInstance
from app.schemas.organisations import OrganisationChanges


@command
def update_organisation(actor: Actor, changes: OrganisationChanges) -> ApplicationInstance:
    """Change what was sent and leave the rest. Raises StaleVersion if somebody else was faster."""
    require(actor, "application_instance.update")
    organisation = db.session.get_one(ApplicationInstance, actor.tenant_id, with_for_update=True)
    remember(organisation)
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
    return organisation
