"""The policies that come with the product, each a JSON file beside this one. A tenant's copy is its own."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of the shipped policies, in alphabetical order."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.json")))


def read(name: str) -> dict[str, Any]:
    """Return {"name", "title", "description", "policy_rules", "compliance_requirements"} of one of `names()`.

    Raises KeyError for any other name.
    """
    if name not in names():
        raise KeyError(name)
    document: dict[str, Any] = json.loads((_HERE / f"{name}.json").read_bytes())
    rules = document["policy_rules"]
    return {"name": name, "title": rules["title"], "description": rules["summary"], **document}
