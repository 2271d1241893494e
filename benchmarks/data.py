"""The rows that are measured on: two organisations alike but for the number of their tasks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import select

from app.commands import sessions, tenants
from app.commands.api_keys import create_api_key
from app.commands.programs import create_program
from app.core import tenancy
from app.core.actor import Visitor
from app.core.database import db, fresh_session
from app.core.ids import new_id, new_token
from app.models.application_instances import ApplicationInstance
from app.models.governance_policies import GovernancePolicy, GovernancePolicyVersion
from app.models.users import User
from app.models.workflows import WorkflowState
from app.queries.certification_proofs import policy_document
from app.schemas.programs import NewProgram
from app.schemas.tenants import NewApiKey, NewMember, NewTenant
from app.web.stored_sessions import token_hash
from runcible.certification.algorithms import ALGORITHMS
from runcible.governance import packs
from runcible.governance.policy_documents import Policy

MANY, FEW = 10_000, 10
PEOPLE = ("Alice Andersson", "Bob Okafor", "Carol Lindqvist", "Dan Moreau", "Eve Haddad", "Finn Aalto")
PROGRAMS = ("Operations", "Onboarding", "Compliance", "Market research", "Annual report", "Website")
DESCRIPTION = (
    "Collect what is **known** so far, ask the people who did it last time, and write down what has changed.\n\n"
    "- figures of the last quarter\n- open questions, with a name beside each\n- what has to be decided, and by when\n"
)
COMMENT = "I have looked at this: the *second* figure does not match the report. Shall we ask, or leave it as it is?"
EVERY_CERTIFIED = 4  # one task in so many has an output that was sent in for certification


@dataclass(frozen=True)
class Organisation:
    """One organisation, and how to get in."""

    id: UUID
    slug: str
    cookie: str
    api_key: str
    policy_id: UUID  # the shipped one, which asks for two signatures
    policies: dict[str, UUID]  # the same by the one algorithm that they ask for
    program_id: UUID
    task_id: UUID  # one with assignees, comments and a certification

    @property
    def as_person(self) -> dict[str, str]:
        """The headers of somebody who is signed in."""
        return {"Cookie": f"sid={self.cookie}"}

    @property
    def as_program(self) -> dict[str, str]:
        """The headers of a client of the API."""
        return {"Authorization": f"Bearer {self.api_key}"}

    @property
    def tasks(self) -> str:
        """The path of the task list."""
        return f"/o/{self.slug}/tasks"


def organisation(connection: psycopg.Connection, slug: str, tasks: int) -> Organisation:
    """An organisation made by the product's own commands, and so many tasks copied straight into the tables.

    Call it within an application context; `connection` is the superuser's.
    """
    with fresh_session():
        owner, *others = PEOPLE
        given = NewTenant(slug=slug, name="Acme Advice", **_person("owner", owner, slug))
        tenant = tenants.create_tenant(Visitor(), given)
        system = tenants.system_actor(tenant)
        for name in others:
            tenants.create_member(system, NewMember(role="member", **_person("", name, slug)))
        program_ids = [create_program(system, NewProgram(key=name[:3].upper(), name=name)).id for name in PROGRAMS]
        with tenancy.entered(db.session, tenant.id):
            return _fill(connection, tenant, system, program_ids, tasks)


def _person(prefix: str, name: str, slug: str) -> dict[str, str]:
    told = {"email": f"{name.partition(' ')[0].lower()}@{slug}.example", "name": name, "password": new_token()}
    return {f"{prefix}_{field}" if prefix else field: value for field, value in told.items()}


def _fill(
    connection: psycopg.Connection, tenant: ApplicationInstance, system: Any, program_ids: list[UUID], tasks: int
) -> Organisation:
    people = list(db.session.scalars(select(User.user_id).where(User.email.endswith(f"@{tenant.slug}.example"))))
    states = list(db.session.scalars(select(WorkflowState).order_by(WorkflowState.position)))
    policy = db.session.scalars(select(GovernancePolicy).where(GovernancePolicy.key == "general")).one()
    cookie = new_token()
    kept = {"_user_id": str(people[0]), "_fresh": True}
    sessions.keep_session(Visitor(), None, token_hash(cookie), kept, timedelta(days=1))
    _key, secret = create_api_key(system, NewApiKey(user_id=people[0], name="Benchmark"))
    policies = {algorithm: _policy_asking_for(algorithm, tenant.id) for algorithm in ALGORITHMS}
    db.session.commit()
    rows = _rows(tenant.id, program_ids, people, states, policy, tasks)
    for table, columns in COLUMNS.items():
        _copy(connection, table, columns, rows[table])
    connection.execute(
        "UPDATE programs SET last_task_number = %s WHERE application_instance_id = %s", [tasks, tenant.id]
    )
    connection.execute("VACUUM ANALYZE")
    certified = rows["runcible.certifications"][-1][3]
    return Organisation(tenant.id, tenant.slug, cookie, secret, policy.id, policies, program_ids[0], certified)


def _policy_asking_for(algorithm: str, tenant_id: UUID) -> UUID:
    """The shipped policy `general`, but for the signatures that it asks for."""
    pack = packs.read("general")
    content = {name: pack[name] for name in ("policy_rules", "compliance_requirements")}
    content["policy_rules"]["certificate"]["signatures"] = [algorithm]
    key = f"general-{algorithm.lower()}"
    policy = GovernancePolicy(id=new_id(), application_instance_id=tenant_id, key=key, name=f"Signed by {algorithm}")
    db.session.add(policy)
    db.session.flush()
    digest = Policy.load(policy_document(policy, 1, content)).digest
    version = GovernancePolicyVersion(id=new_id(), governance_policy_id=policy.id, number=1, digest=digest, **content)
    db.session.add(version)
    db.session.flush()
    policy.active_version_id = version.id
    return policy.id


COLUMNS = {
    "workflow_instances": "application_instance_id, id, workflow_id, state_id, entered_state_at",
    "tasks": "application_instance_id, id, program_id, number, name, description, estimate_minutes,"
    " workflow_instance_id, created_by_user_id, version, created_at, updated_at",
    "task_assignments": "application_instance_id, id, task_id, user_id, assigned_by_user_id, created_at",
    "task_comments": "application_instance_id, id, task_id, author_user_id, body, created_at",
    "runcible.llm_outputs": "application_instance_id, id, task_id",
    "runcible.certifications": "application_instance_id, id, llm_output_id, task_id, llm_provider, model_name,"
    " input_hash, output_hash, output_content, governance_policy_id, policy_version_id, requested_by_user_id,"
    " created_at, updated_at, version",
}


def _rows(
    tenant_id: UUID, program_ids: list[UUID], people: list[int], states: list[Any], policy: Any, tasks: int
) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table. Each task differs a little; each fourth has a certification that waits."""
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
    now = datetime.now(UTC)
    for number in range(1, tasks + 1):
        task_id, instance_id, at = new_id(), new_id(), now - timedelta(minutes=tasks - number)
        state, author = states[number % len(states)], people[number % len(people)]
        rows["workflow_instances"].append((tenant_id, instance_id, state.workflow_id, state.id, at))
        rows["tasks"].append(
            (
                *(tenant_id, task_id, program_ids[number % len(program_ids)], number),
                *(f"Look through the report of department {number % 97} & answer question {number}", DESCRIPTION),
                *(number % 16 * 30 or None, instance_id, author, 1, at, at),
            )
        )
        for person in people[: number % 3]:
            rows["task_assignments"].append((tenant_id, new_id(), task_id, person, author, at))
        if number % EVERY_CERTIFIED == 2:
            output_id, unused = new_id(), "0" * 64
            rows["task_comments"] += [(tenant_id, new_id(), task_id, author, COMMENT, at) for _ in range(3)]
            rows["runcible.llm_outputs"].append((tenant_id, output_id, task_id))
            rows["runcible.certifications"].append(
                (
                    *(tenant_id, new_id(), output_id, task_id, "anthropic", "claude-sonnet-4-5", unused, unused),
                    *(json.dumps({}), policy.id, policy.active_version_id, author, at, at, 1),
                )
            )
    return rows


def _copy(connection: psycopg.Connection, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
