"""What there is to allow, and the roles that a new organisation starts with. Permissions are code, roles are data.

`kind.view` shows all of a kind, `kind.view_own` one's own only, neither of them none.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.phrases import by_itself, phrase

PERMISSIONS: dict[str, str] = {
    "program.view": phrase("See programs"),
    "program.view_own": phrase("See the programs in which one has a task"),
    "program.create": phrase("Create programs"),
    "program.update": phrase("Edit programs"),
    "program.delete": phrase("Delete and restore programs"),
    "task.view": phrase("See tasks, their comments and their history"),
    "task.view_own": phrase("See the tasks that one made or is on"),
    "task.create": phrase("Create tasks"),
    "task.update": phrase("Edit tasks"),
    "task.delete": phrase("Delete and restore tasks"),
    "task.assign": phrase("Assign tasks to people"),
    "task.move": phrase("Move tasks along their workflow"),
    "task.comment": phrase("Comment on tasks"),
    "certification.view": phrase("See certifications, verify and download them"),
    "certification.view_own": phrase("See the certifications that one asked for"),
    "certification.create": phrase("Have outputs certified"),
    "certification.revoke": phrase("Revoke certifications"),
    "policy.view": phrase("See governance policies"),
    "user.view": phrase("See who works here"),
    "user.invite": phrase("Invite people"),
    "user.update": phrase("Correct people's names"),
    "user.deactivate": phrase("Deactivate people and let them back in"),
    "user_group.view": phrase("See groups and who is in them"),
    "user_group.update": phrase("Make, change and delete groups"),
    "access_role.view": phrase("See roles, who has them, and why somebody may do something"),
    "access_role.update": phrase("Make, change and delete roles"),
    "access_grant.create": phrase("Give roles to people and groups, and take them away"),
    "api_key.view": phrase("See everybody's API keys"),
    "api_key.view_own": phrase("See one's own API keys"),
    "api_key.create": phrase("Make API keys for oneself"),
    "api_key.revoke": phrase("Revoke everybody's API keys"),
    "audit_event.view": phrase("Read the audit trail"),
    "audit_event.view_own": phrase("Read one's own part of the audit trail"),
    "audit_event.export": phrase("Export the audit trail"),
    "workspace.view": phrase("See everybody's workspaces, private ones too"),
    "workspace.view_own": phrase("Open one's own workspaces, and those that are shared"),
    "workspace.update": phrase("Save workspaces of one's own"),
    "workspace.share": phrase("Share workspaces of one's own"),
    "page_speed.view": phrase("See how quick pages are for those who use them"),
    "application_instance.update": phrase("Change the settings of the organisation"),
    "application_instance.delete": phrase("Close the organisation"),
}

# What a key may do for its person that no role gives, and that no organisation can take away: it is about the account.
OWN_SCOPES: dict[str, str] = {
    "user_session.view_own": phrase("See in which browsers one is signed in"),
    "user_session.delete_own": phrase("Sign oneself out of browsers"),
}

_VIEWING = frozenset(
    {
        "program.view",
        "task.view",
        "certification.view",
        "policy.view",
        "user.view",
        "user_group.view",
        "access_role.view",
        "api_key.view_own",
        "workspace.view_own",
        "workspace.update",
    }
)
_WORKING = frozenset(
    {
        "program.create",
        "program.update",
        "task.create",
        "task.update",
        "task.delete",
        "task.assign",
        "task.move",
        "task.comment",
        "certification.create",
        "api_key.create",
        "workspace.share",
    }
)
_LEADING = frozenset({"program.delete", "certification.revoke", "user.invite", "access_grant.create"})


@dataclass(frozen=True, slots=True)
class ShippedRole:
    """A role that a new organisation starts with. `manages` are the keys of those that its holders may give away."""

    name: str
    description: str
    permissions: frozenset[str]
    manages: tuple[str, ...] = ()
    manages_every_role: bool = False


# What a new organisation starts with. From then on its roles are its own rows.
# What is private of others nobody sees from the start: an owner has to say so, by a role.
_EVERYTHING = frozenset(name for name in PERMISSIONS if not name.endswith(".view_own")) - {"workspace.view"}
_EVERYTHING |= {"api_key.view_own", "workspace.view_own"}
SHIPPED_ROLES: dict[str, ShippedRole] = {
    "owner": ShippedRole(
        phrase("Owner"),
        phrase("May do everything, and answers for the organisation."),
        _EVERYTHING,
        manages_every_role=True,
    ),
    "admin": ShippedRole(
        phrase("Admin"),
        phrase("Runs the organisation: people, roles, keys, settings."),
        _EVERYTHING - {"application_instance.delete"},
        ("admin", "manager", "member", "reviewer", "auditor", "viewer"),
    ),
    "manager": ShippedRole(
        phrase("Manager"),
        phrase("Leads programs: everything about work, and who takes part in it."),
        _VIEWING | _WORKING | _LEADING,
        ("member", "reviewer", "viewer"),
    ),
    "member": ShippedRole(
        phrase("Member"), phrase("Does the work: programs, tasks, certifications."), _VIEWING | _WORKING
    ),
    "reviewer": ShippedRole(
        phrase("Reviewer"),
        phrase("Reads everything about work, comments, and takes certificates back."),
        _VIEWING | {"task.comment", "certification.revoke", "api_key.create"},
    ),
    "auditor": ShippedRole(
        phrase("Auditor"),
        phrase("Reads everything, the audit trail and who may do what too."),
        _VIEWING | {"api_key.view", "audit_event.view", "audit_event.export"},
    ),
    "viewer": ShippedRole(phrase("Viewer"), phrase("Reads programs, tasks and certifications."), _VIEWING),
}

_SHIPPED_NAMES = frozenset(role.name for role in SHIPPED_ROLES.values())


def role_in_words(name: str) -> str:
    """The name of a role within a sentence: said in the language of the reader, unless somebody here has typed it."""
    return by_itself(name) if name in _SHIPPED_NAMES else name


# Whoever holds one of these could change what others may do, or end the organisation: such a role is given with care.
POWERS = frozenset({"access_role.update", "application_instance.delete"})

# What the system itself may do: carry on what people have asked for.
SYSTEM_PERMISSIONS = frozenset(PERMISSIONS) | {"certification.decide", "certification.sign"}
