"""Hearing what other processes say on a channel of Valkey. What is said while it is away is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from app.core import valkey

WAIT = 5.0  # seconds that a word is waited for before the server is asked anew
AGAIN_AFTER = 1.0  # seconds after which a server that did not answer is asked again

log = structlog.get_logger(__name__)


def hear_forever(where: str, hear: Callable[[bytes], None], begin: Callable[[], None] = lambda: None) -> None:
    """Hear each word that is said there, for as long as the process lives.

    `begin` is called whenever hearing begins: nobody knows what was said before.
    """
    while True:
        try:
            client: Any = valkey.listening_client(WAIT)
            with client.pubsub(ignore_subscribe_messages=True) as heard:
                heard.subscribe(where)
                begin()
                while True:
                    message = heard.get_message(timeout=WAIT)
                    if message is not None:
                        hear(message["data"])
        except (RedisError, OSError, ValueError, LookupError, TypeError) as failure:  # away, or speaking of nothing
            log.warning("live.server_does_not_answer", where=where, error=type(failure).__name__)
            time.sleep(AGAIN_AFTER)
