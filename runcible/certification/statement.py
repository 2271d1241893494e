"""The signed statement: an in-toto Statement v1 that says what was judged, by which policy, with which outcome.

It holds no float and no word of the content. Its bytes are frozen (stored) before anything is signed, so that a job
that dies and runs again signs the same certificate. The format stands in docs/formats/statement.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runcible import strict_json
from runcible.canonical import canonical_json
from runcible.certification.numbers import parse_number
from runcible.content import Context, Output
from runcible.errors import BundleInvalid, NotCanonical, NumberInvalid, StrictJsonError
from runcible.governance import policy_engine
from runcible.governance.policy_documents import Policy
from runcible.moments import format_moment, parse_moment
from runcible.records import Evaluation
from runcible.shapes import TEXT_OR_NONE, Kinds, shaped

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:runcible:certification:v2"
FIRST_PREDICATE_TYPE = "urn:runcible:certification:v1"
"""Statements of before 2026-12: they name the organisation by its id only, and nobody who asked."""

LARGEST = 4_194_304
_MOST_VALUES = 200_000


@dataclass(frozen=True, slots=True)
class Issuer:
    """The organisation that states it: its id, and what it was called when it did. A v1 statement has the id only."""

    id: str
    name: str | None = None
    slug: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"id": self.id, "name": self.name, "slug": self.slug}

    def __str__(self) -> str:
        return self.id if self.name is None else f"{self.name} ({self.slug})"


def build(
    *,
    certification_id: str,
    number: str,
    issuer: Issuer,
    requested_by: str,
    task_id: str | None,
    output: Output,
    context: Context,
    policy: Policy,
    evaluation: Evaluation,
    issued_at: datetime,
    supersedes: str | None = None,
) -> bytes:
    """Return the canonical bytes to store, then to sign. The same values always give the same bytes.

    `requested_by` is "user:" and the id of the person, or "system": a statement is public and never erased, so that a
    person stands in it under a pseudonym. `supersedes` is the number of the certification that this one replaces. A
    rejection has no expiry.
    """
    certified = evaluation.decision == "certified"
    predicate: dict[str, Any] = {
        "certification": {"id": certification_id, "number": number},
        "issuer": issuer.document,
        "requested_by": requested_by,
        "task_id": task_id,
        "output": {"media_type": output.media_type, "hash_scheme": output.hash_scheme, "size": len(output.bytes)},
        "input": {"captured": context.captured, "sha256": context.input_digest},
        "model": {"provider": context.provider, "name": context.model},
        "policy": {
            "id": policy.id,
            "name": policy.name,
            "version": policy.version,
            "digest": policy.digest,
            "engine": {"version": policy_engine.VERSION, "digest": policy_engine.engine_digest()},
        },
        "evaluation": evaluation.document,
        "reviews": [],
        "liability": policy.liability,
        "decision": evaluation.decision,
        "issued_at": format_moment(issued_at),
        "expires_at": format_moment(issued_at + policy.time_to_live) if certified else None,
        "supersedes": supersedes,
        "status_list": None,
    }
    return canonical_json(
        {
            "_type": TYPE,
            "subject": [{"name": "output", "digest": {"sha256": output.digest}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was read back. Reading verifies its form, not who signed it."""

    document: dict[str, Any]
    certification_id: str
    number: str
    issuer: Issuer
    requested_by: str | None  # None in a v1 statement
    output_digest: str
    output: dict[str, Any]  # media_type, hash_scheme, size
    input: dict[str, Any]  # captured, sha256
    model: dict[str, str]  # provider, name
    policy: dict[str, Any]  # id, name, version, digest, engine
    evaluation: Evaluation
    decision: str
    issued_at: datetime
    expires_at: datetime | None

    @classmethod
    def read(cls, payload: bytes) -> "Statement":
        """Read the payload of an envelope. Raises BundleInvalid unless it is a statement in its canonical form."""
        try:
            document = strict_json.loads_object(payload, max_bytes=LARGEST, max_nodes=_MOST_VALUES)
            if canonical_json(document) != payload:
                raise BundleInvalid("The statement is not in its canonical form.")
            return cls._of(document)
        except (StrictJsonError, NotCanonical, NumberInvalid, ValueError) as refused:
            raise BundleInvalid(f"The statement can't be read: {refused}") from None

    @classmethod
    def _of(cls, document: dict[str, Any]) -> "Statement":
        shaped(document, "a statement", _STATEMENT)
        if document["_type"] != TYPE or document["predicateType"] not in _PREDICATES:
            raise BundleInvalid("The statement is of a type that is not known here.")
        predicate = shaped(document["predicate"], "the predicate", _PREDICATES[document["predicateType"]])
        evaluation = Evaluation.from_document(predicate["evaluation"])
        certification = shaped(predicate["certification"], "the certification", {"id": str, "number": str})
        parse_number(certification["number"])
        if predicate["decision"] not in {"certified", "rejected"} or predicate["decision"] != evaluation.decision:
            raise BundleInvalid("The statement's decision isn't that of its evaluation.")
        if (predicate["decision"] == "certified") != (predicate["expires_at"] is not None):
            raise BundleInvalid("A certification has an expiry, a rejection none.")
        return cls(
            document=document,
            certification_id=certification["id"],
            number=certification["number"],
            issuer=_issuer(predicate),
            requested_by=_requester(predicate),
            output_digest=_digest_of(document["subject"]),
            output=shaped(predicate["output"], "the output", _OUTPUT),
            input=shaped(predicate["input"], "the input", {"captured": str, "sha256": TEXT_OR_NONE}),
            model=shaped(predicate["model"], "the model", {"provider": str, "name": str}),
            policy=_policy(predicate["policy"]),
            evaluation=evaluation,
            decision=predicate["decision"],
            issued_at=parse_moment(predicate["issued_at"]),
            expires_at=None if predicate["expires_at"] is None else parse_moment(predicate["expires_at"]),
        )


_STATEMENT = {"_type": str, "subject": list, "predicateType": str, "predicate": dict}
_PREDICATE: Mapping[str, Kinds] = {
    "certification": dict,
    "task_id": TEXT_OR_NONE,
    "output": dict,
    "input": dict,
    "model": dict,
    "policy": dict,
    "evaluation": dict,
    "reviews": list,
    "liability": dict,
    "decision": str,
    "issued_at": str,
    "expires_at": TEXT_OR_NONE,
    "supersedes": TEXT_OR_NONE,
    "status_list": type(None),
}
_PREDICATES: Mapping[str, Mapping[str, Kinds]] = {
    FIRST_PREDICATE_TYPE: {**_PREDICATE, "tenant_id": str},
    PREDICATE_TYPE: {**_PREDICATE, "issuer": dict, "requested_by": str},
}
_ISSUER = {"id": str, "name": str, "slug": str}
_REQUESTER = re.compile(r"user:[1-9][0-9]{0,18}|system")
_OUTPUT = {"media_type": str, "hash_scheme": str, "size": int}
_POLICY = {"id": str, "name": str, "version": int, "digest": str, "engine": dict}


def _issuer(predicate: dict[str, Any]) -> Issuer:
    if "issuer" not in predicate:
        return Issuer(predicate["tenant_id"])
    named = shaped(predicate["issuer"], "the issuer", _ISSUER)
    if not all(named.values()):
        raise BundleInvalid("The statement doesn't name its issuer.")
    return Issuer(**named)


def _requester(predicate: dict[str, Any]) -> str | None:
    requester: str | None = predicate.get("requested_by")
    if requester is not None and _REQUESTER.fullmatch(requester) is None:
        raise BundleInvalid("The statement doesn't say in a known form who asked for it.")
    return requester


def _digest_of(subjects: list[Any]) -> str:
    if len(subjects) != 1:
        raise BundleInvalid("A statement must have exactly one subject.")
    subject = shaped(subjects[0], "the subject", {"name": str, "digest": dict})
    digest: str = shaped(subject["digest"], "the digest", {"sha256": str})["sha256"]
    return digest


def _policy(document: Any) -> dict[str, Any]:
    read = shaped(document, "the policy", _POLICY)
    shaped(read["engine"], "the engine", {"version": int, "digest": str})
    return read
