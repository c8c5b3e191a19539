"""A relay to a server that cuts its first connections in the middle, as a server that is killed does."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds


class CuttingRelay:
    """Passes bytes on to a server, and cuts connections.

    Attributes:
      connections: so many were taken so far.
    """

    def __init__(self, target: tuple[str, int], *, cuts: int, after_bytes: int, of_answer: bool, reset: bool) -> None:
        """Begins with a server.

        Args:
          target: host and port of the server.
          cuts: connections to cut; the later ones are whole.
          after_bytes: that were passed on in the direction that is watched.
          of_answer: whether the answer is watched, or the request.
          reset: whether the end is a reset, or an orderly close.
        """
        self._target, self._cuts, self._after, self._of_answer, self._reset = (
            target,
            cuts,
            after_bytes,
            of_answer,
            reset,
        )
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def accept_all(self) -> None:
        """Serves until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            is_cut = self.connections < self._cuts
            self.connections += 1
            for source, sink, is_answer in ((client, server, False), (server, client, True)):
                limit = self._after if is_cut and is_answer == self._of_answer else None
                arguments = (source, sink, client, limit)
                threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def close(self) -> None:
        """Ends all connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            each.close()

    def _pass_on(self, source: socket.socket, sink: socket.socket, client: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                if limit is not None and passed + len(content) >= limit:
                    sink.sendall(content[: limit - passed])
                    self._cut(client)
                    return
                sink.sendall(content)
                passed += len(content)
            sink.shutdown(socket.SHUT_WR)

    def _cut(self, client: socket.socket) -> None:
        if self._reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # Wakes the thread that reads from it, which would keep it open.
        client.shutdown(socket.SHUT_RD if self._reset else socket.SHUT_RDWR)
        client.close()


@contextlib.contextmanager
def cutting_relay(
    target: str, *, cuts: int, after_bytes: int, of_answer: bool = False, reset: bool = True
) -> Iterator[tuple[str, CuttingRelay]]:
    """Runs a relay before a server, see `CuttingRelay`; gives its host:port, and itself."""
    host, _, port = target.removeprefix("http://").partition(":")
    relay = CuttingRelay((host, int(port)), cuts=cuts, after_bytes=after_bytes, of_answer=of_answer, reset=reset)
    thread = threading.Thread(target=relay.accept_all)
    thread.start()
    try:
        yield f"127.0.0.1:{relay.port}", relay
    finally:
        relay.close()
        thread.join()
