"""Heartbeats: who lives is heard of, who died is missed."""

from __future__ import annotations

import socket

import pytest
from redis.exceptions import RedisError

from app.core import heartbeats, valkey


@pytest.fixture
def silence(app):
    """No process has been heard of."""
    for key in valkey.client().scan_iter("heartbeat:*"):
        valkey.client().delete(key)


@pytest.fixture
def dead_server(play_stage):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        valkey.configure(f"redis://127.0.0.1:{unused.getsockname()[1]}/0")
        yield
    valkey.configure(play_stage.redis_url)


def test_a_process_that_beats_is_alive_and_the_others_are_not(silence):
    assert heartbeats.alive() == {"worker": False, "signer": False, "clock": False, "live": False}
    heartbeats.beat("signer")
    assert heartbeats.alive() == {"worker": False, "signer": True, "clock": False, "live": False}


def test_a_beat_is_forgotten_by_itself(silence):
    heartbeats.beat("worker")
    (key,) = valkey.client().scan_iter("heartbeat:*")
    assert 0 < valkey.client().ttl(key) <= heartbeats.GONE_AFTER
    assert heartbeats.GONE_AFTER > 2 * heartbeats.EVERY, "one beat that is late is no death"


def test_an_emptied_server_misses_everybody_until_they_beat_again(silence):
    heartbeats.beat("clock")
    valkey.client().flushdb()
    assert not any(heartbeats.alive().values())
    heartbeats.beat("clock")
    assert heartbeats.alive()["clock"]


def test_beating_at_a_dead_server_hurts_nobody_but_asking_it_is_an_error(app, dead_server):
    heartbeats.beat("worker")
    with pytest.raises(RedisError):
        heartbeats.alive()
    with pytest.raises(RedisError):
        heartbeats.ping()
