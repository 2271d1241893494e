"""Facts and rules, one noun a file. They know no session, no request and no clock."""

from app.models import (
    access_grants,
    access_roles,
    api_keys,
    application_instances,
    audit_exports,
    certifications,
    governance_policies,
    invitations,
    programs,
    task_assignments,
    task_comments,
    tasks,
    user_groups,
    user_sessions,
    users,
    workflows,
)

__all__ = [
    "access_grants",
    "access_roles",
    "api_keys",
    "application_instances",
    "audit_exports",
    "certifications",
    "governance_policies",
    "invitations",
    "programs",
    "task_assignments",
    "task_comments",
    "tasks",
    "user_groups",
    "user_sessions",
    "users",
    "workflows",
]
