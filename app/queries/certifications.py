"""Certifications, as lists, pages and the API need them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, String, bindparam, case, cast, select

from app.core import clock
from app.core.actor import Actor
from app.core.database import db
from app.core.paging import Listing, Page, Paging
from app.core.permissions import fetch, in_sight, require_somewhere, sight_of
from app.models.certifications import Certification, LlmOutputVersion
from app.models.governance_policies import GovernancePolicy, GovernancePolicyVersion
from app.models.programs import Program
from app.models.tasks import Task
from app.models.users import User
from app.queries.certification_proofs import opened_output
from runcible.certification.statement import Statement

STATUSES = (
    "pending",
    "validating",
    "needs_review",
    "certified",
    "rejected",
    "failed",
    "suspended",
    "revoked",
    "superseded",
    "expired",
)


@dataclass(frozen=True, slots=True)
class CertificationFilters:
    """What a list of certifications is narrowed to."""

    status: str | None = None
    task_id: UUID | None = None


# What `Certification.status_at` tells, in SQL: past its time a certificate is expired. The placeholder is the time.
_NOW = bindparam("now", type_=DateTime(timezone=True))
STATUS_NOW = case(
    ((Certification.certification_status == "certified") & (Certification.expires_at <= _NOW), "expired"),
    else_=Certification.certification_status,
)

_CERTIFICATIONS = (
    select(
        Certification.id,
        Certification.certification_number,
        STATUS_NOW.label("certification_status"),
        Certification.action_state,
        Certification.task_id,
        (Program.key + "-" + cast(Task.number, String)).label("task_number"),
        Task.name.label("task_name"),
        GovernancePolicy.name.label("policy_name"),
        Certification.llm_output_id,
        Certification.llm_provider,
        Certification.model_name,
        Certification.input_hash,
        Certification.output_hash,
        Certification.governance_policy_id,
        Certification.signature_algorithm,
        Certification.certified_at,
        Certification.expires_at,
        Certification.revoked_at,
        Certification.supersedes_id,
        Certification.superseded_by_id,
        Certification.version,
        Certification.created_at,
        Certification.updated_at,
    )
    .join(GovernancePolicy, GovernancePolicy.id == Certification.governance_policy_id)
    .outerjoin(Task, Task.id == Certification.task_id)
    .outerjoin(Program, Program.id == Task.program_id)
    .where(Certification.application_instance_id == bindparam("tenant"))
)

# What narrows a list, by the name that the page gives to it.
_NARROWED: dict[str, ColumnElement[bool]] = {
    "status": bindparam("status") == STATUS_NOW,
    "task_id": Certification.task_id == bindparam("task_id"),
}


def list_certifications(actor: Actor, filters: CertificationFilters, paging: Paging) -> Page[Any]:
    """Certifications, newest first, without their content. One query."""
    sight = in_sight(actor, Certification)
    given = {"status": filters.status, "task_id": filters.task_id}
    wanted = {name: value for name, value in given.items() if value is not None}
    values = {"tenant": actor.tenant_id, "now": clock.now(), **wanted}
    if sight is not None:
        values |= sight_of(actor, Certification)
    return _listing(frozenset(wanted), sight).page(db.session, paging, wanted, values)


@cache
def _listing(narrowed_by: frozenset[str], sight: ColumnElement[bool] | None) -> Listing:
    seen = _CERTIFICATIONS if sight is None else _CERTIFICATIONS.where(sight)
    return Listing(seen.where(*(_NARROWED[name] for name in sorted(narrowed_by))), Certification.id)


def get_certification(actor: Actor, certification_id: UUID, permission: str = "certification.view") -> Certification:
    """One certification, for somebody who has `permission` for it. Raises NotFound or Forbidden."""
    return fetch(actor, Certification, certification_id, permission)


def statement_of(certification: Certification) -> Statement | None:
    """The statement that was, or is about to be, signed; None before the output was judged."""
    return Statement.read(certification.payload) if certification.payload else None


def content_of(actor: Actor, certification: Certification) -> Any:
    """The certified content as the seed's `output_content`, or None once it was erased."""
    require_somewhere(actor, "certification.view")
    output = opened_output(certification)
    return output.document if output else None


def policy_version_of(actor: Actor, certification: Certification) -> Any:
    """Name and version of the policy that the certification was judged by."""
    require_somewhere(actor, "certification.view")
    return db.session.execute(
        select(GovernancePolicy.id, GovernancePolicy.name, GovernancePolicyVersion.number.label("version"))
        .join(GovernancePolicyVersion, GovernancePolicyVersion.governance_policy_id == GovernancePolicy.id)
        .where(GovernancePolicyVersion.id == certification.policy_version_id)
    ).one()


def list_versions(actor: Actor, certification: Certification) -> list[Any]:
    """Every version of the output that the certification is about, newest first."""
    require_somewhere(actor, "certification.view")
    query = (
        select(
            LlmOutputVersion.id,
            LlmOutputVersion.version_number,
            LlmOutputVersion.certification_id,
            LlmOutputVersion.parent_certification_id,
            LlmOutputVersion.change_summary,
            LlmOutputVersion.created_by_user_id,
            LlmOutputVersion.created_at,
            User.name.label("created_by_name"),
            Certification.certification_number,
            STATUS_NOW.label("certification_status"),
        )
        .join(Certification, Certification.id == LlmOutputVersion.certification_id)
        .outerjoin(User, User.user_id == LlmOutputVersion.created_by_user_id)
        .where(LlmOutputVersion.application_instance_id == actor.tenant_id)
        .where(LlmOutputVersion.llm_output_id == certification.llm_output_id)
        .order_by(LlmOutputVersion.version_number.desc())
    )
    return list(db.session.execute(query, {"now": clock.now()}))


def name_of_revoker(actor: Actor, certification: Certification) -> str | None:
    """Who took the certificate back; None where nobody did."""
    require_somewhere(actor, "certification.view")
    if certification.revoked_at is None:
        return None
    query = select(User.name).where(User.user_id == certification.revoked_by_user_id)
    return db.session.scalar(query) or "Oversing"


def newer_version(actor: Actor, certification: Certification) -> UUID | None:
    """The certification of the version that corrects this one, None where it is the newest."""
    require_somewhere(actor, "certification.view")
    query = select(LlmOutputVersion.certification_id).where(
        LlmOutputVersion.application_instance_id == actor.tenant_id,
        LlmOutputVersion.parent_certification_id == certification.id,
    )
    return db.session.scalar(query)
