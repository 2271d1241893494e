"""Names that came with the product, in the language of whoever reads them: of states, roles, checks and policies.

They are data, and the API has them in English. What is not word for word one of them was typed by somebody, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.core.phrases import phrase
from app.core.roles import SHIPPED_ROLES
from app.models.workflows import BUILT_IN_STATES
from app.web import shipped_policies
from app.web.languages import translated

# The checks of a bundle, as runcible calls them, which knows no language but English. Why each came to what it did
# stands in check_reasons.py.
CHECKS = (
    phrase("The bundle is in its canonical form"),
    phrase("The bundle is as it was sealed"),
    phrase("The signature belongs to the statement"),
    phrase("Every signature that the policy requires is there"),
    phrase("The keys were in use when they signed"),
    phrase("The content is the one that was judged"),
    phrase("The time of the signature is attested"),
    phrase("The certification stands in the log"),
    phrase("The policy is the one that was applied"),
    phrase("The certification stands"),
    phrase("The certification is in its time"),
)
SHOWN = ("name", "description")
_ROLES = SHIPPED_ROLES.values()
NAMES = frozenset(
    {name for _key, name, _group in BUILT_IN_STATES}
    | {text for role in _ROLES for text in (role.name, role.description)}
    | {*CHECKS, *shipped_policies.WORDS}
)


def called(name: str) -> str:
    """A name as whoever reads it is used to: in their language where it came with the product, else as it was typed."""
    return translated(name) if name in NAMES else name


def choices_called(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Roles or states as a menu offers them."""
    return [row._asdict() | {name: called(getattr(row, name)) for name in row._fields if name in SHOWN} for row in rows]


def each_called(names: str) -> str:
    """The same of several with commas between them."""
    return ", ".join(map(called, names.split(", ")))
