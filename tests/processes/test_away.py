"""A part that is away: what can go on goes on, and what cannot says so and is made up for."""

from __future__ import annotations

import pytest

from tests.processes.customers import asking, assert_each_decided_once, soon_decided
from tests.processes.stack import soon


@pytest.mark.parametrize("process", ["worker", "signer"])
def test_readyz_names_the_process_that_died_and_pages_go_on(stack, customer, process):
    asker = customer()
    soon(lambda: stack.ready()["parts"][process]["ready"], f"the {process} is heard of")
    stack.kill(process)
    soon(lambda: not stack.ready()["parts"][process]["ready"], "it is missed")
    readiness = stack.ready()
    assert (readiness["code"], readiness["status"]) == (200, "degraded")
    assert readiness["parts"][process]["detail"] == "no heartbeat"
    assert asker.page("/tasks").status == 200
    asked = asker.certify(key="asked-meanwhile")
    assert asker.api("GET", f"/certifications/{asked}").json["data"]["certification_status"] in (
        "pending",
        "validating",
    )
    stack.start(process)
    soon_decided(asker, 1)


def test_without_valkey_pages_and_requests_go_on_and_the_work_is_made_up_for(stack, product, customer):
    asker = customer()
    stack.kill("valkey")
    readiness = stack.ready()
    assert (readiness["code"], readiness["status"]) == (200, "degraded")
    assert not readiness["parts"]["redis"]["ready"]
    assert readiness["parts"]["database"]["ready"]
    acknowledged = {key: asker.certify(key=key) for key in ("one", "two", "three")}
    assert asker.page("/tasks").status == 200
    assert asker.page("/certifications").status == 200
    assert asker.decided() == 0
    stack.start_servers()
    soon_decided(asker, 3)
    assert_each_decided_once(product, asker, acknowledged)
    soon(lambda: stack.ready()["parts"]["redis"]["ready"], "it is ready again")


def test_without_postgresql_every_answer_says_so_and_when_to_come_back(stack, product, customer):
    asker = customer()
    with asking(asker, 12, "database") as requests:
        soon_decided(asker, 2)
        stack.kill_postgres()
        assert stack.request("GET", "/healthz").status == 200
        readiness = stack.ready()
        assert (readiness["code"], readiness["status"]) == (503, "unavailable")
        for answer in (
            asker.page("/tasks"),
            asker.page("/"),
            asker.api("GET", "/tasks"),
            asker.api("GET", "/policies"),
        ):
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert b"psycopg" not in answer.body
            assert b"Traceback" not in answer.body
        stack.start_servers()
        acknowledged = requests.all_acknowledged()
    soon_decided(asker, 12)
    assert_each_decided_once(product, asker, acknowledged)
    soon(lambda: stack.ready()["code"] == 200, "the product is ready again")


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_what_the_database_has_acknowledged_is_on_the_disk(stack, setting):
    """On the settings of the product: the server of the other tests, which nobody kills, need not wait."""
    assert stack.rows(f"SELECT current_setting('{setting}') AS told")[0].told == "on"


def test_every_guard_is_up_and_every_part_is_heard_of(stack):
    soon(lambda: set(missing(stack)) == {"live"}, "all that was started is ready")
    assert set(stack.ready()["parts"]) == {
        "database", "migrations", "redis", "worker", "signer", "clock", "live", "guards",
    }  # fmt: skip


def missing(stack):
    """The parts that are not ready."""
    return [name for name, part in stack.ready()["parts"].items() if not part["ready"]]


def test_a_process_that_is_asked_to_stop_finishes_and_goes(stack, product, customer):
    asker = customer()
    acknowledged = {str(number): asker.certify(key=str(number)) for number in range(6)}
    for name in ("clock", "worker", "signer", "web"):
        running = stack.running.pop(name)
        running.process.terminate()
        assert running.process.wait(30) == 0, running.log.read_text()
    stack.make_whole()
    soon_decided(asker, 6)
    assert_each_decided_once(product, asker, acknowledged)


def test_no_process_wrote_a_defect_or_a_secret_into_its_log(stack, customer):
    """Runs last in this file: what the others did to the processes is in the logs by now."""
    asker = customer()
    asker.certify("A secret text nobody should log: swordfish.", key="logged")
    soon_decided(asker, 1)
    logs = {path.name: path.read_text() for path in sorted(stack.folder.glob("*.log"))}
    assert logs
    secrets = ("swordfish", asker.player.api_key, asker.player.cookie, stack.valkey.password, stack.postgres.password)
    assert [name for name, log in logs.items() if any(secret in log for secret in secrets)] == []
