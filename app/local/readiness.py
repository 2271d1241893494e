"""Ask the running product whether it is ready."""

from __future__ import annotations

import http.client
import json
from typing import Any

from app.local.environment import Address

PATIENCE = 1.0  # seconds; the supervisor looks at nothing else meanwhile


def ask(address: Address) -> dict[str, Any] | None:
    """Return what GET /readyz says: `status` and `parts`. None while nothing answers."""
    host = "127.0.0.1" if address.bind in {"0.0.0.0", "::", ""} else address.bind  # noqa: S104 only compared
    connection = http.client.HTTPConnection(host, address.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/readyz", headers={"Host": address.host, "Accept": "application/json"})
        said = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return said if isinstance(said, dict) else None


def is_ready(answer: dict[str, Any] | None) -> bool:
    """Tell whether every part is ready."""
    return answer is not None and answer.get("status") == "ready"


def what_is_missing(answer: dict[str, Any] | None) -> str:
    """Return in words what is not ready."""
    if answer is None:
        return "nothing answers yet"
    waiting = [described(name, part) for name, part in answer.get("parts", {}).items() if not part["ready"]]
    return ", ".join(waiting) or str(answer.get("status"))


def described(name: str, part: dict[str, Any]) -> str:
    """Return how a part fares: `signer (no heartbeat)`."""
    return f"{name} ({part['detail']})" if part.get("detail") else name
