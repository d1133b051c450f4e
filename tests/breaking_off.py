"""A server whose answers break off."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def breaking_off(begun: Callable[[], bytes]) -> Iterator[str]:
    """The URL of a server that says `begun()` to every request and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                with client:
                    client.recv(65_536)
                    client.sendall(begun())

        answering = threading.Thread(target=answer)
        answering.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            answering.join(30)


def parts_of(fields: tuple[bytes, ...], body: bytes) -> Iterator[bytes]:
    """Each beginning of a good answer, with its length told first and last; `fields` are those of its head besides."""
    length = b"Content-Length: %d" % len(body)
    for lines in ([length, *fields], [*fields, length]):
        whole = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", body])
        yield from (whole[:cut] for cut in range(len(whole)))
