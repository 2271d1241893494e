"""Programs that have outputs certified and try again as HTTP tells them to; and what must be true afterwards."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Flask

from app.core import tenancy
from app.core.certification_log import link
from app.core.database import db, fresh_session
from app.models.certifications import Certification
from app.queries.certification_proofs import bundle_of
from app.queries.trust import trust_root
from runcible.certification.numbers import parse_number
from runcible.certification.verifier import verify_bundle
from tests.cast import Player
from tests.factories import HONEST
from tests.processes.stack import PATIENCE, Answer, Stack, soon

AT_ONCE = 5
WHOLE_LIFE = Counter(["created", "judged", "signed", "timestamped", "certified"])


@dataclass
class Customer:
    """A program of one organisation, with an API key."""

    stack: Stack
    player: Player

    @property
    def organisation_id(self) -> UUID:
        """Where it works."""
        return self.player.organisation.id

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request to the API."""
        key = f"Bearer {self.player.api_key}"
        return self.stack.request(method, f"/api/v1{path}", body, Authorization=key, **headers)

    def page(self, path: str) -> Answer:
        """A page, as the person sees it who is signed in."""
        slug = self.player.organisation.slug
        return self.stack.request("GET", f"/o/{slug}{path}", Cookie=f"sid={self.player.cookie}")

    def certify(self, text: str = HONEST, key: str = "") -> str:
        """Have a text certified, trying again while the product cannot answer. Returns the id."""
        body = {
            "output_content": text,
            "llm_provider": "anthropic",
            "model_name": "claude-sonnet-4-5",
            "input": "How do I cancel?",
            "governance_policy_id": str(self.player.organisation.policies["general"]),
        }
        return soon(lambda: self._try(body, {"Idempotency_Key": key} if key else {}), "the request is acknowledged")  # type: ignore[no-any-return]

    def statuses(self) -> Counter[str]:
        """How many certifications of the organisation stand where."""
        query = "SELECT certification_status AS status, count(*) FROM runcible.certifications"
        rows = self.stack.rows(f"{query} WHERE application_instance_id = %s GROUP BY 1", self.organisation_id)
        return Counter({row.status: row.count for row in rows})

    def decided(self) -> int:
        """How many have a verdict."""
        return self.statuses()["certified"]

    def _try(self, body: Any, headers: dict[str, str]) -> str | None:
        try:
            answer = self.api("POST", "/certifications", body, **headers)
        except (OSError, http.client.HTTPException):
            return None  # nobody knows whether it was heard: this is what the key is for
        if answer.status == 201:
            return str(answer.json["data"]["id"])
        assert answer.status in (409, 503), (answer.status, answer.body)
        assert int(answer.headers["Retry-After"]) > 0
        return None


@dataclass
class Requests:
    """Requests on their way, in threads of their own."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    given_up: threading.Event = field(default_factory=threading.Event)
    _threads: list[Any] = field(default_factory=list)

    def all_acknowledged(self) -> dict[str, str]:
        """The ids by their keys, once every request has been answered."""
        for thread in self._threads:
            thread.result(PATIENCE)
        return self.acknowledged


@contextmanager
def asking(customer: Customer, count: int, run: str) -> Iterator[Requests]:
    """Have so many outputs certified, several at once, while the block goes on."""
    requests, next_number, lock = Requests(), iter(range(count)), threading.Lock()

    def ask() -> None:
        while True:
            with lock:
                number = next(next_number, None)
            if number is None or requests.given_up.is_set():
                return
            key = f"{run}-{number}"
            requests.acknowledged[key] = customer.certify(f"{HONEST} Number {number}.", key)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        requests._threads = [pool.submit(ask) for _worker in range(AT_ONCE)]
        try:
            yield requests
        finally:
            requests.given_up.set()


def soon_decided(customer: Customer, count: int, seconds: float = PATIENCE) -> float:
    """Wait until so many certifications are decided, and return how long that took."""
    began = time.monotonic()
    soon(lambda: customer.decided() >= count, f"{count} are decided, not {dict(customer.statuses())}", seconds)
    return time.monotonic() - began


def assert_each_decided_once(app: Flask, customer: Customer, acknowledged: dict[str, str]) -> None:
    """Every acknowledged request has one certification, with one number, one verdict, one chain, and a good bundle."""
    rows = customer.stack.rows(
        "SELECT * FROM runcible.certifications WHERE application_instance_id = %s", customer.organisation_id
    )
    assert {str(row.id) for row in rows} == set(acknowledged.values())
    assert len(rows) == len(acknowledged), "two keys were answered with one certification"
    assert Counter(row.certification_status for row in rows) == Counter({"certified": len(rows)})
    assert_custody(customer)
    assert_one_event_each(customer)
    assert_numbers_without_gap(customer.stack)
    assert_bundles(app, customer, [row.id for row in rows])


def assert_custody(customer: Customer) -> None:
    """Each chain of custody has each step once, and every entry the hash of the one before."""
    entries = customer.stack.rows(
        "SELECT * FROM audit.certification_audit_log WHERE application_instance_id = %s"
        " ORDER BY certification_id, sequence",
        customer.organisation_id,
    )
    chains: dict[UUID, list[Any]] = {}
    for entry in entries:
        chains.setdefault(entry.certification_id, []).append(entry)
    assert chains
    for chain in chains.values():
        assert Counter(entry.event_type for entry in chain) == WHOLE_LIFE
        previous = None
        for number, entry in enumerate(chain, start=1):
            assert (entry.sequence, entry.previous_hash) == (number, previous)
            assert link(previous, _told(entry)) == entry.hash
            previous = entry.hash


def assert_one_event_each(customer: Customer) -> None:
    """The audit trail tells each step of each certification once."""
    twice = customer.stack.rows(
        "SELECT entity_id, event_type, count(*) FROM audit.audit_events WHERE entity_type = 'Certification'"
        " AND application_instance_id = %s GROUP BY 1, 2 HAVING count(*) > 1",
        customer.organisation_id,
    )
    assert twice == []


def assert_numbers_without_gap(stack: Stack) -> None:
    """The numbers of the whole installation are those from 1 to the counter, each once."""
    rows = stack.rows("SELECT certification_number AS number FROM runcible.certifications WHERE payload IS NOT NULL")
    (counter,) = stack.rows("SELECT last_number FROM runcible.certification_counters")
    assert sorted(parse_number(row.number).sequence for row in rows) == list(range(1, counter.last_number + 1))


def assert_bundles(app: Flask, customer: Customer, ids: list[UUID]) -> None:
    """Each bundle verifies, with no more than the trust root."""
    with app.app_context(), fresh_session(), tenancy.entered(db.session, customer.organisation_id):
        for certification_id in ids:
            certification = db.session.get(Certification, certification_id)
            assert certification is not None
            assert certification.decided_at is not None
            report = verify_bundle(bundle_of(certification), trust_root(), certification.decided_at)
            assert report.ok, [check for check in report.checks if check.verdict != "pass"]


def _told(entry: Any) -> dict[str, Any]:
    return {
        "application_instance_id": str(entry.application_instance_id),
        "certification_id": str(entry.certification_id),
        "sequence": entry.sequence,
        "event_type": entry.event_type,
        "event_data": entry.event_data,
        "user_id": entry.user_id,
        "ip_address": str(entry.ip_address) if entry.ip_address is not None else None,
        "user_agent": entry.user_agent,
    }
