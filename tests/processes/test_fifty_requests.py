"""Fifty requests for certification while something dies: afterwards all are decided, and none twice.

The product runs as `make run` starts it, with a PostgreSQL and a Valkey of its own; its supervisor starts again what
was killed. A client does what clients do: it repeats a request that got no answer, under the same Idempotency-Key.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from redis import Redis

from app.core import clock
from runcible.certification.trust_root import TrustRoot
from runcible.certification.verifier import verify_bundle
from tests.local.test_run import Stack

FIFTY = 50
PATIENCE = 90.0
BREATH = threading.Event()  # nobody sets it: who asks again and again leaves the machine to those who work
DECIDED = ("certified", "rejected")


class Client:
    """A program that integrates with the product, with alice's key."""

    def __init__(self, stack: Stack) -> None:
        told = json.loads((stack.home / "demo.json").read_text())
        self.url = told["url"]
        self.key = told["tenants"][0]["users"][0]["api_key"]
        self.policy = next(row["id"] for row in self.ask("GET", "/policies")["data"] if row["key"] == "general")

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> dict:
        """The answer, asked for until there is one: a server that is starting again is no answer."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return json.loads(self.raw(method, path, body, **headers))
            except urllib.error.HTTPError as refused:
                if refused.code not in (409, 502, 503) or time.monotonic() > deadline:
                    raise AssertionError(f"{method} {path}: {refused.code} {refused.read()!r}") from None
            except OSError:
                if time.monotonic() > deadline:
                    raise
            BREATH.wait(0.05)

    def raw(self, method: str, path: str, body: object = None, **headers: str) -> bytes:
        """One try."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def request(self, number: int) -> str:
        """Ask for one certification; the id."""
        body = {
            "output_content": f"Answer number {number}: please bring your papers.",
            "llm_provider": "anthropic",
            "model_name": "m",
            "input": "What shall I bring?",
            "governance_policy_id": self.policy,
        }
        return self.ask("POST", "/certifications", body, Idempotency_Key=str(uuid4()))["data"]["id"]

    def until_decided(self, certification_id: str) -> dict:
        """The certification once it has a verdict."""
        deadline = time.monotonic() + PATIENCE
        while True:
            told = self.ask("GET", f"/certifications/{certification_id}")["data"]
            if told["certification_status"] in DECIDED:
                return told
            assert time.monotonic() < deadline, told["certification_status"]
            BREATH.wait(0.2)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="oversing fifty ") as folder:
        Path(folder).chmod(0o711)
        stack = Stack(Path(folder))
        stack.start()
        yield stack
        stack.stop()


@pytest.fixture(scope="module")
def client(stack: Stack) -> Client:
    return Client(stack)


def kill(name: str) -> Callable[[Stack], None]:
    """Something that kills a process as a crash would."""
    return lambda stack: os.kill(stack.pids()[name], signal.SIGKILL)


def empty_valkey(stack: Stack) -> None:
    """Somebody who empties the queue server."""
    Redis.from_url(json.loads((stack.home / "runtime.json").read_text())["urls"]["REDIS_URL"]).flushall()


ACCIDENTS = {
    "the worker is killed": kill("worker"),
    "the signer is killed": kill("signer"),
    "the clock is killed": kill("clock"),
    "PostgreSQL is killed": kill("postgres"),
    "Valkey is emptied": empty_valkey,
}


@pytest.mark.parametrize("accident", ACCIDENTS, ids=str)
def test_all_are_decided_and_none_twice(stack, client, accident):
    asked: list[str] = []
    halfway = threading.Event()

    def ask(number: int) -> None:
        asked.append(client.request(number))
        if len(asked) >= FIFTY // 2:
            halfway.set()

    with ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(ask, number) for number in range(FIFTY)]
        assert halfway.wait(PATIENCE)
        ACCIDENTS[accident](stack)
        for request in requests:
            request.result()
        decided = list(pool.map(client.until_decided, asked))

    assert len(set(asked)) == FIFTY
    assert {told["certification_status"] for told in decided} == {"certified"}
    assert len({told["certification_number"] for told in decided}) == FIFTY
    for told in decided:
        check_chain_of_custody(client, told["id"])
    check_numbers_have_no_gap(stack)
    check_a_bundle(client, asked[FIFTY // 2])


def check_chain_of_custody(client: Client, certification_id: str) -> None:
    entries = client.ask("GET", f"/certifications/{certification_id}/audit")["data"]
    happened = [entry["event_type"] for entry in entries if entry["event_type"] != "viewed"]
    assert happened == ["created", "judged", "signed", "timestamped", "certified"]
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    for before, after in pairwise(entries):
        assert after["previous_hash"] == before["hash"]


def check_numbers_have_no_gap(stack: Stack) -> None:
    urls = json.loads((stack.home / "runtime.json").read_text())["urls"]
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        (last,) = connection.execute("SELECT last_number FROM runcible.certification_counters").fetchone()
        tenants = [row[0] for row in connection.execute("SELECT id FROM application_instances")]
        taken = 0
        for tenant in tenants:
            connection.execute("SELECT set_config('oversing.tenant', %s, true)", [str(tenant)])
            (count,) = connection.execute("SELECT count(certification_number) FROM runcible.certifications").fetchone()
            taken += count
    assert taken == last


def check_a_bundle(client: Client, certification_id: str) -> None:
    bundle = client.raw("GET", f"/certifications/{certification_id}/bundle")
    report = verify_bundle(bundle, TrustRoot.from_bytes(client.raw("GET", "/trust-root")), clock.now())
    assert report.ok, report.checks
