"""Make the audit trail: append-only from its first row, by the database and not by good intentions.

Its tables belong to oversing_audit, as whom nobody logs in. The application may read its own organisation's rows and
insert some of their columns: neither id nor time is its to choose. There is no way back from here.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import TENANT

revision = "0001"
down_revision = None

PARTITIONED = ("audit_events", "certification_audit_log")


def upgrade() -> None:
    make_the_guard()
    op.execute("CREATE SCHEMA audit AUTHORIZATION oversing_audit")
    op.execute("GRANT SELECT ON alembic_version TO oversing_app, oversing_clock")  # for /readyz
    op.execute("GRANT USAGE ON SCHEMA audit TO oversing_app, oversing_signer, oversing_clock, oversing_auditor")
    op.execute("SET LOCAL ROLE oversing_audit")
    make_audit_events()
    make_certification_audit_log()
    make_the_chain()
    make_partitions()
    op.execute("RESET ROLE")


def downgrade() -> None:
    raise RuntimeError(
        "The audit trail has no way back: a month leaves it through an anchored export, never a downgrade."
    )


def make_the_guard() -> None:
    """The refusing function. deploy/database/guard.sql later hands it to the superuser."""
    op.execute("CREATE SCHEMA guard")
    op.execute("GRANT USAGE ON SCHEMA guard TO oversing_audit")
    op.execute("""
        CREATE FUNCTION guard.refuse_change() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog AS $$
        BEGIN
            RAISE EXCEPTION 'append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
                USING ERRCODE = '42501';
        END
        $$""")


def make_audit_events() -> None:
    # The number of the transaction stands first, and so is taken before the id: app/jobs/audit_chain.py rests on it.
    op.execute("""
        CREATE TABLE audit.audit_events (
            transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
            id bigint GENERATED ALWAYS AS IDENTITY,
            event_id uuid NOT NULL,
            application_instance_id uuid NOT NULL,
            event_type varchar(100) NOT NULL,
            entity_type varchar(100) NOT NULL,
            entity_id varchar(255) NOT NULL,
            action varchar(50) NOT NULL,
            actor_user_id bigint,
            actor_ip_address inet,
            before_state jsonb,
            after_state jsonb,
            metadata jsonb,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (id, created_at)
        ) PARTITION BY RANGE (created_at)""")
    op.execute("CREATE INDEX ON audit.audit_events (application_instance_id, entity_type, entity_id, id)")
    op.execute("CREATE INDEX ON audit.audit_events (application_instance_id, actor_user_id, created_at)")
    op.execute("CREATE INDEX ON audit.audit_events (application_instance_id, event_type, created_at)")
    op.execute("CREATE INDEX ON audit.audit_events USING brin (created_at)")
    op.execute("CREATE INDEX ON audit.audit_events (transaction_id, id)")
    op.execute("""
        GRANT INSERT (event_id, application_instance_id, event_type, entity_type, entity_id, action, actor_user_id,
                      actor_ip_address, before_state, after_state, metadata)
        ON audit.audit_events TO oversing_app, oversing_signer""")
    close("audit_events")
    op.execute("CREATE POLICY chain ON audit.audit_events FOR SELECT TO oversing_clock USING (true)")
    op.execute("GRANT SELECT ON audit.audit_events, audit.audit_events_id_seq TO oversing_clock")
    # A unique key of a partitioned table must hold its partition key: event_id is unique through a table of its own.
    op.execute("CREATE TABLE audit.audit_event_keys (event_id uuid PRIMARY KEY, created_at timestamptz NOT NULL)")
    op.execute("""
        CREATE FUNCTION audit.keep_event_key() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
            INSERT INTO audit.audit_event_keys (event_id, created_at) VALUES (NEW.event_id, NEW.created_at);
            RETURN NEW;
        END
        $$""")
    op.execute("REVOKE EXECUTE ON FUNCTION audit.keep_event_key() FROM PUBLIC")
    op.execute("""
        CREATE TRIGGER keep_event_key BEFORE INSERT ON audit.audit_events
        FOR EACH ROW EXECUTE FUNCTION audit.keep_event_key()""")
    op.execute("ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER keep_event_key")
    refuse_change("audit_event_keys")


def make_certification_audit_log() -> None:
    """The chain of custody of each certification: every entry carries the hash of the one before."""
    op.execute("""
        CREATE TABLE audit.certification_audit_log (
            id bigint GENERATED ALWAYS AS IDENTITY,
            application_instance_id uuid NOT NULL,
            certification_id uuid NOT NULL,
            sequence integer NOT NULL,
            event_type varchar(100) NOT NULL,
            event_data jsonb,
            user_id bigint,
            ip_address inet,
            user_agent text,
            previous_hash bytea,
            hash bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (id, created_at)
        ) PARTITION BY RANGE (created_at)""")
    op.execute("CREATE INDEX ON audit.certification_audit_log (application_instance_id, certification_id, sequence)")
    op.execute("CREATE INDEX ON audit.certification_audit_log (event_type, created_at)")
    op.execute("CREATE INDEX ON audit.certification_audit_log USING brin (created_at)")
    op.execute("""
        GRANT INSERT (application_instance_id, certification_id, sequence, event_type, event_data, user_id, ip_address,
                      user_agent, previous_hash, hash)
        ON audit.certification_audit_log TO oversing_app, oversing_signer""")
    close("certification_audit_log")


def make_the_chain() -> None:
    """All events in the order of their commits, each link over the one before; its head leaves the database."""
    op.execute("""
        CREATE TABLE audit.audit_chain (
            sequence bigint PRIMARY KEY,
            event_id uuid NOT NULL UNIQUE,
            event_created_at timestamptz NOT NULL,
            hash bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )""")
    op.execute("GRANT SELECT ON audit.audit_chain TO oversing_app, oversing_clock, oversing_auditor")
    op.execute("GRANT INSERT (sequence, event_id, event_created_at, hash) ON audit.audit_chain TO oversing_clock")
    refuse_change("audit_chain")


def make_partitions() -> None:
    """One function makes the months ahead, each guarded like its parent. A default one keeps what has no month."""
    op.execute("""
        CREATE FUNCTION audit.guard_partition(partition_name text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
            EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.%I'
                           ' FOR EACH STATEMENT EXECUTE FUNCTION guard.refuse_change()', partition_name);
            EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_truncate', partition_name);
            EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_change', partition_name);
            EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', partition_name);
            EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', partition_name);
        END
        $$""")
    op.execute("REVOKE EXECUTE ON FUNCTION audit.guard_partition(text) FROM PUBLIC")
    op.execute("""
        CREATE FUNCTION audit.ensure_partitions(months_ahead integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        DECLARE
            parent text;
            month date;
            partition_name text;
            made integer := 0;
        BEGIN
            FOREACH parent IN ARRAY ARRAY['audit_events', 'certification_audit_log'] LOOP
                FOR ahead IN 0..least(months_ahead, 24) LOOP
                    month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date;
                    partition_name := parent || to_char(month, '_YYYY_MM');
                    CONTINUE WHEN to_regclass('audit.' || partition_name) IS NOT NULL;
                    BEGIN
                        EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (%L) TO (%L)',
                                       partition_name, parent, month::text || ' 00:00:00+00',
                                       (month + interval '1 month')::date::text || ' 00:00:00+00');
                        PERFORM audit.guard_partition(partition_name);
                        made := made + 1;
                    EXCEPTION WHEN check_violation THEN
                        -- Nobody made this month in time, and the default partition has rows of it: they stay there.
                        RAISE WARNING 'audit: % keeps its rows of % in the default partition', parent, month;
                    END;
                END LOOP;
            END LOOP;
            RETURN made;
        END
        $$""")
    op.execute("REVOKE EXECUTE ON FUNCTION audit.ensure_partitions(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION audit.ensure_partitions(integer) TO oversing_clock")
    for parent in PARTITIONED:
        op.execute(f"CREATE TABLE audit.{parent}_default PARTITION OF audit.{parent} DEFAULT")
        op.execute(f"SELECT audit.guard_partition('{parent}_default')")
    op.execute("SELECT audit.ensure_partitions(3)")


def close(table: str) -> None:
    """Rows of one's own organisation may be read; the auditor reads them all; nobody changes any."""
    op.execute(f"GRANT SELECT ON audit.{table} TO oversing_app, oversing_signer, oversing_auditor")
    op.execute(f"ALTER TABLE audit.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE audit.{table} FORCE ROW LEVEL SECURITY")
    op.execute(f"""CREATE POLICY tenant ON audit.{table} TO oversing_app, oversing_signer
                   USING ({TENANT}) WITH CHECK ({TENANT})""")
    op.execute(f"CREATE POLICY auditor ON audit.{table} FOR SELECT TO oversing_auditor USING (true)")
    refuse_change(table)


def refuse_change(table: str) -> None:
    op.execute(f"""CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.{table}
                   FOR EACH ROW EXECUTE FUNCTION guard.refuse_change()""")
    op.execute(f"""CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.{table}
                   FOR EACH STATEMENT EXECUTE FUNCTION guard.refuse_change()""")
    op.execute(f"ALTER TABLE audit.{table} ENABLE ALWAYS TRIGGER refuse_change")
    op.execute(f"ALTER TABLE audit.{table} ENABLE ALWAYS TRIGGER refuse_truncate")
