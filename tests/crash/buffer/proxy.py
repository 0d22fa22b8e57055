"""A way to a server that can be closed, or breaks around a COMMIT."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal

from sqlalchemy import make_url

Cut = Literal["before", "after"]
"""``before``: the server never hears of the COMMIT. ``after``: its answer is never heard."""


class Proxy:
    """Hands on what is said, until it is told otherwise. ``cuts`` counts broken COMMITs."""

    def __init__(self, url: str) -> None:
        self._to = make_url(url)
        self._server = (self._to.host or "127.0.0.1", self._to.port or 0)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._armed: Cut | None = None
        self.cuts = 0
        self._listener = self._listening(0)
        self.port = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        changed = self._to.set(host="127.0.0.1", port=self.port)
        return changed.render_as_string(hide_password=False)

    def _listening(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def arm(self, cut: Cut) -> None:
        """The next COMMIT breaks its connection."""
        self._armed = cut

    def away(self) -> None:
        """Nobody gets through, and who was is cut off."""
        # A thread that waits in accept would keep the port: shutdown wakes it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                _end(one)
            self._open.clear()

    def back(self) -> None:
        self._listener = self._listening(self.port)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server)
        except OSError:
            _end(client)
            return
        with self._lock:
            self._open += [client, server]
        deaf = threading.Event()
        answers = threading.Thread(target=_pump, args=(server, client, deaf), daemon=True)
        answers.start()
        self._forward(client, server, deaf)

    def _forward(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                cut = self._armed if b"COMMIT" in data else None
                if cut is None:
                    server.sendall(data)
                    continue
                self._armed = None
                self.cuts += 1
                if cut == "after":
                    deaf.set()
                    server.sendall(data)
                    server.shutdown(socket.SHUT_WR)  # it answers what it has heard, then ends
                    _heard_out(server)
                break
        _end(client)
        _end(server)


def _pump(source: socket.socket, target: socket.socket, deaf: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            if not deaf.is_set():
                target.sendall(data)
    _end(target)


def _heard_out(server: socket.socket) -> None:
    """Until the server has closed, so that the COMMIT is done when the client hears of the cut."""
    with suppress(OSError):
        while server.recv(1 << 16):
            pass


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
