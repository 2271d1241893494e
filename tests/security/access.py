"""The table of access: what every person gets from every route. `access.json` says what cannot be derived.

A row is `"METHOD /address/of/<uuid:the_rule>": {...}` with

- `may`: the permission that the route asks for (`roles.json` says whose it is), or "any member", or "anybody";
- `then`: the status for those who may;
- `json`, `form`, `query`: what is sent, with `{task_id}` and the like of the world filled in;
- `needs`: what has to be made anew for the route, as it takes something away (`_MAKERS` of world.py);
- any person by name, whose status does not follow from the rest: `"mallory": 422`.

From these follow: who has the permission by their role gets `then`; who has not gets 403, or 404 where they may not
even look. Heidi works in one program only: of what was made anew elsewhere she sees nothing. Ivan was let go, Nobody is
signed out: both get nowhere. Mallory owns another organisation, and with an id of acme's she gets 404. A row without
`may` names at least alice, bob, carol, nobody and mallory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cast import ROLES

FILE = Path(__file__).parent / "access.json"
# Which roles hold which permission, and which roles they may give: written by hand, as app/core/roles.py is.
SHIPPED = json.loads(FILE.with_name("roles.json").read_text())
AT_WORK = ("alice", "dave", "erin", "bob", "frank", "grace", "carol")  # each holds one role, throughout acme
GUEST, LEFT, STRANGER, NOBODY = "heidi", "ivan", "mallory", "nobody"
EVERYBODY = (*AT_WORK, GUEST, LEFT, STRANGER, NOBODY)
GUEST_ROLE = "member"  # which heidi holds in one program

# Whom somebody resembles in a row that names alice, bob and carol only.
_LIKE = {"dave": "alice", "erin": "bob", "frank": "carol", "grace": "carol", "heidi": "bob"}


def rows() -> dict[str, dict[str, Any]]:
    """Every row of the table, with a status for everybody."""
    return {name: _derived(name, row) | row for name, row in json.loads(FILE.read_text()).items()}


def _derived(name: str, row: dict[str, Any]) -> dict[str, Any]:
    if "may" not in row:
        like = {person: row[whom] for person, whom in _LIKE.items()}
        return like | {LEFT: _outside(name) if row[NOBODY] in (303, 401) else row["carol"]}
    may, then = row["may"], row["then"]
    if may == "anybody":
        return dict.fromkeys(EVERYBODY, then)
    inside = {person: _by_role(ROLES[person], may, then) for person in AT_WORK}
    return inside | {
        GUEST: 404 if "needs" in row else _by_role(GUEST_ROLE, may, then),
        LEFT: _outside(name),
        STRANGER: 404 if "<uuid:" in name or "<int" in name else inside["alice"],
        NOBODY: 401 if "/api/" in name else 303,
    }


def _by_role(role: str, permission: str, then: int) -> int:
    """What somebody gets who holds a role where the thing is."""
    if permission == "any member" or role in SHIPPED["may"][permission]:
        return then
    return 404 if permission.endswith(".view") else 403


def _outside(name: str) -> int:
    """What somebody gets who is known, but works here no longer: a key is dead, and the organisation not there."""
    return 401 if "/api/" in name else 404
