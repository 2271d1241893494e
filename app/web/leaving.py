"""When the process is told to stop, its sockets are sent away: gunicorn would hold them for as long as its patience."""

from __future__ import annotations

import signal
import threading
from typing import Any

from app.web.sockets import Sockets


def send_away_when_stopped(sockets: Sockets) -> None:
    """Send everybody away on SIGTERM, beside what the server does with it. In no server this does nothing."""
    servers_own = signal.getsignal(signal.SIGTERM)
    if not callable(servers_own) or threading.current_thread() is not threading.main_thread():
        return
    stopping = threading.Event()

    def stop(number: int, frame: Any) -> None:
        stopping.set()
        servers_own(number, frame)

    def send_away() -> None:
        stopping.wait()
        sockets.send_away()

    threading.Thread(target=send_away, name="live-leaving", daemon=True).start()
    signal.signal(signal.SIGTERM, stop)
