"""The threads of a live stream: one that opens WebSockets and sends, and for each WebSocket one that reads the answers."""

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import Literal

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from turnscribe.errors import TurnscribeClientError
from turnscribe.live_messages import Ready, Refused, ServerMessage, server_message
from turnscribe.live_outbox import End, Outbox, Pending
from turnscribe.live_socket import ABNORMAL, CLOSE_TIMEOUT_S, closing_failure
from turnscribe.transport import PassingFailure, Patience, RetryPolicy

State = Literal["connecting", "live", "waiting", "ended"]


@dataclass(frozen=True)
class LiveProgress:
    """How far a live stream is."""

    state: State
    durable_chunks: int
    """Of those that this process sent."""
    durable_bytes: int
    waiting_bytes: int
    """Taken, and not durable yet."""
    detail: str = ""
    """Why, and for how long, it waits."""


class StreamOver(TurnscribeClientError):
    """The stream was ended or closed before."""


class LiveWorker:
    """Sends what lies in `outbox` until the end is durable, somebody stops it, or it fails for good."""

    def __init__(
        self,
        name: str,
        open_socket: Callable[[], AbstractContextManager[ClientConnection]],
        retry: RetryPolicy,
        told: Callable[[LiveProgress], None],
    ) -> None:
        self._name = name
        self._open_socket = open_socket
        self._patience = Patience(retry, self._pause, time.monotonic)
        self._told = told
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.changed = threading.Condition()
        """Guards all that follows, and is notified of its changes."""
        self.outbox = Outbox()
        self._state: State = "connecting"
        self._socket: ClientConnection | None = None
        """That of now, or the last one."""
        self._is_ready = False
        self._closed: tuple[int, str] | None = None
        """Code and reason, once the WebSocket of now is closed."""
        self._refused: Refused | None = None
        self._failure: Exception | None = None
        self._end: End | None = None
        self._is_done = False
        """Nothing will be answered any more."""

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more, and wait for the threads."""
        with self.changed:
            self._stopping.set()
            self.changed.notify_all()
        if threading.current_thread() is self._thread:
            return
        self._thread.join(CLOSE_TIMEOUT_S)
        with self.changed:
            socket = self._socket
        if self._thread.is_alive() and socket is not None:  # it waits for a server that reads nothing
            with contextlib.suppress(OSError):
                socket.socket.shutdown(SHUT_RDWR)
        self._thread.join()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken."""
        return self._failure is not None or self._end is not None or self._stopping.is_set()

    def refuse_when_over(self) -> None:
        """Raise what ended it, if it is over. Call it with `changed` held."""
        if self._failure is not None:
            raise self._failure
        if self.is_over:
            raise StreamOver("the stream is over")

    def end(self) -> End:
        """Take the end; nothing is taken after it. Call it with `changed` held."""
        self._end = self.outbox.put_end()
        self.changed.notify_all()
        return self._end

    def wait_for_answer(self, pending: Pending) -> None:
        """Return once `pending` is answered. Raises its refusal, or what ended the stream. Call it with `changed` held."""
        self.changed.wait_for(lambda: pending.answer is not None or self._failure is not None or self._is_done)
        if isinstance(pending.answer, TurnscribeClientError):
            raise pending.answer
        if pending.answer is None:
            raise self._failure or StreamOver("the stream was closed before this was durable")

    def progress(self, detail: str = "") -> LiveProgress:
        """How far it is."""
        with self.changed:
            box = self.outbox
            return LiveProgress(self._state, box.durable_chunks, box.durable_bytes, box.waiting_bytes, detail)

    def _tell(self, state: State, detail: str = "") -> None:
        with self.changed:
            self._state = state
        self._told(self.progress(detail))

    def _run(self) -> None:
        try:
            while not (self._has_ended or self._stopping.is_set()):
                self._connect_once()
        except Exception as error:  # noqa: BLE001 -- else nobody would learn of it, in this thread
            with self.changed:
                self._failure = error
        finally:
            with self.changed:
                self._is_done = True
                self.changed.notify_all()

    def _connect_once(self) -> None:
        try:
            with self._open_socket() as socket:
                self._talk(socket)
        except PassingFailure as failure:
            if not self._stopping.is_set():
                why = str(failure)
                self._patience.wait(
                    failure, lambda pause_s: self._tell("waiting", f"{why}; next try in {pause_s:.1f} s")
                )

    def _pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _talk(self, socket: ClientConnection) -> None:
        """Send what there is until the stream is ended or stopped. Raises what the server's close means."""
        self._begin(socket)
        reader = threading.Thread(target=self._read, args=(socket,), name=f"{self._name} answers", daemon=True)
        reader.start()
        try:
            while messages := self._next_messages():
                for message in messages:
                    socket.send(message)
        except ConnectionClosed:
            pass  # the reader learns why
        finally:
            socket.close()
            reader.join()
        if self._failure is not None:
            raise self._failure
        if not (self._has_ended or self._stopping.is_set()):
            code, reason = self._closed or (ABNORMAL, "")
            raise closing_failure(code, reason, self._refused)

    def _begin(self, socket: ClientConnection) -> None:
        with self.changed:
            self._socket = socket
            self._is_ready, self._closed, self._refused = False, None, None

    @property
    def _has_ended(self) -> bool:
        return self._end is not None and self._end.answer is not None

    @property
    def _is_socket_over(self) -> bool:
        return self._stopping.is_set() or self._closed is not None or self._has_ended

    def _next_messages(self) -> list[str | bytes]:
        """What to send next, as soon as there is something; nothing once this WebSocket is over."""
        with self.changed:
            self.changed.wait_for(lambda: self._is_socket_over or (self._is_ready and self.outbox.has_unsent))
            return [] if self._is_socket_over else self.outbox.next_messages()

    def _read(self, socket: ClientConnection) -> None:
        closed = ABNORMAL, ""
        try:
            while True:
                self._take(server_message(socket.recv()))
        except ConnectionClosed as error:
            if error.rcvd is not None:
                closed = error.rcvd.code, error.rcvd.reason
        except Exception as error:  # noqa: BLE001 -- as above
            with self.changed:
                self._failure = error
        finally:
            with self.changed:
                self._closed = closed
                self.changed.notify_all()

    def _take(self, message: ServerMessage) -> None:
        with self.changed:
            if isinstance(message, Ready):
                has_moved = self.outbox.connected(message)
                self._is_ready = True
            else:
                has_moved = self.outbox.answered(message)
                if isinstance(message, Refused) and not has_moved:
                    self._refused = message
            if has_moved:
                self._patience.renew()
            self.changed.notify_all()
        self._tell("ended" if self._has_ended else "live")
