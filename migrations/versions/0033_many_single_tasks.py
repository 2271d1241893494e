"""Tell at the door whether somebody holds roles on thousands of single tasks: their lists are narrowed in another way.

With a few, an index finds the tasks by their ids; with thousands it is quicker to go through the newest tasks and to
look each up. Whether somebody holds a role on any task is looked up in an index now, not by going through all of them.
"""

from __future__ import annotations

from alembic import op

from migrations.row_security import TENANT

revision = "0033"
down_revision = "0032"

MANY = 2000

# Only as many are looked at as decide. A function of its own: PostgreSQL would plan the other anew in each request.
HOLDS_MANY = f"""
    CREATE FUNCTION holds_on_many_tasks(tenant uuid, person bigint, groups uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE STRICT AS $$
    BEGIN
        RETURN EXISTS (SELECT FROM public.access_grants AS own WHERE own.application_instance_id = tenant
                       AND own.user_id = person AND own.task_id IS NOT NULL
                       ORDER BY own.access_role_id, own.task_id OFFSET {MANY})
            OR EXISTS (SELECT FROM unnest(groups) AS theirs (id) CROSS JOIN LATERAL (
                           SELECT 1 FROM public.access_grants AS held WHERE held.application_instance_id = tenant
                           AND held.user_group_id = theirs.id AND held.task_id IS NOT NULL LIMIT {MANY + 1}
                       ) AS one OFFSET {MANY});
    END
    $$"""
ARGUMENTS = "uuid, bigint, uuid[]"
TELL_MANY = """
                'many_tasks', CASE WHEN EXISTS (SELECT FROM on_tasks)
                    THEN public.holds_on_many_tasks(tenant, person, ARRAY(SELECT id FROM groups)) ELSE false END,"""

ENTER = """
    CREATE OR REPLACE FUNCTION enter_application_instance(tenant uuid, person bigint, asked uuid[]) RETURNS jsonb
    LANGUAGE plpgsql STRICT AS $$
    DECLARE
        found jsonb;
    BEGIN
        PERFORM set_config('oversing.tenant', tenant::text, true);
        IF NOT EXISTS (SELECT FROM public.application_instance_users
                       WHERE <<T>> AND user_id = person AND deactivated_at IS NULL) THEN
            PERFORM set_config('oversing.tenant', '', true);  -- a stranger enters nothing
            RETURN NULL;
        END IF;
        WITH RECURSIVE groups (id) AS (
            SELECT user_group_id FROM public.user_group_members WHERE <<T>> AND user_id = person
            UNION
            SELECT member.user_group_id FROM public.user_group_members AS member
            JOIN groups ON groups.id = member.member_group_id WHERE <<T>>
        ), held AS (
            SELECT access_role_id, program_id FROM public.access_grants
            WHERE <<T>> AND user_id = person AND task_id IS NULL
            UNION
            SELECT access_role_id, program_id FROM public.access_grants
            JOIN groups ON groups.id = user_group_id WHERE <<T>> AND task_id IS NULL
        ), below (access_role_id, program_id) AS (
            SELECT access_role_id, program_id FROM held WHERE program_id IS NOT NULL
            UNION
            SELECT below.access_role_id, child.id FROM public.programs AS child
            JOIN below ON below.program_id = child.parent_id WHERE <<T>>
        ), on_tasks (access_role_id) AS (  -- one look into the index for each role, however many tasks there are
            SELECT role.id FROM public.access_roles AS role CROSS JOIN LATERAL (
                SELECT 1 FROM public.access_grants AS own WHERE own.application_instance_id = tenant
                AND own.user_id = person AND own.access_role_id = role.id AND own.task_id IS NOT NULL <<O>>LIMIT 1
            ) AS one WHERE <<T>>
            UNION
            SELECT role.id FROM public.access_roles AS role CROSS JOIN groups CROSS JOIN LATERAL (
                SELECT 1 FROM public.access_grants AS theirs WHERE theirs.application_instance_id = tenant
                AND theirs.user_group_id = groups.id AND theirs.access_role_id = role.id
                AND theirs.task_id IS NOT NULL <<P>>LIMIT 1
            ) AS one WHERE <<T>>
        ), named (task_id) AS (
            SELECT unnest(asked)
            UNION
            SELECT task_id FROM runcible.certifications WHERE <<T>> AND id = ANY (asked) AND task_id IS NOT NULL
        ), around (place) AS (  -- a task lies in its program, which is none itself
            SELECT task_id FROM named
            UNION
            SELECT program_id FROM public.tasks WHERE <<T>> AND id IN (SELECT task_id FROM named)
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
                                WHERE <<T>> AND access_role_id = role.id),
                'everywhere', EXISTS (SELECT FROM held WHERE held.access_role_id = role.id
                                      AND program_id IS NULL),
                'places', (SELECT coalesce(jsonb_agg(program_id), '[]') FROM below
                           WHERE below.access_role_id = role.id),
                'on_tasks', role.id IN (SELECT access_role_id FROM on_tasks)
            ) ORDER BY role.name), '[]'),
            <<M>>'groups', (SELECT coalesce(jsonb_agg(id), '[]') FROM groups),
            'known', (SELECT coalesce(jsonb_object_agg(place, known.roles), '{}') FROM known)
        )
        INTO found FROM public.access_roles AS role
        WHERE <<T>> AND role.id IN (SELECT access_role_id FROM held UNION SELECT access_role_id FROM on_tasks);
        RETURN found;
    END
    $$"""


def upgrade() -> None:
    op.execute(HOLDS_MANY)
    op.execute(f"REVOKE EXECUTE ON FUNCTION holds_on_many_tasks({ARGUMENTS}) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION holds_on_many_tasks({ARGUMENTS}) TO oversing_app")
    op.execute(_enter(TELL_MANY, in_order=True))


def downgrade() -> None:
    op.execute(_enter(""))
    op.execute(f"DROP FUNCTION holds_on_many_tasks({ARGUMENTS})")


def _enter(more: str, *, in_order: bool = False) -> str:
    """The function. In the order of an index one look is enough; without, PostgreSQL may go through the table."""
    own, theirs = ("ORDER BY own.task_id ", "ORDER BY theirs.task_id ") if in_order else ("", "")
    filled = ENTER.replace("<<T>>", TENANT).replace("<<M>>", more)
    return filled.replace("<<O>>", own).replace("<<P>>", theirs)
