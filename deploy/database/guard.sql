-- The last guard of the audit trail. Run by a superuser, as often as you like, after migrations.
--
-- Triggers on the audit tables refuse UPDATE, DELETE and TRUNCATE. This file refuses to take those triggers away:
-- the functions move to the superuser, event triggers refuse DDL on what they protect, and the owner of the database
-- loses its membership in oversing_audit, so that only audit.ensure_partitions() still acts as that role.

-- The event triggers would refuse this very file; they are off until its last lines.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT evtname FROM pg_event_trigger WHERE evtname IN ('oversing_audit_ddl', 'oversing_audit_drop') LOOP
        EXECUTE format('ALTER EVENT TRIGGER %I DISABLE', name);
    END LOOP;
END
$$;

REVOKE oversing_audit FROM oversing_owner;

ALTER SCHEMA guard OWNER TO CURRENT_USER;
ALTER FUNCTION guard.refuse_change() OWNER TO CURRENT_USER;
REVOKE CREATE ON SCHEMA guard FROM PUBLIC, oversing_owner, oversing_audit;
GRANT USAGE ON SCHEMA guard TO oversing_owner, oversing_audit;

-- A temporary table stands in front of a real one of the same name, for whoever could be made to create it.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

CREATE OR REPLACE FUNCTION guard.refuse_audit_ddl() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    command record;
BEGIN
    IF current_user = 'oversing_audit' THEN
        RETURN;
    END IF;
    FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
        IF command.schema_name IN ('audit', 'guard') OR command.object_identity ~ '\m(audit|guard)\.'
            OR (command.object_type = 'schema' AND command.object_identity IN ('audit', 'guard'))
        THEN
            RAISE EXCEPTION 'append-only: % on % is refused', tg_tag, command.object_identity USING ERRCODE = '42501';
        END IF;
    END LOOP;
    -- Whatever was renamed or moved away does not bear the old name any more: so see that all is in its place.
    IF (SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'audit'
        AND relname IN ('audit_events', 'audit_event_keys', 'audit_chain', 'certification_audit_log')) < 4
        OR NOT EXISTS (SELECT FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
                       WHERE nspname = 'guard' AND proname = 'refuse_change')
        OR EXISTS (SELECT FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent
                   JOIN pg_class AS child ON child.oid = inhrelid
                   JOIN pg_namespace ON pg_namespace.oid = parent.relnamespace
                   WHERE nspname = 'audit' AND child.relnamespace <> parent.relnamespace)
    THEN
        RAISE EXCEPTION 'append-only: % would take a part of the audit trail away', tg_tag USING ERRCODE = '42501';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION guard.refuse_audit_drop() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    dropped record;
BEGIN
    FOR dropped IN SELECT * FROM pg_event_trigger_dropped_objects() LOOP
        IF dropped.schema_name IN ('audit', 'guard') OR dropped.object_identity ~ '\m(audit|guard)\.'
            OR (dropped.object_type = 'schema' AND dropped.object_name IN ('audit', 'guard'))
        THEN
            RAISE EXCEPTION 'append-only: dropping % is refused', dropped.object_identity USING ERRCODE = '42501';
        END IF;
    END LOOP;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'oversing_audit_ddl') THEN
        CREATE EVENT TRIGGER oversing_audit_ddl ON ddl_command_end EXECUTE FUNCTION guard.refuse_audit_ddl();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'oversing_audit_drop') THEN
        CREATE EVENT TRIGGER oversing_audit_drop ON sql_drop EXECUTE FUNCTION guard.refuse_audit_drop();
    END IF;
END
$$;
ALTER EVENT TRIGGER oversing_audit_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER oversing_audit_drop ENABLE ALWAYS;
