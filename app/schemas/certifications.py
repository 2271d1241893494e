"""Certifications, as they come in and go out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from app.core.errors import Invalid
from app.core.parsing import Schema
from app.core.phrases import phrase
from app.schemas.fields import Hex, Id, Instant, Line, Lines, Sha256, ShortLine
from runcible.errors import StrictJsonError
from runcible.records import Output
from runcible.strict_json import loads

Content = Annotated[str, StringConstraints(min_length=1)]


class _Request(Schema):
    """What both ways of asking say alike: which model, from which input, under which policy, instead of what."""

    llm_provider: ShortLine
    model_name: Line
    input: Content | None = None
    input_hash: Sha256 | None = None
    governance_policy_id: Id
    parent_certification_id: Id | None = None
    change_summary: Lines = ""


class NewCertification(_Request):
    """An output to be certified.

    `output_content` is text, or any JSON value; ``{"media_type": ..., "text": ...}`` and ``{"media_type": ...,
    "json": ...}`` say the media type too. Give `input`, which is hashed and not kept, or its SHA-256 as `input_hash`.
    """

    task_id: Id | None = None
    output_content: Any

    def output(self) -> Output:
        """The output as it is hashed and judged. Raises ContentInvalid."""
        content = self.output_content
        if isinstance(content, str):
            return Output.of_text(content)
        if isinstance(content, dict) and set(content) in ({"media_type", "text"}, {"media_type", "json"}):
            return Output.from_document(content)
        return Output.of_json(content)


class CertificationForm(_Request):
    """The same, as a form sends it: the content is one text field, and `format` says what it holds."""

    format: Literal["text", "json"] = "text"
    output_content: Content

    def request(self, task_id: Any) -> NewCertification:
        """The request that the API would have been sent. Raises Invalid where the content is not the JSON it claims.

        A browser sends line breaks of a text field as CRLF whatever was typed; they are read as the LF that was meant.
        """
        given = self.model_dump(exclude={"format"}) | {"task_id": task_id}
        content = self.output_content.replace("\r\n", "\n")
        try:
            given["output_content"] = loads(content.encode()) if self.format == "json" else content
        except StrictJsonError as refused:
            raise Invalid({"output_content": phrase("This is not JSON: %(refused)s", refused=refused)}) from None
        if self.input is not None:
            given["input"] = self.input.replace("\r\n", "\n")
        return NewCertification.model_construct(**given)


class Revocation(Schema):
    """Why a certificate is taken back."""

    reason: Annotated[Lines, StringConstraints(min_length=1, max_length=2000)]


class CertificationSummary(Schema):
    """A certification as a list shows it in JSON: without its content, under the column names of the seed."""

    id: Id
    certification_number: str | None
    certification_status: str
    action_state: str | None
    task_id: Id | None
    llm_output_id: Id
    llm_provider: str | None
    model_name: str | None
    input_hash: str
    output_hash: str
    governance_policy_id: Id
    signature_algorithm: str
    certified_at: Instant | None
    expires_at: Instant | None
    revoked_at: Instant | None
    supersedes_id: Id | None
    superseded_by_id: Id | None
    version: int
    created_at: Instant
    updated_at: Instant


class CertificationOut(CertificationSummary):
    """A certification in JSON, with its content and its evaluation."""

    output_content: Any = Field(description="null once the content was erased")
    certified_by_user_id: int | None
    signature: str
    timestamped_at: Instant | None
    revocation_reason: str | None
    failure_reason: str | None
    evaluation: dict[str, Any] | None

    @classmethod
    def of(cls, certification: Any) -> CertificationOut:
        """The certification as `queries.certifications` gives it."""
        return cls.model_validate(certification, from_attributes=True)


class VersionOut(Schema):
    """One version of an output, in JSON."""

    id: Id
    version_number: int
    certification_id: Id
    parent_certification_id: Id | None
    certification_number: str | None
    certification_status: str
    change_summary: str
    created_by_user_id: int | None
    created_at: Instant

    @classmethod
    def of(cls, version: Any) -> VersionOut:
        """The version as `queries.certifications` gives it."""
        return cls.model_validate(version, from_attributes=True)


class CustodyOut(Schema):
    """One entry of the chain of custody of a certification, in JSON."""

    sequence: int
    event_type: str
    event_data: dict[str, Any]
    user_id: int | None
    previous_hash: Hex | None
    hash: Hex
    created_at: Instant

    @classmethod
    def of(cls, entry: Any) -> CustodyOut:
        """The entry as `queries.history` gives it."""
        return cls.model_validate(entry, from_attributes=True)


class PolicyOut(Schema):
    """A governance policy with the content of its active version, in JSON."""

    id: Id
    key: str
    name: str
    description: str
    is_active: bool
    version: int
    digest: str
    policy_rules: dict[str, Any]
    compliance_requirements: Any
    created_at: Instant
    updated_at: Instant
