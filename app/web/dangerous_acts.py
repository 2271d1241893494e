"""Acts that are dangerous by what they give or take: roles by which somebody comes to power over others.

Other acts are dangerous always, and their views say `@needs_fresh_sign_in` alone; every view that changes something
has a row in tests/structure/test_dangerous_acts.py. What only ends something at once (a session, a key, an invitation,
a membership without power) is never held up: it is what one reaches for in an emergency.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import request

from app.queries.access import grants_of_group, grants_of_person
from app.queries.access_grants import role_of_grant
from app.queries.access_roles import is_power_among
from app.web.actors import current_actor


def gives_power(typed: Mapping[str, str]) -> bool:
    """Whether the role that was chosen in the form is one of power. What is no id is refused by the form itself."""
    try:
        role_id = UUID(typed.get("access_role_id", ""))
    except ValueError:
        return False
    return is_power_among(current_actor(), [role_id])


def takes_power(_typed: Mapping[str, str]) -> bool:
    """Whether the grant in the address is one of power."""
    role_id = role_of_grant(current_actor(), _in_address("grant_id"))
    return role_id is not None and is_power_among(current_actor(), [role_id])


def group_brings_power(_typed: Mapping[str, str]) -> bool:
    """Whether who is in the group of the address has power by it."""
    grants = grants_of_group(current_actor(), _in_address("group_id"))
    return is_power_among(current_actor(), {grant.access_role_id for grant in grants})


def person_has_power(_typed: Mapping[str, str]) -> bool:
    """Whether the person of the address has power, anywhere."""
    grants = grants_of_person(current_actor(), _in_address("user_id"))
    return is_power_among(current_actor(), {grant.access_role_id for grant in grants})


def _in_address(name: str) -> Any:
    return (request.view_args or {})[name]
