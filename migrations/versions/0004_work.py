"""Make the work itself: programs, tasks, the workflow that tasks move along, assignments and comments."""

from __future__ import annotations

from alembic import op

from migrations.row_security import tenant_table

revision = "0004"
down_revision = "0003"

EDIT = "SELECT, INSERT, UPDATE, DELETE"
TENANT_ROW = """
            id uuid PRIMARY KEY,
            application_instance_id uuid NOT NULL REFERENCES application_instances (id),"""
EDITED = """
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL"""


def upgrade() -> None:
    make_workflows()
    op.execute(f"""
        CREATE TABLE programs ({TENANT_ROW}
            key varchar(10) NOT NULL CHECK (key ~ '^[A-Z][A-Z0-9]*$'),
            name varchar(200) NOT NULL,
            description text NOT NULL DEFAULT '',
            last_task_number integer NOT NULL DEFAULT 0,
            deleted_at timestamptz,
            deleted_by_user_id bigint REFERENCES users (user_id),{EDITED},
            UNIQUE (application_instance_id, id),
            CONSTRAINT programs_key_is_unique UNIQUE (application_instance_id, key)
        )""")
    tenant_table("programs", app=EDIT)
    make_tasks()


def make_workflows() -> None:
    op.execute(f"""
        CREATE TABLE workflows ({TENANT_ROW}
            key varchar(63) NOT NULL,
            name varchar(200) NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, key, version)
        )""")
    tenant_table("workflows", app=EDIT)
    op.execute(f"""
        CREATE TABLE workflow_states ({TENANT_ROW}
            workflow_id uuid NOT NULL,
            key varchar(63) NOT NULL,
            name varchar(100) NOT NULL,
            state_group varchar(20) NOT NULL
                CHECK (state_group IN ('triage', 'backlog', 'unstarted', 'started', 'done', 'cancelled')),
            position integer NOT NULL,
            is_initial boolean NOT NULL DEFAULT false,
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, workflow_id, id),
            UNIQUE (application_instance_id, workflow_id, key),
            FOREIGN KEY (application_instance_id, workflow_id) REFERENCES workflows (application_instance_id, id)
        )""")
    op.execute("CREATE UNIQUE INDEX ON workflow_states (workflow_id) WHERE is_initial")
    tenant_table("workflow_states", app=EDIT)
    op.execute(f"""
        CREATE TABLE workflow_transitions ({TENANT_ROW}
            workflow_id uuid NOT NULL,
            from_state_id uuid NOT NULL,
            to_state_id uuid NOT NULL CHECK (to_state_id <> from_state_id),
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, from_state_id, to_state_id),
            FOREIGN KEY (application_instance_id, workflow_id, from_state_id)
                REFERENCES workflow_states (application_instance_id, workflow_id, id),
            FOREIGN KEY (application_instance_id, workflow_id, to_state_id)
                REFERENCES workflow_states (application_instance_id, workflow_id, id)
        )""")
    tenant_table("workflow_transitions", app=EDIT)
    op.execute(f"""
        CREATE TABLE workflow_instances ({TENANT_ROW}
            workflow_id uuid NOT NULL,
            state_id uuid NOT NULL,
            entered_state_at timestamptz NOT NULL,
            UNIQUE (application_instance_id, id),
            FOREIGN KEY (application_instance_id, workflow_id, state_id)
                REFERENCES workflow_states (application_instance_id, workflow_id, id)
        )""")
    tenant_table("workflow_instances", app=EDIT)


def make_tasks() -> None:
    op.execute(f"""
        CREATE TABLE tasks ({TENANT_ROW}
            program_id uuid NOT NULL,
            number integer NOT NULL CHECK (number > 0),
            name varchar(200) NOT NULL,
            description text NOT NULL DEFAULT '',
            estimate_minutes integer CHECK (estimate_minutes BETWEEN 0 AND 1000000),
            workflow_instance_id uuid NOT NULL,
            created_by_user_id bigint REFERENCES users (user_id),
            deleted_at timestamptz,
            deleted_by_user_id bigint REFERENCES users (user_id),{EDITED},
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, workflow_instance_id),
            CONSTRAINT tasks_number_is_unique UNIQUE (application_instance_id, program_id, number),
            FOREIGN KEY (application_instance_id, program_id) REFERENCES programs (application_instance_id, id),
            FOREIGN KEY (application_instance_id, workflow_instance_id)
                REFERENCES workflow_instances (application_instance_id, id)
        )""")
    op.execute("CREATE INDEX tasks_listed ON tasks (application_instance_id, id) WHERE deleted_at IS NULL")
    op.execute("CREATE INDEX tasks_of_program ON tasks (application_instance_id, program_id, id)")
    tenant_table("tasks", app=EDIT, signer="SELECT")
    op.execute(f"""
        CREATE TABLE task_assignments ({TENANT_ROW}
            task_id uuid NOT NULL,
            user_id bigint NOT NULL,
            assigned_by_user_id bigint REFERENCES users (user_id),
            created_at timestamptz NOT NULL,
            UNIQUE (application_instance_id, id),
            UNIQUE (application_instance_id, task_id, user_id),
            FOREIGN KEY (application_instance_id, task_id) REFERENCES tasks (application_instance_id, id),
            FOREIGN KEY (application_instance_id, user_id)
                REFERENCES application_instance_users (application_instance_id, user_id)
        )""")
    op.execute("CREATE INDEX ON task_assignments (application_instance_id, user_id)")
    tenant_table("task_assignments", app=EDIT)
    op.execute(f"""
        CREATE TABLE task_comments ({TENANT_ROW}
            task_id uuid NOT NULL,
            author_user_id bigint REFERENCES users (user_id),
            body text NOT NULL,
            created_at timestamptz NOT NULL,
            UNIQUE (application_instance_id, id),
            FOREIGN KEY (application_instance_id, task_id) REFERENCES tasks (application_instance_id, id)
        )""")
    op.execute("CREATE INDEX ON task_comments (application_instance_id, task_id, id)")
    tenant_table("task_comments", app=EDIT)


def downgrade() -> None:
    for table in (
        "task_comments",
        "task_assignments",
        "tasks",
        "programs",
        "workflow_instances",
        "workflow_transitions",
        "workflow_states",
        "workflows",
    ):
        op.execute(f"DROP TABLE {table}")
