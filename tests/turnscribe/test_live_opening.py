"""Opening a WebSocket where there is a listener and no server behind it, as a front end is while a service restarts."""

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosedError

from turnscribe import live_socket
from turnscribe.transport import PassingFailure


@pytest.fixture
def resetting() -> Iterator[str]:
    """The URL of a listener that resets every connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset_all() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                accepted.close()

        thread = threading.Thread(target=reset_all)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_connection_that_is_reset_while_it_is_opened_is_tried_again(resetting: str) -> None:
    for _ in range(40):  # it is reset before, while and after we ask
        with pytest.raises(PassingFailure), live_socket.opened(resetting, "token", {}):
            pass


def test_a_connection_that_ends_between_its_opening_and_our_request_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise ConnectionClosedError(None, None)

    monkeypatch.setattr(live_socket, "connect", closed)
    with pytest.raises(PassingFailure), live_socket.opened("http://127.0.0.1:9", "token", {}):
        pass
