-- The roles of Oversing's database. Run by a superuser, as often as you like, before migrations.
-- Passwords are set by whoever keeps them: ALTER ROLE oversing_app PASSWORD '...'.
--
--   oversing_owner    owns the schemas public and runcible, runs migrations
--   oversing_audit    owns the schema audit; nobody logs in as it (deploy/database/guard.sql takes it from the owner again)
--   oversing_app      web, live, worker: bound by row-level security, owns nothing
--   oversing_signer   the signing process: reads what it signs, writes what it signed
--   oversing_clock    relay, sweeper, partitions, audit chain: sees ids across tenants on a few named tables
--   oversing_auditor  reads the audit trail of every tenant, writes nothing

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['oversing_owner', 'oversing_app', 'oversing_signer', 'oversing_clock', 'oversing_auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION', name);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'oversing_audit') THEN
        CREATE ROLE oversing_audit NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION;
    END IF;
END
$$;

-- Only while migrations run. The guard revokes it.
GRANT oversing_audit TO oversing_owner;

-- Nobody waits for ever: a page gives up sooner than a job.
ALTER ROLE oversing_app SET statement_timeout = '30s';
ALTER ROLE oversing_app SET lock_timeout = '5s';
ALTER ROLE oversing_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE oversing_signer SET statement_timeout = '60s';
ALTER ROLE oversing_signer SET lock_timeout = '5s';
ALTER ROLE oversing_signer SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE oversing_clock SET statement_timeout = '60s';
ALTER ROLE oversing_clock SET lock_timeout = '5s';
ALTER ROLE oversing_auditor SET default_transaction_read_only = 'on';
