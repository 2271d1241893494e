"""How a table becomes a tenant's: one policy, and grants to those who work with it."""

from __future__ import annotations

from alembic import op

TENANT = "application_instance_id = (SELECT nullif(current_setting('oversing.tenant', true), '')::uuid)"


def tenant_table(table: str, **grants: str) -> None:
    """Show rows of `table` to the current organisation only; `grants` maps a role to what it may do, as app="SELECT".

    A role is named by what follows `oversing_`. FORCE binds the owner too: a migration sees no more than others.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({TENANT}) WITH CHECK ({TENANT})")
    grant(table, **grants)


def across_tenants(table: str, role: str, command: str = "SELECT") -> None:
    """Let one role of the system see the rows of every organisation in `table`."""
    check = " WITH CHECK (true)" if command == "UPDATE" else ""
    op.execute(
        f"CREATE POLICY {role}_{command.lower()} ON {table} FOR {command} TO oversing_{role} USING (true){check}"
    )


def grant(table: str, **grants: str) -> None:
    """Give roles their privileges on `table`; `grants` maps the part after `oversing_` to a list of privileges."""
    for role, privileges in grants.items():
        op.execute(f"GRANT {privileges} ON {table} TO oversing_{role}")
