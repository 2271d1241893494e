"""Where it is measured: one organisation with a board, and as many people as the sockets need."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask

from app.core.live import Announcement, publish
from app.local.procfile import read_procfile
from app.local.readiness import ask, is_ready
from app.web.sockets import MOST_OF_A_PERSON
from benchmarks import data, people
from benchmarks.data import Organisation
from benchmarks.live.crowd import Client
from benchmarks.stack import Stack

TASKS = 120  # of which a sixth are on the board
SPARE_FILES = 500  # that a process has open beside its sockets
_PEOPLE = """
    WITH joined AS (
        INSERT INTO users (email, name, version, created_at, updated_at)
        SELECT 'person' || n || '@' || %(slug)s || '.example', 'Person ' || n, 1, now(), now()
        FROM generate_series(1, %(count)s) AS n RETURNING user_id
    ), members AS (
        INSERT INTO application_instance_users (application_instance_id, user_id, created_at)
        SELECT %(tenant)s, user_id, now() FROM joined RETURNING user_id
    )
    INSERT INTO access_grants (application_instance_id, id, access_role_id, user_id, created_at)
    SELECT %(tenant)s, gen_random_uuid(), r.id, m.user_id, now() FROM members AS m, access_roles AS r
    WHERE r.application_instance_id = %(tenant)s AND r.key = 'member'"""
_CARDS = """
    SELECT t.id FROM tasks t JOIN workflow_instances i ON i.id = t.workflow_instance_id
    JOIN workflow_states s ON s.id = i.state_id
    WHERE t.program_id = %s AND s.is_initial ORDER BY t.id LIMIT 2"""


@dataclass(frozen=True)
class Place:
    """The started product, who works there, and what they look at."""

    running: Stack
    acme: Organisation
    cookies: list[str]  # of one browser each, of one person after the other
    cards: tuple[str, str]  # two that stand on the board, in the same column

    @property
    def word(self) -> str:
        """A channel on which is told that something has changed, and not what."""
        return f"task.{self.cards[1]}"

    @property
    def quiet(self) -> str:
        """A channel on which nothing is told."""
        return f"program.{self.acme.program_id}"

    @property
    def cards_of_board(self) -> str:
        """The channel of the board itself, on which its cards come along."""
        return f"board.{self.acme.program_id}"

    @property
    def base(self) -> str:
        """The path of the organisation."""
        return f"/o/{self.acme.slug}"

    @property
    def origin(self) -> dict[str, str]:
        """What a browser says of where its page is from."""
        return {"Host": urlsplit(self.running.address.url).netloc, "Origin": self.running.address.url}

    @property
    def spare(self) -> str:
        """The cookie of somebody who holds none of the sockets of `clients`."""
        return self.cookies[-1]

    def clients(self, number: int, *channels: str, first: int = 0, each: int = MOST_OF_A_PERSON) -> list[Client]:
        """Browsers that follow these channels, after the `first` ones: of one person as many as may be, or `each`."""
        return [self.client(self.cookies[place // each], *channels) for place in range(first, first + number)]

    def client(self, cookie: str, *channels: str, is_slow: bool = False) -> Client:
        """One browser that follows these channels."""
        headers = {**self.origin, "Cookie": f"sid={cookie}"}
        return Client(f"/live?at={self.acme.slug}", headers, channels, is_slow)

    def announce(self, *around: str, times: int = 1) -> None:
        """Say that a card has changed, on its own channel and on those around it."""
        tenant, card = str(self.acme.id), self.cards[0]
        told = Announcement(tenant, "task.updated", f"task.{card}", card, 2, around)
        publish([told] * times)


def make(running: Stack, app: Flask, number: int) -> Place:
    """Let in so many people, sign each in, and start the product."""
    with app.app_context(), running.connect() as connection:
        acme = data.organisation(connection, "acme", TASKS)
        connection.execute(_PEOPLE, {"slug": acme.slug, "tenant": acme.id, "count": number})
        connection.execute("ANALYZE")
        first, second = (str(row[0]) for row in connection.execute(_CARDS, [acme.program_id]))
        cookies = people.signed_in(acme, number)
    for process in read_procfile():
        if process != "release":
            running.start(process)
    running.wait(lambda: is_ready(ask(running.address)), "the product to be ready")
    return Place(running, acme, cookies, (first, second))


def people_for(sockets: int) -> int:
    """How many people hold so many sockets, and one to spare."""
    return -(-sockets // MOST_OF_A_PERSON) + 1


def allow_files(sockets: int) -> int:
    """Let this process and those that it starts open so many sockets; returns how many they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + SPARE_FILES
    for limits in ((wanted, max(wanted, hard)), (min(wanted, hard), hard)):
        if soft >= wanted:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except (OSError, ValueError):
            continue  # only the superuser goes beyond what is allowed
        soft = limits[0]
    return min(sockets, soft - SPARE_FILES)
