"""A way to a server that can be slow, break in the middle of a transfer, or lead nowhere: a TCP proxy on a port of 127.0.0.1."""

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

Way = Literal["open", "slow", "cut", "refuse"]
PIECE_BYTES: Final = 64 * 1024
CUT_SHARE: Final = 0.06
"""Of the pieces that pass: so many end their connection in the middle."""
_ABORT: Final = struct.pack("ii", 1, 0)


@dataclass
class LinkFront:
    """From `port` to `target`. `become` changes how it is from now on, for connections that are open too."""

    port: int
    target: int
    chance: random.Random
    way: Way = "open"
    most_s: float = 0.0

    def __post_init__(self) -> None:
        self._writers: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def become(self, way: Way, most_s: float) -> None:
        self.way, self.most_s = way, most_s
        if way == "refuse":
            for writer in list(self._writers):
                abort(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.way == "refuse":
            abort(writer)
            return
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            abort(writer)
            return
        both = {writer, onward_writer}
        self._writers |= both
        try:
            await asyncio.gather(
                self._pass(reader, onward_writer, both),
                self._pass(onward_reader, writer, both),
            )
        finally:
            self._writers -= both
            for each in both:
                each.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, both: set[asyncio.StreamWriter]
    ) -> None:
        try:
            while piece := await reader.read(PIECE_BYTES):
                if self.way == "slow":
                    await asyncio.sleep(self.chance.uniform(0, self.most_s))
                if self.way == "cut" and self.chance.random() < CUT_SHARE:
                    writer.write(piece[: self.chance.randrange(len(piece))])
                    await writer.drain()
                    for each in both:
                        abort(each, lingering=each is not writer)
                    return
                writer.write(piece)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            for each in both:
                abort(each)


def abort(writer: asyncio.StreamWriter, *, lingering: bool = True) -> None:
    """End a connection at once, by a reset unless what was written last is to arrive (`lingering` False)."""
    connection = writer.get_extra_info("socket")
    if lingering and connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        writer.transport.abort()
    else:
        writer.close()
