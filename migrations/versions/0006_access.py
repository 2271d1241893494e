"""Make access what auditors ask for: groups, roles in a program or on a task, programs in programs, and one door.

A grant of before holds throughout the organisation, and stays as it is. Processes of the release before this one take
every grant to a person for such a one: give roles in a program or on a task once all processes are new.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import TENANT, tenant_table

revision = "0006"
down_revision = "0005"

EDIT = "SELECT, INSERT, UPDATE, DELETE"

# What the roles that were shipped until now had, and the roles that are shipped from now on.
OF_BEFORE = ("owner", "member", "viewer")
OF_NOW = (
    ("admin", "Admin", "Runs the organisation: people, roles, keys, settings."),
    ("manager", "Manager", "Leads programs: everything about work, and who takes part in it."),
    ("reviewer", "Reviewer", "Reads everything about work, comments, and takes certificates back."),
    ("auditor", "Auditor", "Reads everything, the audit trail and who may do what too."),
)
DESCRIBED = {
    "owner": "May do everything, and answers for the organisation.",
    "member": "Does the work: programs, tasks, certifications.",
    "viewer": "Reads programs, tasks and certifications.",
}
VIEWING = (
    *("program.view", "task.view", "certification.view", "policy.view", "user.view", "user_group.view"),
    *("access_role.view", "api_key.view_own"),
)
WORKING = (
    *("program.create", "program.update", "task.create", "task.update", "task.delete", "task.assign", "task.move"),
    *("task.comment", "certification.create", "api_key.create"),
)
LEADING = ("program.delete", "certification.revoke", "user.invite", "access_grant.create")
RUNNING = (
    *("user.update", "user.deactivate", "user_group.update", "access_role.update", "api_key.view", "api_key.revoke"),
    *("audit_event.view", "audit_event.export", "application_instance.update"),
)
PERMISSIONS = {
    "owner": (*VIEWING, *WORKING, *LEADING, *RUNNING, "application_instance.delete"),
    "admin": (*VIEWING, *WORKING, *LEADING, *RUNNING),
    "manager": (*VIEWING, *WORKING, *LEADING),
    "member": (*VIEWING, *WORKING),
    "reviewer": (*VIEWING, "task.comment", "certification.revoke", "api_key.create"),
    "auditor": (*VIEWING, "api_key.view", "audit_event.view", "audit_event.export"),
    "viewer": VIEWING,
}
MANAGED = {
    "admin": ("admin", "manager", "member", "reviewer", "auditor", "viewer"),
    "manager": ("member", "reviewer", "viewer"),
}


def upgrade() -> None:
    put_programs_into_programs()
    make_groups()
    widen_grants()
    widen_roles()
    make_the_door()
    for tenant in organisations():
        ship_roles(tenant)


def put_programs_into_programs() -> None:
    op.execute("""
        ALTER TABLE programs
            ADD parent_id uuid,
            ADD CONSTRAINT programs_parent_is_here FOREIGN KEY (application_instance_id, parent_id)
                REFERENCES programs (application_instance_id, id)""")
    op.execute("CREATE INDEX ON programs (application_instance_id, parent_id)")
    refuse_cycles("programs", "id", "parent_id", "programs_have_no_cycle")


def make_groups() -> None:
    op.execute("""
        CREATE TABLE user_groups (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            name varchar(100) NOT NULL,
            description text NOT NULL DEFAULT '',
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            UNIQUE (application_instance_id, id)
        )""")
    op.execute("CREATE UNIQUE INDEX user_groups_name_is_unique ON user_groups (application_instance_id, lower(name))")
    tenant_table("user_groups", app=EDIT)
    op.execute("""
        CREATE TABLE user_group_members (
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),
            user_group_id uuid NOT NULL,
            user_id bigint,
            member_group_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT user_group_members_are_one_thing CHECK (num_nonnulls(user_id, member_group_id) = 1),
            UNIQUE (application_instance_id, id),
            CONSTRAINT user_group_members_are_unique
                UNIQUE NULLS NOT DISTINCT (application_instance_id, user_group_id, user_id, member_group_id),
            FOREIGN KEY (application_instance_id, user_group_id) REFERENCES user_groups (application_instance_id, id)
                ON DELETE CASCADE,
            FOREIGN KEY (application_instance_id, member_group_id) REFERENCES user_groups (application_instance_id, id)
                ON DELETE CASCADE,
            FOREIGN KEY (application_instance_id, user_id)
                REFERENCES application_instance_users (application_instance_id, user_id)
        )""")
    op.execute("CREATE INDEX ON user_group_members (application_instance_id, user_id)")
    op.execute("CREATE INDEX ON user_group_members (application_instance_id, member_group_id)")
    tenant_table("user_group_members", app=EDIT)
    refuse_cycles("user_group_members", "member_group_id", "user_group_id", "user_groups_have_no_cycle")


def refuse_cycles(table: str, below: str, above: str, constraint: str) -> None:
    """Let nothing come to stand above itself. One at a time: two changes that fit apart may not fit together."""
    op.execute(f"""
        CREATE FUNCTION {constraint}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('{constraint}' || NEW.application_instance_id::text, 0));
            IF EXISTS (
                WITH RECURSIVE higher (id) AS (
                    SELECT NEW.{above}
                    UNION
                    SELECT row.{above} FROM public.{table} AS row JOIN higher ON row.{below} = higher.id
                    WHERE row.application_instance_id = NEW.application_instance_id AND row.{above} IS NOT NULL
                )
                SELECT FROM higher WHERE id = NEW.{below}
            ) THEN
                RAISE EXCEPTION 'a cycle' USING ERRCODE = '23514', CONSTRAINT = '{constraint}';
            END IF;
            RETURN NEW;
        END
        $$""")
    op.execute(f"""
        CREATE TRIGGER {constraint} BEFORE INSERT OR UPDATE OF {above}, {below} ON {table}
        FOR EACH ROW WHEN (NEW.{above} IS NOT NULL AND NEW.{below} IS NOT NULL) EXECUTE FUNCTION {constraint}()""")


def widen_grants() -> None:
    op.execute("""
        ALTER TABLE access_grants
            ALTER user_id DROP NOT NULL,
            ADD user_group_id uuid,
            ADD program_id uuid,
            ADD task_id uuid,
            ADD granted_by_user_id bigint REFERENCES users (user_id),
            DROP CONSTRAINT access_grants_application_instance_id_user_id_access_role_i_key,
            ADD CONSTRAINT access_grants_are_unique UNIQUE NULLS NOT DISTINCT
                (application_instance_id, user_id, user_group_id, access_role_id, program_id, task_id),
            ADD CONSTRAINT access_grants_are_somebodys CHECK (num_nonnulls(user_id, user_group_id) = 1),
            ADD CONSTRAINT access_grants_hold_in_one_place CHECK (num_nonnulls(program_id, task_id) <= 1),
            ADD FOREIGN KEY (application_instance_id, user_group_id)
                REFERENCES user_groups (application_instance_id, id) ON DELETE CASCADE,
            ADD FOREIGN KEY (application_instance_id, program_id) REFERENCES programs (application_instance_id, id),
            ADD FOREIGN KEY (application_instance_id, task_id) REFERENCES tasks (application_instance_id, id)""")
    for column in ("user_group_id", "program_id", "task_id", "access_role_id"):
        op.execute(f"CREATE INDEX ON access_grants (application_instance_id, {column})")


def widen_roles() -> None:
    op.execute("""
        ALTER TABLE access_roles
            ADD description text NOT NULL DEFAULT '',
            ADD is_shipped boolean NOT NULL DEFAULT false,
            ADD manages_every_role boolean NOT NULL DEFAULT false,
            ADD managed_role_ids uuid[] NOT NULL DEFAULT '{}',
            ADD version integer NOT NULL DEFAULT 1,
            ADD updated_at timestamptz NOT NULL DEFAULT now()""")


def make_the_door() -> None:
    """Entering an organisation and learning what one may do there takes one step, as each request begins with it."""
    op.execute(f"""
        CREATE FUNCTION enter_application_instance(tenant uuid, person bigint) RETURNS jsonb
        LANGUAGE plpgsql STRICT AS $$
        DECLARE
            roles jsonb;
        BEGIN
            PERFORM set_config('oversing.tenant', tenant::text, true);
            IF NOT EXISTS (SELECT FROM public.application_instance_users
                           WHERE {TENANT} AND user_id = person AND deactivated_at IS NULL) THEN
                PERFORM set_config('oversing.tenant', '', true);  -- a stranger enters nothing
                RETURN NULL;
            END IF;
            WITH RECURSIVE groups (id) AS (
                SELECT user_group_id FROM public.user_group_members WHERE {TENANT} AND user_id = person
                UNION
                SELECT member.user_group_id FROM public.user_group_members AS member
                JOIN groups ON groups.id = member.member_group_id WHERE {TENANT}
            ), held AS (
                SELECT access_role_id, program_id, task_id FROM public.access_grants
                WHERE {TENANT} AND user_id = person
                UNION
                SELECT access_role_id, program_id, task_id FROM public.access_grants
                JOIN groups ON groups.id = user_group_id WHERE {TENANT}
            ), below (access_role_id, program_id) AS (
                SELECT access_role_id, program_id FROM held WHERE program_id IS NOT NULL
                UNION
                SELECT below.access_role_id, child.id FROM public.programs AS child
                JOIN below ON below.program_id = child.parent_id WHERE {TENANT}
            ), places (access_role_id, ids) AS (
                SELECT access_role_id, jsonb_agg(place) FROM (
                    SELECT access_role_id, program_id AS place FROM below
                    UNION ALL
                    SELECT access_role_id, task_id FROM held WHERE task_id IS NOT NULL
                ) AS every GROUP BY access_role_id
            )
            SELECT jsonb_agg(jsonb_build_object(
                'name', role.name,
                'permissions', (SELECT coalesce(jsonb_agg(permission), '[]') FROM public.access_permissions
                                WHERE {TENANT} AND access_role_id = role.id),
                'everywhere', EXISTS (SELECT FROM held WHERE held.access_role_id = role.id
                                      AND program_id IS NULL AND task_id IS NULL),
                'places', coalesce((SELECT ids FROM places WHERE places.access_role_id = role.id), '[]')
            ) ORDER BY role.name)
            INTO roles FROM public.access_roles AS role
            WHERE {TENANT} AND role.id IN (SELECT access_role_id FROM held);
            RETURN coalesce(roles, '[]');
        END
        $$""")
    op.execute("REVOKE EXECUTE ON FUNCTION enter_application_instance(uuid, bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION enter_application_instance(uuid, bigint) TO oversing_app")


def organisations() -> list[str]:
    return [str(row.id) for row in op.get_bind().exec_driver_sql("SELECT id FROM application_instances")]


def ship_roles(tenant: str) -> None:
    """Give an organisation the roles that every new one starts with. Its own permissions stay beside the shipped."""
    op.execute(f"SELECT set_config('oversing.tenant', '{tenant}', true)")
    for key, name, description in OF_NOW:
        op.execute(f"""
            INSERT INTO access_roles (id, application_instance_id, key, name, description)
            VALUES (gen_random_uuid(), '{tenant}', '{key}', '{name}', '{description}') ON CONFLICT DO NOTHING""")
    for key, description in DESCRIBED.items():
        op.execute(f"UPDATE access_roles SET description = '{description}' WHERE key = '{key}' AND {TENANT}")
    # Seeing all keys and people was everybody's; it is now of those who run the organisation.
    op.execute(f"""
        DELETE FROM access_permissions WHERE {TENANT} AND permission = 'api_key.view' AND access_role_id IN
            (SELECT id FROM access_roles WHERE key IN ('member', 'viewer') AND {TENANT})""")
    for key, permissions in PERMISSIONS.items():
        for permission in permissions:
            op.execute(f"""
                INSERT INTO access_permissions (application_instance_id, access_role_id, permission)
                SELECT '{tenant}', id, '{permission}' FROM access_roles WHERE key = '{key}' AND {TENANT}
                ON CONFLICT DO NOTHING""")
        managed = ", ".join(f"'{each}'" for each in MANAGED.get(key, ())) or "NULL"
        op.execute(f"""
            UPDATE access_roles SET is_shipped = true, manages_every_role = ('{key}' = 'owner'), managed_role_ids =
                coalesce((SELECT array_agg(id) FROM access_roles WHERE key IN ({managed}) AND {TENANT}), '{{}}')
            WHERE key = '{key}' AND {TENANT}""")
    op.execute("SELECT set_config('oversing.tenant', '', true)")


def downgrade() -> None:
    """Back to one kind of grant: those to groups, in programs and on tasks go, and with them what they allowed."""
    op.execute("DROP FUNCTION enter_application_instance(uuid, bigint)")
    for tenant in organisations():
        take_back_roles(tenant)
    op.execute("""
        ALTER TABLE access_roles DROP description, DROP is_shipped, DROP manages_every_role, DROP managed_role_ids,
            DROP version, DROP updated_at""")
    op.execute("""
        ALTER TABLE access_grants DROP user_group_id, DROP program_id, DROP task_id, DROP granted_by_user_id,
            ALTER user_id SET NOT NULL, ADD UNIQUE (application_instance_id, user_id, access_role_id)""")
    op.execute("DROP TABLE user_group_members, user_groups")
    op.execute("DROP TRIGGER programs_have_no_cycle ON programs")
    op.execute("ALTER TABLE programs DROP parent_id")
    op.execute("DROP FUNCTION programs_have_no_cycle, user_groups_have_no_cycle")


def take_back_roles(tenant: str) -> None:
    op.execute(f"SELECT set_config('oversing.tenant', '{tenant}', true)")
    op.execute(f"""
        DELETE FROM access_grants WHERE {TENANT}
            AND (user_id IS NULL OR program_id IS NOT NULL OR task_id IS NOT NULL)""")
    op.execute("SELECT set_config('oversing.tenant', '', true)")
