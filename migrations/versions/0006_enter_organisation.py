"""Enter an organisation and learn what one may do there in one step, as each request begins with it."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION enter_application_instance(tenant uuid, person bigint) RETURNS jsonb
        LANGUAGE plpgsql STRICT AS $$
        DECLARE
            roles jsonb;
        BEGIN
            PERFORM set_config('oversing.tenant', tenant::text, true);
            SELECT jsonb_agg(jsonb_build_object('name', held.name, 'permissions', held.permissions) ORDER BY held.name)
            INTO roles
            FROM (
                SELECT role.name, jsonb_agg(allowed.permission) AS permissions
                FROM public.access_grants AS given
                JOIN public.application_instance_users AS member USING (application_instance_id, user_id)
                JOIN public.access_roles AS role ON role.id = given.access_role_id
                JOIN public.access_permissions AS allowed ON allowed.access_role_id = role.id
                WHERE given.application_instance_id = tenant AND given.user_id = person
                  AND member.deactivated_at IS NULL
                GROUP BY role.id, role.name
            ) AS held;
            IF roles IS NULL THEN
                PERFORM set_config('oversing.tenant', '', true);  -- a stranger enters nothing
            END IF;
            RETURN roles;
        END
        $$""")
    op.execute("REVOKE EXECUTE ON FUNCTION enter_application_instance(uuid, bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION enter_application_instance(uuid, bigint) TO oversing_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION enter_application_instance(uuid, bigint)")
