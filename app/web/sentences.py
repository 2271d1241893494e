"""Events in words: one sentence for each kind, as a history shows it."""

from __future__ import annotations

from typing import Any

from app.core.phrases import phrase
from app.models.workflows import BUILT_IN_STATES
from app.web.built_in import called
from app.web.devices import device
from app.web.languages import translated as _

_SENTENCES = {
    "task.created": phrase("made this task"),
    "task.updated": phrase("changed {fields}"),
    "task.moved": phrase("moved it from {from_state} to {to_state}"),
    "task.reordered": phrase("put it in another place in its program"),
    "task.assigned": phrase("put {person} on it"),
    "task.unassigned": phrase("took {person} off it"),
    "task.deleted": phrase("put it in the trash"),
    "task.restored": phrase("brought it back from the trash"),
    "task_comment.created": phrase("commented"),
    "program.created": phrase("made this program"),
    "program.updated": phrase("changed {fields}"),
    "program.deleted": phrase("put it in the trash"),
    "program.restored": phrase("brought it back from the trash"),
    "created": phrase("asked for certification"),
    "judged": phrase("judged the output and froze the statement"),
    "signed": phrase("signed the statement"),
    "timestamped": phrase("had the signature time-stamped"),
    "certified": phrase("certified the output"),
    "rejected": phrase("rejected the output"),
    "sealed": phrase("sealed the new status"),
    "revoked": phrase("revoked the certificate"),
    "superseded": phrase("put a newer version in its place"),
    "failed": phrase("could not complete it"),
    "retried": phrase("asked to try again"),
    "viewed": phrase("viewed the content"),
    "downloaded": phrase("downloaded the bundle"),
}
# What the trail of the whole organisation says, where the words of the event do not make a sentence by themselves.
# The thing that it happened to follows, by its kind and name, unless the sentence names it.
_OF_THE_TRAIL = {
    "task.moved": phrase("moved from {from_state} to {to_state} the task"),
    "task.reordered": phrase("put in another place in its program the task"),
    "task.assigned": phrase("put {person} on the task"),
    "task.unassigned": phrase("took {person} off the task"),
    "task.deleted": phrase("trashed the task"),
    "program.deleted": phrase("trashed the program"),
    "task_comment.created": phrase("commented on the task"),
    "certification.created": phrase("asked for the certification"),
    "certification.viewed": phrase("read the content of the certification"),
    "certification.downloaded": phrase("downloaded the bundle of the certification"),
    "certification.custody_viewed": phrase("looked at the chain of custody of the certification"),
    "certification.timestamped": phrase("had time-stamped the certification"),
    "certification.superseded": phrase("put a newer version in the place of the certification"),
    "certification.failed": phrase("could not complete the certification"),
    "certification.retried": phrase("tried again the certification"),
    "access_grant.created": phrase("gave the role {role} to {holder}"),
    "access_grant.deleted": phrase("took the role {role} from {holder}"),
    "user_group_member.created": phrase("put {member} into {group}"),
    "user_group_member.deleted": phrase("took {member} out of {group}"),
    "user.joined": phrase("let in"),
    "user.deactivated": phrase("ended the membership of"),
    "user.reactivated": phrase("let back in"),
    "invitation.created": phrase("sent an invitation"),
    "invitation.sent_again": phrase("sent an invitation again"),
    "invitation.withdrawn": phrase("took back an invitation"),
    "invitation.accepted": phrase("let somebody in by an invitation"),
    "user.renamed": phrase("changed the name of"),
    "user.avatar_changed": phrase("changed the picture of"),
    "user.avatar_removed": phrase("took away the picture of"),
    "user.password_set": phrase("set the password of"),
    "user.password_changed": phrase("changed the password of"),
    "user.password_reset": phrase("set anew, by a link in a mail, the password of"),
    "user.totp_added": phrase("set up an authenticator app for"),
    "user.totp_removed": phrase("removed the authenticator app of"),
    "user.recovery_codes_made": phrase("made new recovery codes for"),
    "user.recovery_code_used": phrase("used a recovery code of"),
    "user.passkey_added": phrase("added a passkey for"),
    "user.passkey_renamed": phrase("gave another name to a passkey of"),
    "user.passkey_removed": phrase("removed a passkey of"),
    "user.passkey_suspected": phrase("was refused with what may be a copied passkey of"),
    "workspace.default_chosen": phrase("begins with the workspace"),
    "workspace.default_cleared": phrase("begins no longer with the workspace"),
    "audit_export.created": phrase("asked for an export of the audit trail"),
    "audit_export.completed": phrase("wrote an export of the audit trail"),
    "audit_export.downloaded": phrase("downloaded an export of the audit trail"),
    "audit_export.failed": phrase("could not write an export of the audit trail"),
    "audit_trail.viewed": phrase("looked at the audit trail"),
    "api_keys.viewed": phrase("looked at the list of API keys"),
    "people.viewed": phrase("looked at the list of people"),
    "application_instance.created": phrase("made the organisation"),
    "application_instance.updated": phrase("changed the settings of the organisation"),
    "application_instance.suspended": phrase("suspended the organisation"),
    "application_instance.resumed": phrase("resumed the organisation"),
    "application_instance.closing_began": phrase("began to close the organisation"),
    "application_instance.closing_reminded": phrase("told the owners that the organisation closes in a few days"),
    "application_instance.closing_taken_back": phrase("kept the organisation"),
    "application_instance.closed": phrase("closed the organisation"),
}
# What somebody does to their own account: nobody follows, as it is they themselves.
_TO_ONESELF = {
    "user.renamed": phrase("changed their name"),
    "user.avatar_changed": phrase("changed their picture"),
    "user.avatar_removed": phrase("took away their picture"),
    "user.password_changed": phrase("changed their password"),
    "user.password_reset": phrase("set their password anew, by a link in a mail"),
    "user.totp_added": phrase("set up an authenticator app"),
    "user.totp_removed": phrase("removed their authenticator app"),
    "user.recovery_codes_made": phrase("made new recovery codes"),
    "user.recovery_code_used": phrase("used a recovery code"),
    "user.passkey_added": phrase("added a passkey"),
    "user.passkey_renamed": phrase("gave another name to a passkey"),
    "user.passkey_removed": phrase("removed a passkey"),
    "user.passkey_suspected": phrase("was refused with what may be a copy of a passkey"),
}
_THINGS = {
    "task": phrase("task"),
    "program": phrase("program"),
    "certification": phrase("certification"),
    "api_key": phrase("API key"),
    "application_instance": phrase("organisation"),
    "user": phrase("person"),
    "user_group": phrase("group"),
    "access_role": phrase("role"),
    "policy": phrase("policy"),
    "audit_export": phrase("export of the audit trail"),
    "workspace": phrase("workspace"),
}
_VERBS = {
    "created": phrase("made"),
    "updated": phrase("changed"),
    "restored": phrase("brought back from the trash"),
    "deleted": phrase("deleted"),
    "judged": phrase("judged"),
    "signed": phrase("signed"),
    "certified": phrase("certified"),
    "rejected": phrase("rejected"),
    "sealed": phrase("sealed"),
    "revoked": phrase("revoked"),
    "rotated": phrase("rotated"),
}
_OF_ACCOUNTS = {
    "user.signed_in": phrase("Signed in with {how}"),
    "user.second_step_failed": phrase("A wrong code or passkey was given"),
    "user.password_changed": phrase("Password changed"),
    "user.password_reset_asked": phrase("A link to set a new password was asked for"),
    "user.password_reset": phrase("Password set anew by a link from a mail"),
    "user.sessions_ended": phrase("Signed out elsewhere"),
    "user.renamed": phrase("Name changed"),
    "user.renamed_by_organisation": phrase("Name changed by {organisation}"),
    "user.settings_changed": phrase("Time zone, way of writing dates or being shown to others changed"),
    "user.avatar_changed": phrase("Picture changed"),
    "user.avatar_removed": phrase("Picture removed"),
    "user.totp_added": phrase("Authenticator app added"),
    "user.totp_removed": phrase("Authenticator app removed"),
    "user.recovery_codes_made": phrase("New recovery codes made"),
    "user.recovery_code_used": phrase("A recovery code was used"),
    "user.passkey_added": phrase("Passkey added: {name}"),
    "user.passkey_renamed": phrase("Passkey renamed to {name}"),
    "user.passkey_removed": phrase("Passkey removed: {name}"),
    "user.passkey_suspected": phrase("A passkey may have been copied, and is refused: {name}"),
}
_FIELDS = {
    "name": phrase("the name"),
    "description": phrase("the description"),
    "estimate_minutes": phrase("the estimate"),
    "program_id": phrase("the program"),
}
_STATES = {key: name for key, name, _group in BUILT_IN_STATES}
_FACTS = {
    "output_hash": phrase("SHA-256 of the output"),
    "input_hash": phrase("SHA-256 of the input"),
    "policy": phrase("SHA-256 of the policy"),
    "keyids": phrase("Key ids"),
    "by": phrase("Newer certificate"),
}
# What `in_words` makes of the names of fields and kinds: written out here, so that catalogues have it.
_LABELS = (
    phrase("Access permission"), phrase("Access role"), phrase("Access grant"), phrase("Api key"),
    phrase("Api origins"), phrase("Application instance"), phrase("Assigned by user"), phrase("Audit export"),
    phrase("Author user"), phrase("Avatar"), phrase("Body"), phrase("By"), phrase("Certification"),
    phrase("Certification number"), phrase("Certification status"), phrase("Change summary"), phrase("Closed at"),
    phrase("Closes at"), phrase("Created by user"), phrase("Currency"), phrase("Deactivated at"),
    phrase("Deleted at"), phrase("Description"), phrase("Email"), phrase("Estimate minutes"), phrase("Expires at"),
    phrase("Failure reason"), phrase("Fields"), phrase("Former role name"), phrase("Format"), phrase("From state"),
    phrase("Governance policy"), phrase("Granted by user"), phrase("How"), phrase("Id"), phrase("Invitation"),
    phrase("Invited by user"), phrase("Key"), phrase("Last used at"), phrase("Llm provider"), phrase("Locale"),
    phrase("Managed role ids"), phrase("Manages every role"), phrase("Member group"), phrase("Model name"),
    phrase("Name"), phrase("Networks"), phrase("Number"), phrase("Output content"), phrase("Owner"), phrase("Parent"),
    phrase("Parent certification"), phrase("Passkey"), phrase("Permissions"), phrase("Policy"),
    phrase("Policy version"), phrase("Program"), phrase("Rank"), phrase("Reason"), phrase("Replaces"),
    phrase("Requested by user"), phrase("Revocation reason"), phrase("Revoked at"), phrase("Rows total"),
    phrase("Scopes"), phrase("Slug"), phrase("State"), phrase("Status"), phrase("Suspended at"), phrase("Task"),
    phrase("Task assignment"), phrase("Task comment"), phrase("Time zone"), phrase("To state"), phrase("User"),
    phrase("User group"), phrase("User group member"), phrase("Version"), phrase("Version number"),
    phrase("Withdrawn at"), phrase("Workflow"), phrase("Workflow instance"), phrase("Working days"),
    phrase("Workspace default"),
)  # fmt: skip
_HIDDEN = frozenset({"deleted_at", "number", "task_id", "program_id"})


def told(event: Any) -> dict[str, Any]:
    """An event of a task's history, as its template shows it."""
    changes = [
        {
            "field": _("Comment") if change.field == "body" else in_words(change.field),
            "before": change.before,
            "after": change.after,
        }
        for change in event.changes
        if change.field not in _HIDDEN and not (event.action == "create" and change.field != "body")
    ]
    words = {name: called(_STATES.get(str(value), str(value))) for name, value in event.facts.items()}
    fields = _(" and ").join(_(_FIELDS.get(change.field, change.field)) for change in event.changes) or _("it")
    sentence = _(_SENTENCES.get(event.event_type, event.event_type)).format(
        **{"fields": fields, "person": event.person_name or _("somebody"), "from_state": "?", "to_state": "?"} | words
    )
    if event.editors:
        sentence = _("%(sentence)s, written together with %(names)s") % {
            "sentence": sentence,
            "names": listed(event.editors),
        }
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
    return f"{', '.join(first)}{_(' and ')}{last}" if first else last


def told_of_oneself(event: Any) -> str | None:
    """What somebody did to their own account, as a whole sentence; None where it was to something else."""
    is_own = event.entity_type == "User" and event.entity_id == str(event.actor_user_id)
    sentence = _TO_ONESELF.get(event.event_type) if is_own else None
    return None if sentence is None else _(sentence)


def told_of_event(event: Any) -> str:
    """What somebody did, for the trail of the whole organisation, without the name of the thing itself."""
    kind, done = event.event_type.rsplit(".", 1) if "." in event.event_type else ("", event.event_type)
    # Of what was taken away nothing has changed, and the facts tell what it was.
    ids = event.facts | {each.field: each.before if each.after is None else each.after for each in event.changes}
    words = {name: called(_STATES.get(str(value), str(value))) for name, value in event.facts.items()}
    named = {
        "person": _named(event, "User", event.facts.get("user_id"), _("somebody")),
        "role": _named(event, "AccessRole", ids.get("access_role_id"), _("that is gone")),
        "holder": _named(event, "User", ids.get("user_id"), "")
        or _named(event, "UserGroup", ids.get("user_group_id"), _("a group that is gone")),
        "member": _named(event, "User", ids.get("user_id"), "")
        or _named(event, "UserGroup", ids.get("member_group_id"), _("somebody")),
        "group": _named(event, "UserGroup", ids.get("user_group_id"), _("a group that is gone")),
        "from_state": "?",
        "to_state": "?",
    }
    thing = _(_THINGS.get(kind, kind.replace("_", " ")))
    verb = _(_VERBS.get(done, done.replace("_", " ")))
    usual = _("%(done)s the %(thing)s") % {"done": verb, "thing": thing}
    sentence = _OF_THE_TRAIL.get(event.event_type)
    return (_(sentence) if sentence else usual).format(**named | words)


def _named(event: Any, kind: str, each: Any, otherwise: str) -> str:
    found = event.things.get((kind, str(each)))
    if found is None:
        return otherwise
    return called(found.name) if kind == "AccessRole" else found.name


def told_of_account(event: Any) -> dict[str, Any]:
    """What happened to somebody's account, as its template shows it."""
    return {
        "sentence": _(_OF_ACCOUNTS.get(event.event_type, event.event_type)).format(
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
        {"name": _(_FACTS[name]) if name in _FACTS else in_words(name), "value": _plain(value)}
        for name, value in row.event_data.items()
    ]
    if row.event_type == "revoked" and revocation_reason:
        facts.append({"name": _("Reason"), "value": revocation_reason})
    return {
        "event_type": row.event_type,
        "sentence": _(_SENTENCES.get(row.event_type, row.event_type)),
        "actor_name": row.actor_name or "Oversing",
        "created_at": row.created_at,
        "facts": facts,
    }


def in_words(name: str) -> str:
    """The name of a field or a fact, as a label."""
    return _(name.replace("_", " ").capitalize())


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
