"""The JSON API, version 1: the same commands and queries as the pages, behind bearer keys."""

from flask import Blueprint

api = Blueprint("api", __name__, url_prefix="/api/v1")

from app.blueprints.api import (  # noqa: E402
    access_explanation,
    access_grants,
    access_roles,
    account,
    api_keys,
    audit_events,
    audit_exports,
    certifications,
    organisations,
    page_speed,
    policies,
    programs,
    tasks,
    trust,
    user_groups,
    users,
    workspaces,
)

__all__ = [
    "access_explanation",
    "access_grants",
    "access_roles",
    "account",
    "api",
    "api_keys",
    "audit_events",
    "audit_exports",
    "certifications",
    "organisations",
    "page_speed",
    "policies",
    "programs",
    "tasks",
    "trust",
    "user_groups",
    "users",
    "workspaces",
]
