"""Make the governance layer's tables: policies, outputs, certifications, their versions and their numbers.

A certification moves only along the transitions listed here, and what was frozen for signing stays as it was signed:
the database refuses anything else, whoever asks.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import tenant_table

revision = "0005"
down_revision = "0004"

TRANSITIONS = (
    ("pending", "validating"),
    ("pending", "failed"),
    ("validating", "needs_review"),
    ("validating", "certified"),
    ("validating", "rejected"),
    ("validating", "failed"),
    ("failed", "pending"),
    ("failed", "validating"),
    ("needs_review", "certified"),
    ("needs_review", "rejected"),
    ("certified", "suspended"),
    ("certified", "revoked"),
    ("certified", "superseded"),
    ("suspended", "certified"),
    ("suspended", "revoked"),
)
FROZEN = (
    "id",
    "application_instance_id",
    "created_at",
    "task_id",
    "llm_output_id",
    "llm_provider",
    "model_name",
    "input_hash",
    "output_hash",
    "governance_policy_id",
    "policy_version_id",
    "requested_by_user_id",
    "supersedes_id",
)
WRITTEN_ONCE = (
    "certification_number",
    "payload",
    "expires_at",
    "dsse_envelope",
    "timestamp_token",
    "timestamped_at",
    "decided_at",
    "certified_at",
    "superseded_by_id",
    "revoked_at",
    "revoked_by_user_id",
)
TENANT_ROW = """
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA runcible")
    op.execute("GRANT USAGE ON SCHEMA runcible TO oversing_app, oversing_signer, oversing_auditor")
    make_policies()
    make_certifications()
    make_the_rules_of_certifications()


def make_policies() -> None:
    op.execute(f"""
        CREATE TABLE runcible.governance_policies ({TENANT_ROW}
            key varchar(63) NOT NULL,
            name varchar(255) NOT NULL,
            description text NOT NULL DEFAULT '',
            is_active boolean NOT NULL DEFAULT true,
            active_version_id uuid,
            created_by_user_id bigint REFERENCES users (user_id),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, key)
        )""")
    tenant_table("runcible.governance_policies", app="SELECT, INSERT, UPDATE", signer="SELECT")
    op.execute(f"""
        CREATE TABLE runcible.governance_policy_versions ({TENANT_ROW}
            governance_policy_id uuid NOT NULL,
            number integer NOT NULL,
            digest varchar(64) NOT NULL,
            policy_rules jsonb NOT NULL,
            compliance_requirements jsonb NOT NULL DEFAULT '[]',
            created_by_user_id bigint REFERENCES users (user_id),
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, governance_policy_id, number),
            FOREIGN KEY (application_instance_id, governance_policy_id)
                REFERENCES runcible.governance_policies (application_instance_id, id)
        )""")
    tenant_table("runcible.governance_policy_versions", app="SELECT, INSERT", signer="SELECT")
    op.execute("""
        CREATE TRIGGER a_version_is_for_ever BEFORE UPDATE OR DELETE ON runcible.governance_policy_versions
        FOR EACH ROW EXECUTE FUNCTION guard.refuse_change()""")


def make_certifications() -> None:
    op.execute(f"""
        CREATE TABLE runcible.llm_outputs ({TENANT_ROW}
            task_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (application_instance_id, id),
            FOREIGN KEY (application_instance_id, task_id) REFERENCES tasks (application_instance_id, id)
        )""")
    tenant_table("runcible.llm_outputs", app="SELECT, INSERT")
    # One row a year, not a sequence: a sequence leaves gaps that nobody can explain.
    op.execute("""
        CREATE TABLE runcible.certification_counters (year integer PRIMARY KEY, last_number bigint NOT NULL)""")
    op.execute("GRANT SELECT, INSERT, UPDATE ON runcible.certification_counters TO oversing_app")
    op.execute(f"""
        CREATE TABLE runcible.certifications ({TENANT_ROW}
            certification_number varchar(255) UNIQUE,
            llm_output_id uuid NOT NULL,
            task_id uuid,
            llm_provider varchar(100),
            model_name varchar(255),
            input_hash varchar(64) NOT NULL CHECK (input_hash ~ '^[0-9a-f]{{64}}$'),
            output_hash varchar(64) NOT NULL CHECK (output_hash ~ '^[0-9a-f]{{64}}$'),
            output_content jsonb NOT NULL,
            governance_policy_id uuid NOT NULL,
            policy_version_id uuid NOT NULL,
            certification_status varchar(50) NOT NULL DEFAULT 'pending',
            action_state varchar(50),
            certified_at timestamptz,
            decided_at timestamptz,
            expires_at timestamptz,
            certified_by_user_id bigint REFERENCES users (user_id),
            requested_by_user_id bigint REFERENCES users (user_id),
            signature text NOT NULL DEFAULT '',
            signature_algorithm varchar(50) NOT NULL DEFAULT 'RSA-SHA256',
            payload bytea,
            dsse_envelope jsonb,
            timestamp_token bytea,
            timestamped_at timestamptz,
            status_snapshot jsonb,
            seal jsonb,
            leaf_index bigint,
            supersedes_id uuid,
            superseded_by_id uuid,
            revoked_at timestamptz,
            revoked_by_user_id bigint REFERENCES users (user_id),
            revocation_reason text,
            failure_reason text,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            UNIQUE (application_instance_id, id),
            FOREIGN KEY (application_instance_id, llm_output_id)
                REFERENCES runcible.llm_outputs (application_instance_id, id),
            FOREIGN KEY (application_instance_id, task_id) REFERENCES tasks (application_instance_id, id),
            FOREIGN KEY (application_instance_id, governance_policy_id)
                REFERENCES runcible.governance_policies (application_instance_id, id),
            FOREIGN KEY (application_instance_id, policy_version_id)
                REFERENCES runcible.governance_policy_versions (application_instance_id, id),
            FOREIGN KEY (application_instance_id, supersedes_id)
                REFERENCES runcible.certifications (application_instance_id, id),
            FOREIGN KEY (application_instance_id, superseded_by_id)
                REFERENCES runcible.certifications (application_instance_id, id),
            CONSTRAINT a_decision_is_numbered_and_signed CHECK (
                certification_status IN ('pending', 'validating', 'failed')
                OR (certification_number IS NOT NULL AND payload IS NOT NULL AND signature <> ''))
        )""")
    op.execute("CREATE INDEX ON runcible.certifications (application_instance_id, task_id, id)")
    op.execute("CREATE INDEX ON runcible.certifications (application_instance_id, certification_status, id)")
    op.execute("CREATE INDEX ON runcible.certifications (llm_output_id)")
    op.execute("CREATE INDEX ON runcible.certifications (certified_at)")
    tenant_table("runcible.certifications", app="SELECT, INSERT, UPDATE", signer="SELECT, UPDATE")
    op.execute(f"""
        CREATE TABLE runcible.llm_output_versions ({TENANT_ROW}
            llm_output_id uuid NOT NULL,
            certification_id uuid NOT NULL,
            parent_certification_id uuid,
            version_number integer NOT NULL CHECK (version_number > 0),
            output_content jsonb NOT NULL,
            change_summary text NOT NULL DEFAULT '',
            created_by_user_id bigint REFERENCES users (user_id),
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (application_instance_id, id),
            UNIQUE (parent_certification_id, version_number),
            UNIQUE (application_instance_id, certification_id),
            CONSTRAINT llm_output_versions_number_is_unique
                UNIQUE (application_instance_id, llm_output_id, version_number),
            FOREIGN KEY (application_instance_id, llm_output_id)
                REFERENCES runcible.llm_outputs (application_instance_id, id),
            FOREIGN KEY (application_instance_id, certification_id)
                REFERENCES runcible.certifications (application_instance_id, id),
            FOREIGN KEY (application_instance_id, parent_certification_id)
                REFERENCES runcible.certifications (application_instance_id, id)
        )""")
    tenant_table("runcible.llm_output_versions", app="SELECT, INSERT")
    op.execute("""
        CREATE TRIGGER a_version_is_for_ever BEFORE UPDATE OR DELETE ON runcible.llm_output_versions
        FOR EACH ROW EXECUTE FUNCTION guard.refuse_change()""")


def make_the_rules_of_certifications() -> None:
    op.execute("""
        CREATE TABLE runcible.certification_transitions (
            from_status varchar(50) NOT NULL,
            to_status varchar(50) NOT NULL,
            PRIMARY KEY (from_status, to_status)
        )""")
    op.execute("GRANT SELECT ON runcible.certification_transitions TO oversing_app, oversing_signer, oversing_auditor")
    for from_status, to_status in TRANSITIONS:
        op.execute(f"INSERT INTO runcible.certification_transitions VALUES ('{from_status}', '{to_status}')")
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in FROZEN)
    rewritten = " OR ".join(
        f"(OLD.{column} IS NOT NULL AND NEW.{column} IS DISTINCT FROM OLD.{column})" for column in WRITTEN_ONCE
    )
    op.execute(f"""
        CREATE FUNCTION runcible.keep_the_rules() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog AS $$
        BEGIN
            IF NEW.certification_status <> OLD.certification_status AND NOT EXISTS (
                SELECT FROM runcible.certification_transitions
                WHERE from_status = OLD.certification_status AND to_status = NEW.certification_status
            ) THEN
                RAISE EXCEPTION 'a certification cannot go from % to %', OLD.certification_status,
                    NEW.certification_status USING ERRCODE = '23514';
            END IF;
            IF {changed} THEN
                RAISE EXCEPTION 'what a certification is about cannot change' USING ERRCODE = '23514';
            END IF;
            IF {rewritten} OR (OLD.signature <> '' AND (NEW.signature, NEW.signature_algorithm)
                               IS DISTINCT FROM (OLD.signature, OLD.signature_algorithm)) THEN
                RAISE EXCEPTION 'what was frozen for signing cannot change' USING ERRCODE = '23514';
            END IF;
            RETURN NEW;
        END
        $$""")
    op.execute("""
        CREATE TRIGGER keep_the_rules BEFORE UPDATE ON runcible.certifications
        FOR EACH ROW EXECUTE FUNCTION runcible.keep_the_rules()""")
    decided = " OR ".join(f"NEW.{column} IS NOT NULL" for column in WRITTEN_ONCE)
    op.execute(f"""
        CREATE FUNCTION runcible.begin_undecided() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog AS $$
        BEGIN
            IF NEW.certification_status <> 'pending' OR NEW.signature <> '' OR {decided} THEN
                RAISE EXCEPTION 'a certification begins as pending, with nothing decided' USING ERRCODE = '23514';
            END IF;
            RETURN NEW;
        END
        $$""")
    op.execute("""
        CREATE TRIGGER begin_undecided BEFORE INSERT ON runcible.certifications
        FOR EACH ROW EXECUTE FUNCTION runcible.begin_undecided()""")
    op.execute("""
        CREATE TRIGGER nothing_is_taken_back BEFORE DELETE ON runcible.certifications
        FOR EACH ROW EXECUTE FUNCTION guard.refuse_change()""")
    for table in ("certifications", "governance_policy_versions", "llm_output_versions"):
        op.execute(f"""
            CREATE TRIGGER never_emptied BEFORE TRUNCATE ON runcible.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION guard.refuse_change()""")


def downgrade() -> None:
    for table in (
        "certification_transitions",
        "llm_output_versions",
        "certifications",
        "certification_counters",
        "llm_outputs",
        "governance_policy_versions",
        "governance_policies",
    ):
        op.execute(f"DROP TABLE runcible.{table} CASCADE")
    op.execute("DROP FUNCTION runcible.keep_the_rules(), runcible.begin_undecided()")
    op.execute("DROP SCHEMA runcible")
