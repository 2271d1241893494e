"""Events in words: one sentence for each kind, as a history shows it."""

from __future__ import annotations

from typing import Any

_SENTENCES = {
    "task.created": "made this task",
    "task.updated": "changed {fields}",
    "task.moved": "moved it from {from_state} to {to_state}",
    "task.assigned": "put {person} on it",
    "task.unassigned": "took {person} off it",
    "task.deleted": "put it in the trash",
    "task.restored": "brought it back from the trash",
    "task_comment.created": "commented",
    "program.created": "made this program",
    "program.updated": "changed {fields}",
    "program.deleted": "put it in the trash",
    "program.restored": "brought it back from the trash",
    "created": "asked for certification",
    "judged": "judged the output and froze the statement",
    "signed": "signed the statement",
    "timestamped": "had the signature time-stamped",
    "certified": "certified the output",
    "rejected": "rejected the output",
    "sealed": "sealed the new status",
    "revoked": "revoked the certificate",
    "superseded": "put a newer version in its place",
    "failed": "could not complete it",
    "retried": "asked to try again",
    "viewed": "viewed the content",
    "downloaded": "downloaded the bundle",
}
_FIELDS = {
    "name": "the name",
    "description": "the description",
    "estimate_minutes": "the estimate",
    "program_id": "the program",
}
_STATES = {"todo": "To do", "doing": "Doing", "review": "In review", "done": "Done", "cancelled": "Cancelled"}
_FACTS = {
    "output_hash": "SHA-256 of the output",
    "input_hash": "SHA-256 of the input",
    "policy": "SHA-256 of the policy",
    "keyids": "Key ids",
    "by": "Newer certificate",
}
_HIDDEN = frozenset({"deleted_at", "number", "task_id", "program_id"})


def told(event: Any) -> dict[str, Any]:
    """An event of a task's history, as its template shows it."""
    changes = [
        {
            "field": "Comment" if change.field == "body" else _in_words(change.field),
            "before": change.before,
            "after": change.after,
        }
        for change in event.changes
        if change.field not in _HIDDEN and not (event.action == "create" and change.field != "body")
    ]
    words = {name: _STATES.get(str(value), str(value)) for name, value in event.facts.items()}
    fields = " and ".join(_FIELDS.get(change.field, change.field) for change in event.changes) or "it"
    sentence = _SENTENCES.get(event.event_type, event.event_type).format(
        **{"fields": fields, "person": event.person_name or "somebody", "from_state": "?", "to_state": "?"} | words
    )
    return {
        "event_type": event.event_type,
        "sentence": sentence,
        "actor_name": event.actor_name,
        "created_at": event.created_at,
        "changes": changes,
    }


def told_of_certification(row: Any, revocation_reason: str | None = None) -> dict[str, Any]:
    """An entry of a chain of custody, as its template shows it.

    The log is for ever, and holds no free text: why a certificate was revoked stands in the certification.
    """
    facts = [
        {"name": _FACTS.get(name, _in_words(name)), "value": _plain(value)} for name, value in row.event_data.items()
    ]
    if row.event_type == "revoked" and revocation_reason:
        facts.append({"name": "Reason", "value": revocation_reason})
    return {
        "event_type": row.event_type,
        "sentence": _SENTENCES.get(row.event_type, row.event_type),
        "actor_name": row.actor_name or "Oversing",
        "created_at": row.created_at,
        "facts": facts,
    }


def _in_words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
