"""What the page of a certification shows: the text with its marks, the verdict rule by rule, the proof."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotFound
from app.models.certifications import Certification
from app.queries import certifications as queries
from app.queries.certification_proofs import opened_output, verification_of
from app.queries.tasks import get_task
from app.queries.trust import trust_root
from app.web.built_in import called
from app.web.check_reasons import in_words, of_a_rule
from app.web.visible_text import visible
from runcible.records import TESTS, Evaluation


def certification_context(actor: Actor, certification_id: UUID) -> dict[str, Any]:
    """All that the page shows. Content that was erased is shown as such; its proof stays."""
    certification = queries.get_certification(actor, certification_id)
    statement = queries.statement_of(certification)
    evaluation = statement.evaluation if statement else None
    output = opened_output(certification)
    shown = SimpleNamespace(**{name: getattr(certification, name) for name in _SHOWN})
    task = _task(actor, certification)
    shown.kind, shown.status = "certification", certification.status_at(clock.now())
    shown.program_id = task.program_id if task else None
    shown.certification_status = shown.status
    return {
        "certification": shown,
        "task": task,
        "policy": queries.policy_version_of(actor, certification),
        "segments": segments(output.text, evaluation) if output else None,
        "json": bool(output and output.is_json),
        "rules": [_rule(rule) for rule in evaluation.rules] if evaluation else [],
        "tests": [{"name": name, "verdict": evaluation.tests[name]} for name in TESTS] if evaluation else [],
        "liability": statement.document["predicate"].get("liability") if statement else None,
        "issuer": statement.issuer if statement else None,
        "requested_by": statement.requested_by if statement else None,
        "proof": _proof(certification),
        "pending": not certification.is_decided and certification.certification_status != "failed",
        "revoked_by": queries.name_of_revoker(actor, certification),
        "newer": queries.newer_version(actor, certification),
        "checks": None,
        "valid": None,
    }


def checks_context(actor: Actor, certification_id: UUID) -> dict[str, Any]:
    """What a check of the bundle came to, just now. Raises Conflict while there is no bundle."""
    report = verification_of(queries.get_certification(actor, certification_id))
    checks = [
        {"name": called(each.title), "outcome": each.verdict, "detail": in_words(each.reason)} for each in report.checks
    ]
    return {"checks": checks, "valid": report.ok, "authentic": report.authentic}


def segments(text: str, evaluation: Evaluation | None) -> list[dict[str, Any]]:
    """The text cut where marks begin and end: each piece with the rules that point at it, if any."""
    spans = [
        (f.start, f.end, called(rule.title), number)
        for number, rule in enumerate(_rules(evaluation), 1)
        for f in rule.findings
    ]
    spans = [span for span in spans if span[0] < span[1]]
    cuts = sorted({0, len(text), *(min(edge, len(text)) for span in spans for edge in span[:2])})
    pieces = []
    for start, end in pairwise(cuts):
        marks = [span for span in spans if span[0] <= start and end <= span[1]]
        pieces.append(
            {
                "text": visible(text[start:end]),
                "rules": list(dict.fromkeys(mark[2] for mark in marks)),
                "numbers": sorted({mark[3] for mark in marks}),
            }
        )
    return pieces


def content_text(content: Any) -> str:
    """Certified content as a form shows it for correction."""
    if content is None:
        return ""
    return content["text"] if "text" in content else json.dumps(content["json"], ensure_ascii=False, indent=2)


_SHOWN = (
    *("id", "version", "certification_number", "certification_status", "action_state", "task_id", "output_hash"),
    *("input_hash", "llm_provider", "model_name", "signature_algorithm", "certified_at", "decided_at", "expires_at"),
    *("revoked_at", "revocation_reason", "failure_reason", "supersedes_id", "superseded_by_id", "created_at"),
    *("governance_policy_id", "timestamped_at", "signature"),
)


def _rules(evaluation: Evaluation | None) -> Iterable[Any]:
    return evaluation.rules if evaluation else ()


def _rule(rule: Any) -> dict[str, Any]:
    return {
        "id": rule.id,
        "title": called(rule.title),
        "test": rule.test,
        "verdict": rule.verdict,
        "severity": rule.severity,
        "message": called(rule.message),
        "remedy": called(rule.remedy),
        "reason": of_a_rule(rule.reason, rule.missing),
        "findings": rule.findings_total,
    }


def _task(actor: Actor, certification: Certification) -> Any:
    if certification.task_id is None:
        return None
    try:
        return get_task(actor, certification.task_id)
    except NotFound:
        return None


def _proof(certification: Certification) -> dict[str, Any] | None:
    if certification.dsse_envelope is None:
        return None
    keys = {key.keyid: key.algorithm for key in trust_root().keys}
    signatures = [
        {"algorithm": keys.get(made["keyid"], "unknown"), "keyid": made["keyid"]}
        for made in certification.dsse_envelope["signatures"]
    ]
    token = None
    if certification.timestamped_at is not None:
        authority = trust_root().timestamp_authorities[-1]
        token = {"time": certification.timestamped_at, "authority": authority.name, "built_in": authority.built_in}
    return {"signatures": signatures, "token": token}
