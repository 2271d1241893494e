"""Fifty requests for certification while something dies: afterwards all are decided, and none twice.

The product runs as `make run` starts it, with a PostgreSQL and a Valkey of its own; its supervisor starts again what
was killed. A client does what clients do: it repeats a request that got no answer, under the same Idempotency-Key.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from redis import Redis

from app.core import clock
from runcible.certification.trust_root import TrustRoot
from runcible.certification.verifier import verify_bundle
from tests.local.conftest import until
from tests.processes.product import Product
from tests.running import BREATH

FIFTY = 50
PATIENCE = 90.0
CUSTODY = """
    SELECT certification_id, sequence, event_type, hash, previous_hash FROM audit.certification_audit_log
    WHERE certification_id = ANY(%s::uuid[]) AND event_type <> 'viewed' ORDER BY certification_id, sequence"""
Accident = Callable[[Product], AbstractContextManager[None]]


class Client:
    """A program that integrates with the product, with alice's key."""

    def __init__(self, product: Product) -> None:
        told = json.loads((product.home / "demo.json").read_text())
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

    def certification(self, certification_id: str) -> dict[str, Any]:
        """What the product tells about one."""
        return self.ask("GET", f"/certifications/{certification_id}")["data"]


class Database:
    """What the app's own role sees, on a connection that is opened again where the server has died."""

    def __init__(self, product: Product) -> None:
        self.url = product.url_of("DATABASE_URL")
        self.connection: psycopg.Connection[Any] | None = None

    def decided(self, asked: list[str]) -> int:
        """How many of these have a verdict; none while the database cannot say."""
        query = "SELECT count(*) FROM runcible.certifications WHERE decided_at IS NOT NULL AND id = ANY(%s::uuid[])"
        try:
            return sum(count for (count,) in self.in_each_organisation(query, asked))
        except psycopg.OperationalError:
            return 0

    def in_each_organisation(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the query finds in each of them."""
        if self.connection is None or self.connection.closed:
            self.connection = psycopg.connect(self.url)
        rows = []
        with self.connection.transaction():
            for (tenant,) in self.connection.execute("SELECT id FROM application_instances").fetchall():
                self.connection.execute("SELECT set_config('oversing.tenant', %s, true)", [str(tenant)])
                rows += self.connection.execute(query, values).fetchall()
        return rows


@pytest.fixture(scope="module")
def client(started: Product) -> Client:
    return Client(started)


@pytest.fixture(scope="module")
def database(started: Product) -> Iterator[Database]:
    database = Database(started)
    yield database
    if database.connection is not None:
        database.connection.close()


@contextmanager
def emptied_valkey(product: Product) -> Iterator[None]:
    """Somebody empties the queue server."""
    Redis.from_url(product.url_of("REDIS_URL")).flushall()
    yield


def crash(name: str) -> Accident:
    """A process is killed, and started again by the supervisor."""
    return lambda product: product.crash_of(name)


ACCIDENTS: dict[str, Accident] = {
    "the worker is killed": crash("worker"),
    "the signer is killed": crash("signer"),
    "the clock is killed": crash("clock"),
    "PostgreSQL is killed": crash("postgres"),
    "Valkey is emptied": emptied_valkey,
}


@pytest.mark.parametrize("accident", ACCIDENTS, ids=str)
def test_all_are_decided_and_none_twice(started, client, database, accident):
    asked: list[str] = []
    halfway = threading.Event()

    def ask(number: int) -> None:
        asked.append(client.request(number))
        if len(asked) >= FIFTY // 2:
            halfway.set()

    with ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(ask, number) for number in range(FIFTY)]
        assert halfway.wait(PATIENCE)
        with ACCIDENTS[accident](started):
            for request in requests:
                request.result()
            until(lambda: database.decided(asked) == FIFTY, "all are decided", PATIENCE)
        told = list(pool.map(client.certification, asked))

    assert len(set(asked)) == FIFTY
    assert {each["certification_status"] for each in told} == {"certified"}
    assert len({each["certification_number"] for each in told}) == FIFTY
    check_chains_of_custody(database, asked)
    check_numbers_have_no_gap(database)
    check_a_bundle(client, asked[FIFTY // 2])


def check_chains_of_custody(database: Database, asked: list[str]) -> None:
    chains: dict[str, list[tuple[Any, ...]]] = {each: [] for each in asked}
    for certification, *entry in database.in_each_organisation(CUSTODY, asked):
        chains[str(certification)].append(tuple(entry))
    for entries in chains.values():
        sequences, events, hashes, previous = zip(*entries, strict=True)
        assert events == ("created", "judged", "signed", "timestamped", "certified")
        assert sequences == tuple(range(1, len(entries) + 1))
        assert previous == (None, *hashes[:-1])


def check_numbers_have_no_gap(database: Database) -> None:
    taken = database.in_each_organisation("SELECT count(certification_number) FROM runcible.certifications")
    ((last, *_more), *_others) = database.in_each_organisation(
        "SELECT last_number FROM runcible.certification_counters"
    )
    assert sum(count for (count,) in taken) == last


def check_a_bundle(client: Client, certification_id: str) -> None:
    bundle = client.raw("GET", f"/certifications/{certification_id}/bundle")
    report = verify_bundle(bundle, TrustRoot.from_bytes(client.raw("GET", "/trust-root")), clock.now())
    assert report.ok, report.checks
