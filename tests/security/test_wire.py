"""What is written to a socket: frames that any browser reads, each whole, in the order in which they were told."""

from __future__ import annotations

import os
from socket import SO_SNDBUF, SOL_SOCKET, socketpair
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from wsproto.frame_protocol import FrameProtocol

from app.web.sockets import MOST_WAITING, Socket
from app.web.wire import WholeFrames, frame_of


@pytest.mark.parametrize("size", [0, 125, 126, 2**16 - 1, 2**16])
def test_a_frame_is_read_by_others_as_it_was_meant(size):
    assert read(frame_of("x" * size)) == ["x" * size]
    assert read(frame_of(b"x" * size)) == [b"x" * size]


def test_a_frame_of_which_a_part_was_taken_goes_on_before_anything_else():
    here, there = small_pair()
    line = WholeFrames(here)
    offered = [frame_of(f"{number:03}" * 50_000) for number in range(100)]
    taken = list(iter(lambda: line.offer(offered.pop(0)), False))
    assert line.is_behind
    assert not line.offer(b"overtaking")
    heard = reading(there)
    here.settimeout(None)
    line.send(frame_of("the last"))
    here.close()
    words = read(heard())
    assert [word[:3] for word in words] == [f"{number:03}" for number in range(len(taken))] + ["the"]
    assert {len(word) for word in words[:-1]} == {150_000}


def test_what_waits_for_a_slow_reader_is_told_in_order():
    here, there = small_pair()
    server = SimpleNamespace(sock=WholeFrames(here), event=Event(), input_buffer=[], connected=True)
    server.close = lambda _code, _reason: (setattr(server, "connected", False), here.close())
    socket = Socket(server, holder=None)
    for number in range(40):
        socket.tell(f"{number:03}" * 10_000)
    assert socket.free_places < MOST_WAITING
    holding = Thread(target=socket.hold, args=(lambda told, _message: told.end(1000, "Enough."),))
    heard = reading(there)
    holding.start()
    socket.tell("the last")
    while socket.free_places < MOST_WAITING or socket.is_busy:
        os.sched_yield()
    server.input_buffer.append("that is all")
    server.event.set()
    holding.join()
    assert [word[:3] for word in read(heard())] == [f"{number:03}" for number in range(40)] + ["the"]


def small_pair():
    """Two ends of a line for which the system keeps little."""
    here, there = socketpair()
    here.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
    here.setblocking(False)
    return here, there


def reading(there):
    """Read all that comes until the other end hangs up; returns what gives it."""
    heard = bytearray()
    reader = Thread(target=lambda: [heard.extend(some) for some in iter(lambda: there.recv(2**16), b"")])
    reader.start()

    def all_of_it():
        reader.join()
        there.close()
        return bytes(heard)

    return all_of_it


def read(sent):
    """The messages in what was sent, as another implementation reads them."""
    protocol = FrameProtocol(client=True, extensions=[])
    protocol.receive_bytes(sent)
    messages, parts = [], []
    for frame in protocol.received_frames():
        parts.append(bytes(frame.payload) if not isinstance(frame.payload, str) else frame.payload)
        if frame.message_finished:
            messages.append(type(parts[0])().join(parts))
            parts = []
    return messages
