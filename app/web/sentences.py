"""Events in words: one sentence for each kind, as a history shows it."""

from __future__ import annotations

from typing import Any

from app.web.devices import device

_SENTENCES = {
    "task.created": "made this task",
    "task.updated": "changed {fields}",
    "task.moved": "moved it from {from_state} to {to_state}",
    "task.reordered": "put it in another place in its program",
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
# What the trail of the whole organisation says, where the words of the event do not make a sentence by themselves.
# The thing that it happened to follows, by its kind and name, unless the sentence names it.
_OF_THE_TRAIL = {
    "task.moved": "moved from {from_state} to {to_state} the task",
    "task.reordered": "put in another place in its program the task",
    "task.assigned": "put {person} on the task",
    "task.unassigned": "took {person} off the task",
    "task.deleted": "trashed the task",
    "program.deleted": "trashed the program",
    "task_comment.created": "commented on the task",
    "certification.created": "asked for the certification",
    "certification.viewed": "read the content of the certification",
    "certification.downloaded": "downloaded the bundle of the certification",
    "certification.custody_viewed": "looked at the chain of custody of the certification",
    "certification.timestamped": "had time-stamped the certification",
    "certification.superseded": "put a newer version in the place of the certification",
    "certification.failed": "could not complete the certification",
    "certification.retried": "tried again the certification",
    "access_grant.created": "gave the role {role} to {holder}",
    "access_grant.deleted": "took the role {role} from {holder}",
    "user_group_member.created": "put {member} into {group}",
    "user_group_member.deleted": "took {member} out of {group}",
    "user.joined": "let in",
    "user.deactivated": "ended the membership of",
    "user.reactivated": "let back in",
    "invitation.created": "sent an invitation",
    "invitation.sent_again": "sent an invitation again",
    "invitation.withdrawn": "took back an invitation",
    "invitation.accepted": "let somebody in by an invitation",
    "user.renamed": "changed the name of",
    "user.avatar_changed": "changed the picture of",
    "user.avatar_removed": "took away the picture of",
    "user.password_set": "set the password of",
    "user.password_changed": "changed the password of",
    "user.password_reset": "set anew, by a link in a mail, the password of",
    "user.totp_added": "set up an authenticator app for",
    "user.totp_removed": "removed the authenticator app of",
    "user.recovery_codes_made": "made new recovery codes for",
    "user.recovery_code_used": "used a recovery code of",
    "user.passkey_added": "added a passkey for",
    "user.passkey_renamed": "gave another name to a passkey of",
    "user.passkey_removed": "removed a passkey of",
    "user.passkey_suspected": "was refused with what may be a copied passkey of",
    "workspace.default_chosen": "begins with the workspace",
    "workspace.default_cleared": "begins no longer with the workspace",
    "audit_export.created": "asked for an export of the audit trail",
    "audit_export.completed": "wrote an export of the audit trail",
    "audit_export.downloaded": "downloaded an export of the audit trail",
    "audit_export.failed": "could not write an export of the audit trail",
    "audit_trail.viewed": "looked at the audit trail",
    "api_keys.viewed": "looked at the list of API keys",
    "people.viewed": "looked at the list of people",
    "application_instance.created": "made the organisation",
    "application_instance.updated": "changed the settings of",
    "application_instance.suspended": "suspended the organisation",
    "application_instance.resumed": "resumed the organisation",
    "application_instance.closing_began": "began to close the organisation",
    "application_instance.closing_reminded": "told the owners that the organisation closes in a few days",
    "application_instance.closing_taken_back": "kept the organisation",
    "application_instance.closed": "closed the organisation",
}
# What somebody does to their own account: nobody follows, as it is they themselves.
_TO_ONESELF = {
    "user.renamed": "changed their name",
    "user.avatar_changed": "changed their picture",
    "user.avatar_removed": "took away their picture",
    "user.password_changed": "changed their password",
    "user.password_reset": "set their password anew, by a link in a mail",
    "user.totp_added": "set up an authenticator app",
    "user.totp_removed": "removed their authenticator app",
    "user.recovery_codes_made": "made new recovery codes",
    "user.recovery_code_used": "used a recovery code",
    "user.passkey_added": "added a passkey",
    "user.passkey_renamed": "gave another name to a passkey",
    "user.passkey_removed": "removed a passkey",
    "user.passkey_suspected": "was refused with what may be a copy of a passkey",
}
_THINGS = {
    "api_key": "API key",
    "application_instance": "organisation",
    "user": "person",
    "user_group": "group",
    "access_role": "role",
    "policy": "policy",
    "audit_export": "export of the audit trail",
    "workspace": "workspace",
}
_VERBS = {"created": "made", "updated": "changed", "restored": "brought back from the trash"}
_OF_ACCOUNTS = {
    "user.signed_in": "Signed in with {how}",
    "user.second_step_failed": "A wrong code or passkey was given",
    "user.password_changed": "Password changed",
    "user.password_reset_asked": "A link to set a new password was asked for",
    "user.password_reset": "Password set anew by a link from a mail",
    "user.sessions_ended": "Signed out elsewhere",
    "user.renamed": "Name changed",
    "user.renamed_by_organisation": "Name changed by {organisation}",
    "user.settings_changed": "Time zone, way of writing dates or being shown to others changed",
    "user.avatar_changed": "Picture changed",
    "user.avatar_removed": "Picture removed",
    "user.totp_added": "Authenticator app added",
    "user.totp_removed": "Authenticator app removed",
    "user.recovery_codes_made": "New recovery codes made",
    "user.recovery_code_used": "A recovery code was used",
    "user.passkey_added": "Passkey added: {name}",
    "user.passkey_renamed": "Passkey renamed to {name}",
    "user.passkey_removed": "Passkey removed: {name}",
    "user.passkey_suspected": "A passkey may have been copied, and is refused: {name}",
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
            "field": "Comment" if change.field == "body" else in_words(change.field),
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
    if event.editors:
        sentence = f"{sentence}, written together with {listed(event.editors)}"
    return {
        "event_type": event.event_type,
        "sentence": sentence,
        "actor_name": event.actor_name,
        "created_at": event.created_at,
        "changes": changes,
    }


def listed(names: list[str]) -> str:
    """Some names in a sentence: "Ann", "Ann and Bob", "Ann, Bob and Carol"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def told_of_oneself(event: Any) -> str | None:
    """What somebody did to their own account, as a whole sentence; None where it was to something else."""
    is_own = event.entity_type == "User" and event.entity_id == str(event.actor_user_id)
    return _TO_ONESELF.get(event.event_type) if is_own else None


def told_of_event(event: Any) -> str:
    """What somebody did, for the trail of the whole organisation, without the name of the thing itself."""
    kind, _, done = event.event_type.rpartition(".")
    after = {change.field: change.after if change.after is not None else change.before for change in event.changes}
    words = {name: _STATES.get(str(value), str(value)) for name, value in event.facts.items()}
    named = {
        "person": _named(event, "User", event.facts.get("user_id"), "somebody"),
        "role": _named(event, "AccessRole", after.get("access_role_id"), "that is gone"),
        "holder": _named(event, "User", after.get("user_id"), "")
        or _named(event, "UserGroup", after.get("user_group_id"), "a group that is gone"),
        "member": _named(event, "User", after.get("user_id"), "")
        or _named(event, "UserGroup", after.get("member_group_id"), "somebody"),
        "group": _named(event, "UserGroup", after.get("user_group_id"), "a group that is gone"),
        "from_state": "?",
        "to_state": "?",
    }
    thing = _THINGS.get(kind, kind.replace("_", " "))
    usual = f"{_VERBS.get(done, done.replace('_', ' '))} the {thing}"
    return _OF_THE_TRAIL.get(event.event_type, usual).format(**named | words)


def _named(event: Any, kind: str, each: Any, otherwise: str) -> str:
    found = event.things.get((kind, str(each)))
    return found.name if found is not None else otherwise


def told_of_account(event: Any) -> dict[str, Any]:
    """What happened to somebody's account, as its template shows it."""
    return {
        "sentence": _OF_ACCOUNTS.get(event.event_type, event.event_type).format(
            **{"how": "", "name": ""} | event.facts
        ),
        "device": device(event.user_agent),
        "network": event.ip_network,
        "created_at": event.created_at,
    }


def told_of_certification(row: Any, revocation_reason: str | None = None) -> dict[str, Any]:
    """An entry of a chain of custody, as its template shows it.

    The log is for ever, and holds no free text: why a certificate was revoked stands in the certification.
    """
    facts = [
        {"name": _FACTS.get(name, in_words(name)), "value": _plain(value)} for name, value in row.event_data.items()
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


def in_words(name: str) -> str:
    """The name of a field or a fact, as a label."""
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
