"""What signing in with a password costs: argon2id, counters, a session and a known browser, by one worker on one core.

PostgreSQL and Valkey have the other cores; each request comes from a browser that is not known.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from app.commands.tenants import create_tenant
from app.core import passwords
from app.core.actor import Visitor
from app.core.ids import new_token
from app.local.procfile import read_procfile
from app.schemas.tenants import NewTenant
from benchmarks import load, machine
from benchmarks.stack import Stack, answers

MOST_MS = 400.0  # what a person may have to wait who is alone
TIMES = 100
AT_ONCE = 4
OWNER = "olga@signed.example"


class TooSlowError(Exception):
    """Somebody has to wait longer than we promise."""


def measure(running: Stack, app: Flask) -> dict[str, Any]:
    """Sign in again and again, alone and with others, and hash beside it."""
    password = new_token()
    with app.app_context():
        new = NewTenant(
            slug="signed", name="Signed", owner_email=OWNER, owner_name="Olga Owner", owner_password=password
        )
        create_tenant(Visitor(), new)
        hashed = passwords.hash_password(password)
        verify = statistics.median(_timed(password, hashed) for _ in range(20))
    _start_on_one_core(running)
    try:
        target = _form(running, password)
        load.send(running.supervisor, target, 5, connections=1)  # what is only slow once
        before, used = os.getloadavg()[0], running.cpu("web")
        alone = load.send(running.supervisor, target, TIMES, connections=1)
        cpu = None if used is None else (running.cpu("web") or used) - used
        together = load.send(running.supervisor, target, TIMES, connections=AT_ONCE)
    finally:
        running.stop("web")
    kinds = {"alone": alone, f"{AT_ONCE} at once": together}
    told = {name: asdict(each) | {"rate": each.rate} for name, each in kinds.items()}
    return {
        "verify": verify,
        "cpu": None if cpu is None else cpu / TIMES * 1000,
        "load": (round(before, 2), round(os.getloadavg()[0], 2)),
        "kinds": told,
    }


def require_fast(found: dict[str, Any]) -> None:
    """Raises TooSlowError where somebody who is alone has to wait too long: in 19 cases of 20.

    Where other work fills the cores, every second time: the slowest ones waited for that work.
    """
    kind = "p95" if max(found["load"]) <= machine.cores() else "p50"
    took = found["kinds"]["alone"][kind]
    if took > MOST_MS:
        raise TooSlowError(f"Signing in took {took:.0f} ms ({kind}), and may take {MOST_MS:.0f}.")


def lines(found: dict[str, Any]) -> list[str]:
    """What was found, as a table for a person."""
    told = [
        f"Signing in, {TIMES} times each, one worker on one core; load {' to '.join(map(str, found['load']))}."
        f" Verifying the password alone: {found['verify']:.0f} ms."
        + (f" CPU of the worker for one: {found['cpu']:.0f} ms." if found["cpu"] is not None else ""),
        "",
        "| | p50, ms | p95, ms | p99, ms | a second |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, each in found["kinds"].items():
        cells = " | ".join(f"{each[kind]:.0f}" for kind in ("p50", "p95", "p99"))
        told.append(f"| {name} | {cells} | {each['rate']:.1f} |")
    return told


def _start_on_one_core(running: Stack) -> None:
    pinned = f"taskset -c {min(os.sched_getaffinity(0))} " if shutil.which("taskset") else ""
    running.start("web", pinned + read_procfile()["web"], WEB_CONCURRENCY="1")
    running.wait(lambda: answers(running.address.port, "/sign-in"), "the product to answer")


def _form(running: Stack, password: str) -> load.Target:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": running.address.url}
    body = urlencode({"email": OWNER, "password": password})
    return load.Target(running.address.port, "/sign-in", "POST", headers, body)


def _timed(password: str, hashed: str) -> float:
    """How many milliseconds one verification takes."""
    started = time.perf_counter()
    assert passwords.matches(password, hashed)
    return (time.perf_counter() - started) * 1000
