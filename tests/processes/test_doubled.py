"""Two of everything, and each piece of work handed over three times: each is still done once."""

from __future__ import annotations

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from tests.processes.customers import asking, assert_each_decided_once, soon_decided

REQUESTS = 20


def test_two_of_each_process_and_every_row_handed_over_three_times_do_each_thing_once(stack, product, customer):
    asker = customer()
    for name in ("worker-2", "signer-2", "clock-2"):
        stack.start(name)
    handed_over: set[str] = set()
    with asking(asker, REQUESTS, "doubled") as requests:
        for decided in range(1, REQUESTS + 1, 3):
            hand_over_twice_more(stack, asker, handed_over)
            soon_decided(asker, decided)
        acknowledged = requests.all_acknowledged()
    soon_decided(asker, REQUESTS)
    hand_over_twice_more(stack, asker, handed_over)
    assert len(handed_over) >= REQUESTS
    assert_each_decided_once(product, asker, acknowledged)


def hand_over_twice_more(stack, asker, handed_over):
    """What the relay does, done by somebody else as well: rows in every order, finished ones too."""
    rows = stack.rows(
        "SELECT * FROM outbox WHERE application_instance_id = %s ORDER BY random()", asker.organisation_id
    )
    with Redis.from_url(stack.valkey.url) as connection:
        for row in [*rows, *reversed(rows)]:
            queue = Queue(row.queue, connection=connection, serializer=JSONSerializer)
            queue.enqueue("app.jobs.runner.run", args=(row.job, str(row.application_instance_id), [str(row.id)]))
            handed_over.add(str(row.id))
