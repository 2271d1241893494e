"""The readiness of each part: what answers, what is missing, and how bad that is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import heartbeats
from app.core.database import db

VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"

_GUARDS = text("""
    SELECT
        (SELECT count(*) = 2 FROM pg_event_trigger
          WHERE evtname IN ('oversing_audit_ddl', 'oversing_audit_drop') AND evtenabled = 'A') AS event_triggers,
        (SELECT bool_and(tgenabled = 'A') AND count(*) > 0 FROM pg_trigger
          WHERE tgname IN ('refuse_change', 'refuse_truncate')) AS audit_triggers,
        NOT pg_has_role('oversing_owner', 'oversing_audit', 'MEMBER') AS owner_is_kept_out,
        (SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user) AS row_security_binds,
        (SELECT count(*) >= 2 FROM pg_class WHERE relname IN (
            'audit_events' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', '_YYYY_MM'),
            'certification_audit_log' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', '_YYYY_MM')
        )) AS partitions_ahead,
        (SELECT sum(pg_relation_size(oid)) = 0 FROM pg_class
          WHERE relname IN ('audit_events_default', 'certification_audit_log_default')) AS default_partitions_are_empty
""")


def readiness() -> dict[str, Any]:
    """`ready`, `degraded` or `unavailable`, and every part with what is wrong with it."""
    parts: dict[str, dict[str, Any]] = {
        "database": _checked(_database),
        "migrations": _checked(_migrations),
        "redis": _checked(heartbeats.ping),
    }
    alive = _alive()
    parts |= {name: {"ready": lives, "detail": "" if lives else "no heartbeat"} for name, lives in alive.items()}
    parts["guards"] = _checked(_guards)
    db.session.rollback()
    if not (parts["database"]["ready"] and parts["migrations"]["ready"]):
        status = "unavailable"
    else:
        status = "ready" if all(part["ready"] for part in parts.values()) else "degraded"
    return {"status": status, "parts": parts}


@cache
def newest_migration() -> str:
    """The number of the last migration that this code knows."""
    return max(path.name.split("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def _checked(check: Callable[[], str]) -> dict[str, Any]:
    try:
        wrong = check()
    except (SQLAlchemyError, RedisError, OSError) as error:
        db.session.rollback()
        return {"ready": False, "detail": f"does not answer ({type(error).__name__})"}
    return {"ready": not wrong, "detail": wrong}


def _database() -> str:
    db.session.execute(text("SELECT 1"))
    return ""


def _migrations() -> str:
    applied = db.session.scalar(text("SELECT max(version_num) FROM alembic_version")) or "none"
    return "" if applied >= newest_migration() else f"database is at {applied}, code needs {newest_migration()}"


def _guards() -> str:
    row = db.session.execute(_GUARDS).one()._mapping
    missing = [name.replace("_", " ") for name, there in row.items() if not there]
    return f"missing: {', '.join(missing)}" if missing else ""


def _alive() -> dict[str, bool]:
    try:
        return heartbeats.alive()
    except (RedisError, OSError):
        return dict.fromkeys(heartbeats.PROCESSES, False)
