"""A port of this machine that nothing may connect to."""

import socket
import threading
from typing import Self


class Listener:
    """Listens on 127.0.0.1 and, where there is one, on [::1] at the same port, and counts who comes. Use as a context manager."""

    def __init__(self) -> None:
        self.connections = 0
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._sockets[0].getsockname()[1]
        try:
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        except OSError:
            self.has_ipv6 = False
        else:
            self.has_ipv6 = True

    def _count(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._count, args=(each,)) for each in self._sockets]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for each in self._sockets:
            each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()
