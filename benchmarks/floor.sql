-- The floor's own tables for inserts of the same size: a primary key and nothing else.
CREATE SCHEMA floor;
CREATE TABLE floor.tasks (
    id uuid PRIMARY KEY,
    tenant_id uuid,
    program_id uuid,
    name text,
    description text,
    estimate_minutes integer,
    created_at timestamptz DEFAULT now()
);
CREATE TABLE floor.certifications (
    id uuid PRIMARY KEY,
    tenant_id uuid,
    policy_id uuid,
    output_content text,
    llm_provider text,
    model_name text,
    input text,
    created_at timestamptz DEFAULT now()
);
