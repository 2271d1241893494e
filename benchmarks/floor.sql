-- The floor's own table for an insert of the same size: a primary key and nothing else.
CREATE SCHEMA floor;
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
