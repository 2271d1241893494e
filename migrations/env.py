"""How Alembic reaches the database: as its owner, one transaction for all steps, never waiting long for a lock."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool, text

from app.config import Settings
from app.core.database import Base


def run() -> None:
    url = context.config.attributes.get("url") or Settings().migration_database_url
    if not url:
        raise SystemExit("Set MIGRATION_DATABASE_URL to the database as its owner, oversing_owner.")
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
