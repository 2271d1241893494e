"""What live processes tell each other about texts: that there is something new, and who is there. Never the words.

Losing it is harmless: what was written is read from PostgreSQL, where each room looks by itself too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from app.core import valkey
from app.core.hearing import hear_forever
from app.core.ids import new_secret_id

CHANNEL = "live:texts"

log = structlog.get_logger(__name__)


class Relay:
    """Tells other processes, and hears them."""

    def __init__(
        self, hear_number: Callable[[str, int], None], hear_presence: Callable[[str, int, int, int | None], None]
    ) -> None:
        self._hear_number, self._hear_presence = hear_number, hear_presence
        self._name = str(new_secret_id())

    def tell_number(self, text_id: UUID, number: int) -> None:
        """Say that a text has got an update."""
        self._publish({"text": str(text_id), "number": number})

    def tell_presence(self, text_id: UUID, client: int, clock: int, user_id: int | None) -> None:
        """Say that somebody is at a text, or None for that they have left it."""
        self._publish({"text": str(text_id), "client": client, "clock": clock, "user": user_id})

    def listen_forever(self) -> None:
        """Hear what others say, for as long as the process lives."""
        hear_forever(CHANNEL, self._hear)

    def _hear(self, message: bytes) -> None:
        told = json.loads(message)
        if told["from"] == self._name:
            return
        if "number" in told:
            self._hear_number(told["text"], told["number"])
        else:
            self._hear_presence(told["text"], told["client"], told["clock"], told["user"])

    def _publish(self, told: dict[str, Any]) -> None:
        try:
            valkey.client().publish(CHANNEL, json.dumps(told | {"from": self._name}))
        except (RedisError, OSError) as failure:
            log.warning("texts.not_told", error=type(failure).__name__)
