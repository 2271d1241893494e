"""Certifications from request to verdict: through web, clock, worker and signer, with all that is kept of them."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import client, load
from benchmarks.data import Organisation
from benchmarks.load import Target
from benchmarks.side_by_side import certification_of
from benchmarks.signing import KINDS
from benchmarks.stack import Stack
from runcible.certification import keys

WARM_UP = 10
PATIENCE = 120.0
MOST = 100  # requests at half load

_SETTLED = """
    SELECT count(*) FILTER (WHERE certification_status IN ('certified', 'rejected')),
           count(*) FILTER (WHERE certification_status = 'failed'),
           extract(epoch FROM max(decided_at) - min(created_at))
    FROM runcible.certifications WHERE application_instance_id = %s AND id > %s AND output_content <> '{}'"""
_LATENCIES = """
    SELECT extract(epoch FROM decided_at - created_at) * 1000
    FROM runcible.certifications WHERE application_instance_id = %s AND id > %s AND output_content <> '{}'"""
_NEWEST = "SELECT id FROM runcible.certifications WHERE application_instance_id = %s ORDER BY id DESC LIMIT 1"


class NotCertifiedError(Exception):
    """A certification failed: there is nothing to measure."""


def measure(stack: Stack, acme: Organisation, times: int) -> dict[str, Any]:
    """The shipped pair of keys under full and half load, then each algorithm alone under full load."""
    with stack.connect() as connection:
        shipped = _full_load(stack, connection, acme, "RSA-3072 and ECDSA P-256, as shipped", times)
        half = _half_load(stack, connection, acme, shipped["rate"] / 2)
        alone = []
        for name, algorithm, bits, _openssl in KINDS:
            _use_keys(stack, name, algorithm, bits)
            asking = replace(acme, policy_id=acme.policies[algorithm])
            alone.append(_full_load(stack, connection, asking, name, times))
    return {"full_load": [shipped, *alone], "half_load": half}


def _use_keys(stack: Stack, name: str, algorithm: str, bits: int) -> None:
    """Restart the signer with a key of one kind."""
    folder = stack.home.path / f"keys-{name.replace(' ', '-').lower()}"
    passphrase = Path(stack.whole["SIGNING_PASSPHRASE_FILE"]).read_bytes().strip()
    trust_root = keys.create(folder, passphrase, at=datetime.now(UTC), algorithms=[algorithm], rsa_bits=bits or 3072)
    trusted = folder.with_suffix(".json")
    trusted.write_bytes(trust_root.bytes)
    stack.stop("signer")
    stack.start("signer", SIGNING_KEY_DIR=str(folder), TRUST_ROOT_FILE=str(trusted))


def _full_load(
    stack: Stack, connection: psycopg.Connection, acme: Organisation, name: str, times: int
) -> dict[str, Any]:
    """Hand in requests as fast as they are taken; the rate is over the time from the first to the last verdict."""
    _hand_in(stack, connection, acme, WARM_UP)
    took = _hand_in(stack, connection, acme, times)
    return {"name": name, "requests": times, "seconds": took, "rate": times / took}


def _hand_in(stack: Stack, connection: psycopg.Connection, acme: Organisation, times: int) -> float:
    newest = _newest(connection, acme)
    load.send(stack.supervisor, _target(stack, acme), times)
    return _settled(stack, connection, acme, newest, times)


def _half_load(stack: Stack, connection: psycopg.Connection, acme: Organisation, rate: float) -> dict[str, Any]:
    """Hand in requests one by one at a steady pace, and see how long each waits for its verdict."""
    newest, target = _newest(connection, acme), _target(stack, acme)
    began = time.monotonic()
    times = min(MOST, max(10, int(rate * 10)))
    for number in range(times):
        stack.supervisor.wait(lambda: False, max(0.0, began + number / rate - time.monotonic()))
        _post(target)
    _settled(stack, connection, acme, newest, times)
    latencies = [float(row[0]) for row in connection.execute(_LATENCIES, [acme.id, newest])]
    return {"requests": times, "rate": rate} | client.percentiles(latencies)


def _post(target: Target) -> None:
    """Send one request, on a connection of its own."""
    headers = {"Host": f"127.0.0.1:{target.port}", **target.headers}
    request = client.request_bytes(target.method, target.path, headers, target.body.encode())
    client.run("127.0.0.1", target.port, request, connections=1, seconds=60, at_most=1)


def _target(stack: Stack, acme: Organisation) -> Target:
    headers = acme.as_program | {"Content-Type": "application/json"}
    return Target(stack.address.port, "/api/v1/certifications", "POST", headers, json.dumps(certification_of(acme)))


def _newest(connection: psycopg.Connection, acme: Organisation) -> UUID:
    row = connection.execute(_NEWEST, [acme.id]).fetchone()
    assert row is not None
    return row[0]


def _settled(stack: Stack, connection: psycopg.Connection, acme: Organisation, newest: UUID, times: int) -> float:
    """Wait for every verdict; the seconds from the first request to the last of them."""
    seconds = 0.0

    def all_decided() -> bool:
        nonlocal seconds
        row = connection.execute(_SETTLED, [acme.id, newest]).fetchone()
        assert row is not None
        decided, failed, took = row
        if failed:
            raise NotCertifiedError(f"{failed} certifications failed; see the logs of worker and signer.")
        seconds = float(took or 0)
        return decided == times

    stack.wait(all_decided, f"{times} verdicts", PATIENCE)
    return seconds
