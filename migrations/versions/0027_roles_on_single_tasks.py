"""Tell at the door which roles somebody holds on single tasks, and look at the tasks themselves only when asked.

Somebody may hold a role on ten thousand tasks; to tell all of them in every request took 76 ms. The function with two
arguments stays for the code of before.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import TENANT

revision = "0027"
down_revision = "0026"

ARGUMENTS = "uuid, bigint, uuid[]"
INDEXES = {
    "access_grants_of_people": "(application_instance_id, user_id) WHERE task_id IS NULL",
    "access_grants_of_groups": "(application_instance_id, user_group_id) WHERE task_id IS NULL",
    "access_grants_of_people_on_tasks": (
        "(application_instance_id, user_id, access_role_id, task_id) WHERE task_id IS NOT NULL"
    ),
    "access_grants_of_groups_on_tasks": (
        "(application_instance_id, user_group_id, access_role_id, task_id) WHERE task_id IS NOT NULL"
    ),
}


def upgrade() -> None:
    for name, what in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON access_grants {what}")
    op.execute(f"""
        CREATE FUNCTION enter_application_instance(tenant uuid, person bigint, asked uuid[]) RETURNS jsonb
        LANGUAGE plpgsql STRICT AS $$
        DECLARE
            found jsonb;
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
                SELECT access_role_id, program_id FROM public.access_grants
                WHERE {TENANT} AND user_id = person AND task_id IS NULL
                UNION
                SELECT access_role_id, program_id FROM public.access_grants
                JOIN groups ON groups.id = user_group_id WHERE {TENANT} AND task_id IS NULL
            ), below (access_role_id, program_id) AS (
                SELECT access_role_id, program_id FROM held WHERE program_id IS NOT NULL
                UNION
                SELECT below.access_role_id, child.id FROM public.programs AS child
                JOIN below ON below.program_id = child.parent_id WHERE {TENANT}
            ), on_tasks (access_role_id) AS (  -- one look into the index for each role, however many tasks there are
                SELECT role.id FROM public.access_roles AS role CROSS JOIN LATERAL (
                    SELECT 1 FROM public.access_grants AS own WHERE own.application_instance_id = tenant
                    AND own.user_id = person AND own.access_role_id = role.id AND own.task_id IS NOT NULL LIMIT 1
                ) AS one WHERE {TENANT}
                UNION
                SELECT role.id FROM public.access_roles AS role CROSS JOIN groups CROSS JOIN LATERAL (
                    SELECT 1 FROM public.access_grants AS theirs WHERE theirs.application_instance_id = tenant
                    AND theirs.user_group_id = groups.id AND theirs.access_role_id = role.id
                    AND theirs.task_id IS NOT NULL LIMIT 1
                ) AS one WHERE {TENANT}
            ), named (task_id) AS (
                SELECT unnest(asked)
                UNION
                SELECT task_id FROM runcible.certifications WHERE {TENANT} AND id = ANY (asked) AND task_id IS NOT NULL
            ), around (place) AS (  -- a task lies in its program, which is none itself
                SELECT task_id FROM named
                UNION
                SELECT program_id FROM public.tasks WHERE {TENANT} AND id IN (SELECT task_id FROM named)
            ), known AS (
                SELECT around.place, coalesce(jsonb_agg(DISTINCT here.access_role_id)
                                               FILTER (WHERE here.access_role_id IS NOT NULL), '[]') AS roles
                FROM around LEFT JOIN public.access_grants AS here
                    ON here.application_instance_id = tenant AND here.task_id = around.place
                    AND (here.user_id = person OR here.user_group_id IN (SELECT id FROM groups))
                GROUP BY around.place
            )
            SELECT jsonb_build_object(
                'roles', coalesce(jsonb_agg(jsonb_build_object(
                    'id', role.id,
                    'name', role.name,
                    'permissions', (SELECT coalesce(jsonb_agg(permission), '[]') FROM public.access_permissions
                                    WHERE {TENANT} AND access_role_id = role.id),
                    'everywhere', EXISTS (SELECT FROM held WHERE held.access_role_id = role.id
                                          AND program_id IS NULL),
                    'places', (SELECT coalesce(jsonb_agg(program_id), '[]') FROM below
                               WHERE below.access_role_id = role.id),
                    'on_tasks', role.id IN (SELECT access_role_id FROM on_tasks)
                ) ORDER BY role.name), '[]'),
                'groups', (SELECT coalesce(jsonb_agg(id), '[]') FROM groups),
                'known', (SELECT coalesce(jsonb_object_agg(place, known.roles), '{{}}') FROM known)
            )
            INTO found FROM public.access_roles AS role
            WHERE {TENANT} AND role.id IN (SELECT access_role_id FROM held UNION SELECT access_role_id FROM on_tasks);
            RETURN found;
        END
        $$""")
    op.execute(f"REVOKE EXECUTE ON FUNCTION enter_application_instance({ARGUMENTS}) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION enter_application_instance({ARGUMENTS}) TO oversing_app")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION enter_application_instance({ARGUMENTS})")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
