"""Who of those that follow may hear of an event: decided beside the reader, as it may ask the database.

The reader tells at once whom it can: those who may see every thing of the kind. For the others each event is looked at
here, and so is everybody after roles, groups or places have changed. What is told with an element is decided here for
everybody, since it has content: by what they may see after it was read, not by what they could when they came.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Hashable, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, tenancy
from app.core.actor import Actor
from app.core.database import db, fresh_session
from app.core.errors import NotFound
from app.core.live import Announcement
from app.core.transaction import end_reading
from app.queries import live_channels
from app.queries.identity import find_members
from app.queries.socket_holders import Holder, welcome
from app.queries.tasks import get_task
from app.web.elements import ELEMENTS, Element, Writer, class_of, element_for, sees, task_told_by, the_system
from app.web.presence import Presence
from app.web.sockets import Socket, Sockets, gone_from, poke, revocation
from app.web.wire import frame_of

# What changes who may see what. A program that moves takes what is given in it to another place.
OF_ACCESS = frozenset({"access_grant", "access_role", "user_group", "program", "application_instance"})
TOGETHER = 50  # people who are asked about in one statement: no more, so that the first are told before the last
NOBODYS = UUID(int=0)  # what no row is called
MOST_WAITING = 10_000  # events that nobody has been judged for yet; after more of them everybody asks anew

log = structlog.get_logger(__name__)


class Judge:
    """Decides in a thread of its own, in the order in which things happened."""

    def __init__(self, app: Flask, sockets: Sockets, presence: Presence, writer: Writer) -> None:
        self._app, self._sockets, self._presence, self._writer = app, sockets, presence, writer
        self._cases: queue.Queue[Callable[[], None]] = queue.Queue(MOST_WAITING)
        self._newest: dict[tuple[str, ...], str] = {}  # of what is to be shown: the place of the last event

    def rehearse(self) -> None:
        """Ask of nobody, and of nothing, what is asked before an element is told: whoever is told first does not wait
        until there is a connection, and statements are made. A database that is away now is asked later."""
        with self._app.app_context(), fresh_session():
            try:
                for element in frozenset(ELEMENTS.values()):
                    with suppress(NotFound), tenancy.entered(db.session, NOBODYS):
                        element.context(the_system(NOBODYS), NOBODYS)
                self._readers(NOBODYS, {Holder(NOBODYS, 0, NOBODYS)}, NOBODYS)
            except SQLAlchemyError as failure:
                log.warning("live.not_rehearsed", error=type(failure).__name__)

    def start(self) -> None:
        """Judge for as long as the process lives."""
        threading.Thread(target=self._judge_forever, name="live-judge", daemon=True).start()

    def tell_those_who_see(self, told: Announcement, place: str, sockets: Collection[tuple[Socket, str]]) -> None:
        """Poke those of the sockets, each on the channel that it follows, whose viewer may see the thing."""
        self._take(lambda: self._tell(told, place, sockets))

    def show_those_who_see(
        self, told: Announcement, place: str, channel: str, element: Element, sockets: Collection[Socket]
    ) -> None:
        """Tell those of the sockets whose viewer may see the thing with the element that shows it.

        Of a burst of events about one thing only the last is told.
        """
        burst = (told.tenant_id, told.event, told.id, channel)
        self._newest[burst] = place

        def show() -> None:
            if self._newest.get(burst) == place:
                del self._newest[burst]
                try:
                    self._show(told, place, channel, element, sockets)
                except SQLAlchemyError:  # nobody knows what they may see, but they may ask
                    for socket in sockets:
                        socket.tell(revocation(channel, still=True))
                    raise

        self._take(show)

    def show_task_of(self, told: Announcement, place: str) -> None:
        """Show the card and the row of the task that a certification belongs to: they say how far that has come."""
        self._take(lambda: self._show_task(told, place))

    def look_again(self, tenant_id: UUID) -> None:
        """Find out anew what everybody in an organisation may see, and take away what they may not follow any more."""
        self._take(lambda: self._look_at(self._sockets.of_tenant(tenant_id)))

    def look_again_at(self, user_id: int) -> None:
        """The same for one person, wherever they are."""
        self._take(lambda: self._look_at(self._sockets.of_person(user_id)))

    def look_again_at_these(self, sockets: Collection[Socket]) -> None:
        """The same for some sockets."""
        self._take(lambda: self._look_at(sockets))

    def _take(self, case: Callable[[], None]) -> None:
        try:
            self._cases.put_nowait(case)
        except queue.Full:
            for socket in self._sockets.all():
                socket.resync()

    def _judge_forever(self) -> None:
        while True:
            case = self._cases.get()
            with self._app.app_context(), fresh_session():
                try:
                    case()
                except SQLAlchemyError as failure:  # the look once a minute makes up for it
                    log.warning("live.not_judged", error=type(failure).__name__)

    def _tell(self, told: Announcement, place: str, sockets: Collection[tuple[Socket, str]]) -> None:
        viewers = {viewer.user_id: viewer for socket, _channel in sockets if (viewer := socket.viewer)}
        heard = live_channels.hearers(UUID(told.tenant_id), told.kind, told.id, viewers.values())
        end_reading()
        frames = {channel: frame_of(poke(told, channel, place)) for channel in told.channels}
        for socket, channel in sockets:
            if socket.viewer is None:
                continue
            if socket.holder.user_id in heard:
                socket.pass_on(frames[channel])
            elif channel == told.channel != told.kind:
                self._sockets.unfollow(socket, channel)
                socket.tell(revocation(channel))
            elif socket.is_taken_off(told):
                socket.tell(gone_from(told, channel, place))

    def _show(
        self, told: Announcement, place: str, channel: str, element: Element, sockets: Collection[Socket]
    ) -> None:
        tenant_id, thing_id = UUID(told.tenant_id), UUID(told.id)
        try:
            with tenancy.entered(db.session, tenant_id):
                context = element.context(the_system(tenant_id), thing_id)
        except NotFound:  # gone by now, which is told as well
            self._tell(told, place, [(socket, channel) for socket in sockets])
            return
        end_reading()
        readers = self._readers(tenant_id, {socket.holder for socket in sockets}, thing_id)
        written: dict[Hashable, bytes] = {}
        sight: dict[int, Hashable] = {}
        for user_id, reader in {holder.user_id: reader for holder, reader in readers.items()}.items():
            if sees(reader, element, context):
                sight[user_id] = class_of(reader, element, context)
        end_reading()  # nobody writes with a connection in their hands
        for socket in sockets:
            reader = readers.get(socket.holder)
            if reader is None or channel not in socket.channels:
                continue
            if socket.holder.user_id not in sight:
                if socket.is_taken_off(told):
                    socket.tell(gone_from(told, channel, place))
                continue
            kind = sight[socket.holder.user_id]
            if kind not in written:
                content = self._written(element, thing_id, reader, context)
                written[kind] = frame_of(poke(told, channel, place, **content))
            socket.pass_on(written[kind])

    def _show_task(self, told: Announcement, place: str) -> None:
        tenant_id = UUID(told.tenant_id)
        task = task_told_by(told)
        if task is None or not self._sockets.of_tenant(tenant_id):
            return
        try:
            with tenancy.entered(db.session, tenant_id):
                program_id = get_task(the_system(tenant_id), UUID(task.id)).program_id
        except NotFound:  # in the trash, and shown nowhere
            return
        end_reading()
        for channel in (f"board.{program_id}", f"program.{program_id}", task.kind):
            followers, element = self._sockets.following(tenant_id, channel), element_for(task, channel)
            if followers and element:
                self.show_those_who_see(task, place, channel, element, followers)

    def _written(self, element: Element, thing_id: UUID, reader: Actor, context: dict[str, Any]) -> dict[str, str]:
        """The element, or nothing where a defect keeps it from being written: then its readers ask for it."""
        try:
            return {"html": self._writer.write(element, thing_id, reader, context)}
        except Exception:
            log.exception("live.not_written", element=element.view)
            return {}

    def _readers(self, tenant_id: UUID, holders: set[Holder], thing_id: UUID) -> dict[Holder, Actor]:
        """Whoever of the holders may still be told anything in the session that they hold, as they are now."""
        bounds = self._app.config["SETTINGS"].session_bounds
        there = welcome(holders, now=clock.now(), bounds=bounds)
        end_reading()
        members = find_members(tenant_id, {holder.user_id for holder in there}, [thing_id])
        end_reading()
        return {holder: members[holder.user_id] for holder in there if holder.user_id in members}

    def _look_at(self, sockets: Collection[Socket]) -> None:
        by_tenant: dict[UUID, dict[int, list[Socket]]] = {}
        for socket in sockets:
            if (tenant_id := socket.holder.tenant_id) is not None:
                by_tenant.setdefault(tenant_id, {}).setdefault(socket.holder.user_id, []).append(socket)
        for tenant_id, people in by_tenant.items():
            user_ids = list(people)
            for place in range(0, len(user_ids), TOGETHER):
                for user_id, viewer in live_channels.viewers(tenant_id, user_ids[place : place + TOGETHER]).items():
                    self._reconsider(people[user_id], viewer)

    def _reconsider(self, sockets: Iterable[Socket], viewer: Actor | None) -> None:
        for socket in sockets:
            if reconsider(self._sockets, socket, viewer):
                self._presence.look_again(socket)


def reconsider(sockets: Sockets, socket: Socket, viewer: Actor | None) -> bool:
    """Let a socket see with new eyes: what its viewer may not follow any more is taken away from it, and said to be.

    Returns whether anything was different.
    """
    before, socket.viewer = socket.viewer, viewer
    if _powers(before) == _powers(viewer):
        return False
    for name in sorted(socket.channels):
        channel = live_channels.channel_named(name)
        if channel is not None and live_channels.is_own(socket.holder, channel):
            continue
        if channel is None or viewer is None or not live_channels.may_follow(viewer, channel):
            sockets.unfollow(socket, name)
            socket.tell(revocation(name))
        elif channel.id is None:
            socket.tell(revocation(name, still=True))
    return True


def _powers(viewer: Actor | None) -> Any:
    if viewer is None:
        return None
    roles = viewer.permissions, viewer.local_roles, viewer.task_roles, viewer.on_tasks.known, viewer.group_ids
    return (*roles, viewer.profile.is_shown)
