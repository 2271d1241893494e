"""Certifications: whether a text that a model wrote may be acted on, and the proof that a stranger can check."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, ForeignKey, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.database import Base, Model, TenantOwned, Versioned
from app.core.errors import Conflict
from app.core.phrases import phrase
from app.models.tasks import program_of_task

# One row a year: the last number given. A sequence would leave gaps that nobody could explain.
certification_counters = Table(
    "certification_counters",
    Base.metadata,
    Column("year", Integer, primary_key=True),
    Column("last_number", BigInteger, nullable=False),
    schema="runcible",
    info={"unrecorded": "the certification that takes the number is recorded"},
)

UNDECIDED = frozenset({"pending", "validating", "needs_review"})


class LlmOutput(TenantOwned, Model):
    """What all versions of one output have in common."""

    __tablename__ = "llm_outputs"
    __table_args__ = {"schema": "runcible", "info": {"unrecorded": "its certification is recorded"}}
    kind = "llm_output"

    task_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tasks.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Certification(TenantOwned, Versioned, Model):
    """One request to certify one output, from `pending` to its decision and whatever comes after.

    `payload` holds the statement exactly as it is signed; it is frozen before anything is signed. Content is sealed.
    """

    __tablename__ = "certifications"
    __table_args__ = {"schema": "runcible"}
    kind = "certification"
    audited = (
        "certification_number",
        "certification_status",
        "action_state",
        "task_id",
        "output_hash",
        "input_hash",
        "llm_provider",
        "model_name",
        "policy_version_id",
        "expires_at",
        "supersedes_id",
        "superseded_by_id",
        "revoked_at",
    )

    certification_number: Mapped[str | None] = mapped_column(String(255))
    llm_output_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runcible.llm_outputs.id"))
    task_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tasks.id"))
    llm_provider: Mapped[str | None] = mapped_column(String(100))
    model_name: Mapped[str | None] = mapped_column(String(255))
    input_hash: Mapped[str] = mapped_column(String(64))
    output_hash: Mapped[str] = mapped_column(String(64))
    output_content: Mapped[dict[str, Any]]
    governance_policy_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runcible.governance_policies.id"))
    policy_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runcible.governance_policy_versions.id"))
    certification_status: Mapped[str] = mapped_column(String(50), default="pending")
    action_state: Mapped[str | None] = mapped_column(String(50))
    certified_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    certified_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    requested_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    signature: Mapped[str] = mapped_column(default="")
    signature_algorithm: Mapped[str] = mapped_column(String(50), default="RSA-SHA256")
    payload: Mapped[bytes | None]
    dsse_envelope: Mapped[dict[str, Any] | None]
    timestamp_token: Mapped[bytes | None]
    timestamped_at: Mapped[datetime | None]
    status_snapshot: Mapped[dict[str, Any] | None]
    seal: Mapped[dict[str, Any] | None]
    leaf_index: Mapped[int | None]
    supersedes_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("runcible.certifications.id"))
    superseded_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("runcible.certifications.id"))
    revoked_at: Mapped[datetime | None]
    revoked_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    revocation_reason: Mapped[str | None]
    failure_reason: Mapped[str | None]

    @classmethod
    def places(cls) -> tuple[ColumnElement[Any], ...]:
        """Where a certification lies: in its task, and in the program of that."""
        return (cls.task_id, program_of_task(cls.task_id))  # type: ignore[return-value]

    @classmethod
    def is_own(cls, person: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a person has asked for a certification."""
        return cls.requested_by_user_id == person

    @property
    def shown_in(self) -> tuple[str, ...]:
        """The channels of what shows a certification as a part of it."""
        return () if self.task_id is None else (f"task.{self.task_id}",)

    @property
    def is_decided(self) -> bool:
        """Whether there is a verdict. A technical failure is none."""
        return self.certification_status not in UNDECIDED and self.certification_status != "failed"

    def status_at(self, moment: datetime) -> str:
        """The status as a person should read it: a certificate past its time is expired, job or no job."""
        if self.certification_status == "certified" and self.expires_at is not None and self.expires_at <= moment:
            return "expired"
        return self.certification_status

    def freeze(self, *, number: str, payload: bytes, action_state: str, expires_at: datetime | None) -> None:
        """Fix what will be signed, under its number. From here on the number can only be decided or voided."""
        self.certification_number, self.payload = number, payload
        self.action_state, self.expires_at = action_state, expires_at
        self.certification_status = "validating"
        self.failure_reason = None

    def decide(self, *, certified: bool, at: datetime) -> None:
        """Give the verdict that the frozen statement holds."""
        self.certification_status = "certified" if certified else "rejected"
        self.decided_at = at
        if certified:
            self.certified_at = at

    def revoke(self, *, by: int | None, at: datetime, reason: str) -> bool:
        """Take the certificate back. Returns whether anything changed. Raises Conflict if there is none."""
        if self.certification_status == "revoked":
            return False
        if self.certification_status not in ("certified", "suspended"):
            raise Conflict(
                phrase(
                    "Only a certified output can be revoked; this one is %(value)s.",
                    value=self.certification_status.replace("_", " "),
                )
            )
        self.certification_status = "revoked"
        self.revoked_at, self.revoked_by_user_id, self.revocation_reason = at, by, reason
        return True

    def supersede(self, *, by: uuid.UUID) -> bool:
        """Let a newer version take this one's place. Returns whether anything changed."""
        if self.certification_status != "certified":
            return False
        self.certification_status, self.superseded_by_id = "superseded", by
        return True


class LlmOutputVersion(TenantOwned, Model):
    """One version of an output, never changed."""

    __tablename__ = "llm_output_versions"
    __table_args__ = {"schema": "runcible", "info": {"unrecorded": "its certification is recorded"}}
    kind = "llm_output_version"

    llm_output_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runcible.llm_outputs.id"))
    certification_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("runcible.certifications.id"))
    parent_certification_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("runcible.certifications.id"))
    version_number: Mapped[int]
    output_content: Mapped[dict[str, Any]]
    change_summary: Mapped[str] = mapped_column(default="")
    created_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.user_id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
