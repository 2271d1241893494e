"""The JSON API, version 1: the same commands and queries as the pages, behind bearer keys."""

from flask import Blueprint

api = Blueprint("api", __name__, url_prefix="/api/v1")

from app.blueprints.api import access_grants, api_keys, certifications, policies, programs, tasks, trust, users  # noqa: E402

__all__ = ["access_grants", "api", "api_keys", "certifications", "policies", "programs", "tasks", "trust", "users"]
