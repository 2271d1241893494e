"""What is personal, and how it is kept: one list of all of it. Whoever adds a column decides here.

A structure test compares this with every table, every `seal` and every `open`: a new column that holds words is either
here, or named there as saying nothing of anybody.
"""

from __future__ import annotations

from typing import NamedTuple


class Sealed(NamedTuple):
    """Kept under a key, and readable no more once that is destroyed."""

    key: str
    why: str


class Open(NamedTuple):
    """Kept as it is in its own row, until fields are encrypted; `in_trail` says what the trail keeps of it."""

    in_trail: str
    why: str


UNDER_KEY = "sealed under the key of the record"
NOTHING = "nothing"
AS_IT_IS = "as it is"

# What nobody reads in the database. The name is the place that the seal is bound to: moved elsewhere, it opens no more.
SEALED: dict[str, Sealed] = {
    "totp_secrets.sealed_secret": Sealed("its own, in the row", "whoever has it is half of a sign-in"),
    "user_avatars.sealed_image": Sealed("its own, in the row", "the face of a person"),
    "mails.content": Sealed("its own, in the row", "an address, and often a link that opens something"),
    "audit_export_parts.content": Sealed(
        "of the export", "a copy of the trail with all that is personal in it, opened"
    ),
    "certifications.output_content": Sealed("of the certification", "what was certified, and what the model was asked"),
    "llm_output_versions.output_content": Sealed("of the certification", "the same, as it was sealed there"),
    "shared_texts.sealed_base": Sealed("of the record", "the words of a description, as they were saved last"),
    "shared_text_updates.content": Sealed("of the record", "what people write together, word by word"),
    "audit_events.*": Sealed("of the record", "before and after of the fields below that say so"),
    "audit_events.origin": Sealed("of the person", "from which address somebody came; it stands in `metadata`"),
    "certification_audit_log.user_agent": Sealed("of the person", "the browser of who had it in their hands"),
    "cookies.notice": Sealed("derived from the master key", "what was done last; in that browser for two minutes"),
}

# What can be read by whoever reads the database, each a candidate for being encrypted in its row too.
OPEN: dict[str, Open] = {
    "users.email": Open(UNDER_KEY, "who somebody is; looked for when they sign in"),
    "users.name": Open(UNDER_KEY, "who somebody is; lists are sorted by it"),
    "users.time_zone": Open(NOTHING, "roughly where somebody is"),
    "users.locale": Open(NOTHING, "roughly where somebody is from"),
    "invitations.email": Open(UNDER_KEY, "who is expected; compared with whoever comes"),
    "tasks.name": Open(UNDER_KEY, "free text, searched"),
    "tasks.description": Open(UNDER_KEY, "free text, searched"),
    "task_comments.body": Open(UNDER_KEY, "free text, and who said it"),
    "programs.description": Open(UNDER_KEY, "free text"),
    "workspaces.name": Open(UNDER_KEY, "free text"),
    "workspaces.panels": Open(UNDER_KEY, "which pages somebody works with, and what they look for in them"),
    "sign_ups.owner_name": Open(
        NOTHING, "who wants an organisation; gone once the address is confirmed, or a day later"
    ),
    "sign_ups.owner_email": Open(NOTHING, "as the name"),
    "identity_events.ip_network": Open(
        NOTHING, "a network, not an address; the trail holds a salted digest of the row"
    ),
    "identity_events.user_agent": Open(NOTHING, "the browser; the trail holds a salted digest of the row"),
    "identity_events.facts": Open(NOTHING, "what happened to an account; the trail holds a salted digest of the row"),
    "user_sessions.ip_network": Open(NOTHING, "one sees where one is signed in; it goes with the session"),
    "user_sessions.user_agent": Open(NOTHING, "one sees where one is signed in; it goes with the session"),
    "user_sessions.data": Open(NOTHING, "who is signed in, and what a form held; it goes with the session"),
    "audit_events.actor_ip_address": Open(AS_IT_IS, "a network, not an address"),
    "certification_audit_log.ip_address": Open(AS_IT_IS, "a network, not an address"),
    "api_keys.networks": Open(
        AS_IT_IS, "from where a key may be used: who reads the trail has to know that it changed"
    ),
    "api_keys.last_used_network": Open(
        NOTHING, "one sees whether a key is used by strangers; a network, not an address"
    ),
    "passkeys.name": Open(NOTHING, "how somebody calls a thing of theirs"),
    "api_keys.name": Open(AS_IT_IS, "what a key is for: who reads the trail has to know which one it was"),
    "llm_output_versions.change_summary": Open(NOTHING, "free text about what was certified"),
    "certifications.revocation_reason": Open(NOTHING, "free text; strangers who verify read it"),
}


def sealed_in_trail(table: str) -> tuple[str, ...]:
    """The columns of a table that `record` seals."""
    places = (name.rpartition(".") for name, kept in OPEN.items() if kept.in_trail == UNDER_KEY)
    return tuple(column for owner, _dot, column in places if owner == table)
