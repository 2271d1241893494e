"""Each column that can hold words is in the list of what is personal (app/core/sealed_fields.py), or here."""

from __future__ import annotations

import ast
import importlib

import pytest
from sqlalchemy.dialects import postgresql

import app.models  # noqa: F401 every model is in the metadata
from app.core import audit, certification_log, guessing, idempotency, mails, outbox, sealing  # noqa: F401
from app.core.database import Base, Model
from app.core.sealed_fields import AS_IT_IS, NOTHING, OPEN, SEALED, UNDER_KEY
from tests.structure.sources import called, calls, files, name_of, tree

WORDLESS = ("UUID", "INTEGER", "BIGINT", "SMALLINT", "TIMESTAMP", "BOOLEAN", "DATE", "NUMERIC")

# What says nothing of anybody: secrets that are hashed, names of kinds and states, and what an organisation says of
# itself, as what it calls its programs, roles, groups and policies.
HASHED = {
    *("users.password_hash", "sign_ups.password_hash", "sign_ups.token_hash", "invitations.token_hash"),
    *("api_keys.secret_hash", "api_keys.prefix", "user_sessions.token_hash", "password_resets.token_hash"),
    *("known_devices.token_hash", "recovery_codes.code_hash", "sign_in_attempts.subject_hash"),
    *("idempotency_keys.fingerprint", "identity_events.salt", "certification_audit_log.hash"),
    *("certification_audit_log.previous_hash", "certifications.input_hash", "certifications.output_hash"),
}
KEYS = {
    *("application_instance_keys.wrapped_key", "record_keys.wrapped_key", "record_keys.subject", "mails.wrapped_key"),
    *("totp_secrets.wrapped_key", "user_avatars.wrapped_key"),
    *("passkeys.user_handle", "passkeys.credential_id", "passkeys.public_key"),
}
KINDS = {
    *("access_permissions.permission", "access_roles.key", "api_keys.scopes", "governance_policies.key"),
    *("identity_events.event_type", "audit_events.event_type", "audit_events.entity_type", "audit_events.entity_id"),
    *("audit_events.action", "certification_audit_log.event_type", "audit_exports.format", "audit_exports.state"),
    *("audit_exports.filters", "audit_exports.sight", "audit_exports.snapshot"),
    *("idempotency_keys.owner", "idempotency_keys.key", "outbox.queue", "outbox.job", "outbox.last_error"),
    *("workspaces.visibility",),
    *("tasks.rank", "workflows.key", "workflow_states.key", "workflow_states.state_group"),
}
OF_THE_ORGANISATION = {
    *("application_instances.slug", "application_instances.name", "application_instances.api_origins"),
    *("application_instances.locale", "application_instances.time_zone", "application_instances.currency"),
    *("sign_ups.slug", "sign_ups.name", "access_roles.name", "access_roles.description"),
    *("invitations.former_role_name", "user_groups.name", "user_groups.description"),
    *("programs.key", "programs.name", "workflows.name", "workflow_states.name"),
    *("governance_policies.name", "governance_policies.description", "governance_policy_versions.digest"),
    *("governance_policy_versions.policy_rules", "governance_policy_versions.compliance_requirements"),
}
# Holds people by their number only; each name of a field that is personal is sealed within.
OF_THE_TRAIL = {
    *("audit_events.before_state", "audit_events.after_state", "audit_events.metadata"),
    "certification_audit_log.event_data",
}
# What is signed is given to strangers: hashes of content, and the organisation.
SIGNED = {
    *("certification_number", "llm_provider", "model_name", "certification_status", "action_state", "signature"),
    *("signature_algorithm", "payload", "dsse_envelope", "timestamp_token", "status_snapshot", "seal"),
    "failure_reason",
}
IMPERSONAL = (
    HASHED | KEYS | KINDS | OF_THE_ORGANISATION | OF_THE_TRAIL | {f"certifications.{column}" for column in SIGNED}
)

# Within a column of the trail; copied as it was sealed.
PARTS, COPIES = {"audit_events.*", "audit_events.origin"}, {"llm_output_versions.output_content"}
IN_BROWSERS = {"cookies.notice"}
SEALING = {"seal", "seal_or_drop", "seal_bytes", "open_bytes"}
RECORDED = sorted(
    (mapper.class_ for mapper in Model.registry.mappers if hasattr(mapper.class_, "audited")),
    key=lambda model: model.__name__,
)


def with_words() -> set[str]:
    """Every column in which words could be, as "table.column"."""
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if not column.type.compile(postgresql.dialect()).startswith(WORDLESS)
    }


def test_of_every_column_that_holds_words_it_is_decided_whether_it_is_personal():
    sides = [set(OPEN), set(SEALED) - PARTS - IN_BROWSERS, IMPERSONAL]
    assert with_words() == set().union(*sides)
    assert sum(map(len, sides)) == len(set().union(*sides))


def test_every_seal_is_bound_to_a_place_of_the_list():
    used = {
        place_of(path, call.args[0])
        for path in files("app")
        for call in calls(tree(path))
        if called(call).rpartition(".")[2] in SEALING and len(call.args) == 2 and name_of(path) != "app/core/sealing.py"
    }
    assert used == set(SEALED) - COPIES


def place_of(path, argument: ast.expr) -> str:
    """What is given as a place: a name, a constant of the module that holds one, or a field of the trail."""
    if isinstance(argument, ast.JoinedStr):
        return f"{argument.values[0].value}*"
    if isinstance(argument, ast.Constant):
        return argument.value
    module = importlib.import_module(name_of(path).removesuffix(".py").replace("/", "."))
    return getattr(module, argument.id)


@pytest.mark.parametrize("model", RECORDED, ids=lambda model: model.__name__)
def test_the_trail_keeps_of_a_personal_field_what_the_list_says(model):
    table, sealed = model.__table__, set(getattr(model, "sealed", ()))
    kept = {
        column.name: NOTHING if column.name not in model.audited else UNDER_KEY if column.name in sealed else AS_IT_IS
        for column in table.columns
        if f"{table.name}.{column.name}" in OPEN
    }
    assert kept == {column: OPEN[f"{table.name}.{column}"].in_trail for column in kept}
    assert sealed <= set(kept)
