"""Say which pages of other sites may call the API."""

from __future__ import annotations

from app.core.actor import Actor
from app.core.announcing import announce
from app.core.audit import record
from app.core.audit_state import remember
from app.core.database import db
from app.core.permissions import require
from app.core.transaction import command
from app.models.application_instances import ApplicationInstance
from app.schemas.api_origins import ApiOrigins


@command
def set_api_origins(actor: Actor, wanted: ApiOrigins) -> ApplicationInstance:
    """Let these pages call the API with keys of the organisation, and no others."""
    require(actor, "application_instance.update")
    tenant = db.session.get_one(ApplicationInstance, actor.tenant_id, with_for_update=True)
    remember(tenant)
    if tenant.api_origins != list(wanted.origins):
        tenant.api_origins = list(wanted.origins)
        db.session.flush()
        record(actor, "application_instance.updated", tenant)
        announce(tenant)
    return tenant
