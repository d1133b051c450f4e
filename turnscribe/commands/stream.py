"""`turnscribe stream -`: its options, what it prints, and with which status it ends."""

import argparse
import json
import secrets
import sys
from contextlib import ExitStack
from typing import Final

from turnscribe.client import Client
from turnscribe.commands.command import EXIT_FAILED, EXIT_USAGE, Commands, failed, server_options, token_of
from turnscribe.commands.recording_options import add_connection_options
from turnscribe.commands.stop_signals import stop_signals
from turnscribe.credentials import NoToken
from turnscribe.errors import TurnscribeClientError
from turnscribe.live import LiveStream
from turnscribe.live_views import DurableLine, FinalLines, durable
from turnscribe.live_worker import LiveProgress
from turnscribe.pipe_pieces import PipePieces
from turnscribe.transport import RetryPolicy

EXIT_INTERRUPTED: Final = 130
TIMEOUT_S: Final = 600.0


def _at_least_100(text: str) -> int:
    number = int(text)
    if number < 100:
        raise ValueError(text)
    return number


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "stream",
        parents=[server_options()],
        help="stream live audio from standard input",
        description=(
            "Send what comes on standard input as it comes: ffmpeg -f pulse -i default -c:a libopus -f webm - | "
            "turnscribe stream - --meeting standup. Whatever breaks on the way, nothing that was read is lost: it is kept and sent "
            "again. The end of the input, or Ctrl-C, ends the stream; a second Ctrl-C gives up what is not durable yet."
        ),
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage, 130 given up by Ctrl-C.",
    )
    command.add_argument("input", choices=("-",), metavar="-", help="standard input")
    command.add_argument("--meeting", required=True, metavar="ID", help="the meeting that it belongs to")
    command.add_argument(
        "--connection",
        metavar="ID",
        help="the name of this stream (default: a new one); the one of an earlier run that was not ended goes on after it",
    )
    command.add_argument(
        "--content-type",
        default="",
        metavar="TYPE",
        help="of samples without a header: audio/pcm;rate=16000;channels=1",
    )
    command.add_argument(
        "--language", default="", metavar="CODE", help="spoken language, such as en (default: detected)"
    )
    command.add_argument("--source", default="", metavar="NAME", help="where it takes place, such as zoom")
    add_connection_options(command)
    command.add_argument(
        "--chunk-ms",
        type=_at_least_100,
        default=1_000,
        metavar="N",
        help="send what has come at least so often (default: %(default)d)",
    )
    command.add_argument("--show", action="store_true", help="print what was said, line by line, once it is final")
    command.add_argument(
        "--read-url", metavar="URL", help="the server of transcripts, where it is another (default: --url)"
    )
    command.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="S",
        help="give up when nothing has got through for so many seconds (default: %(default)g)",
    )
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    """Stream, tell, show if wanted; returns the exit status."""
    try:
        token = token_of(chosen)
    except NoToken as error:
        return failed(error, EXIT_USAGE)
    connection_id = chosen.connection or f"stream-{secrets.token_hex(8)}"
    told = DurableLine(sys.stderr)
    once = RetryPolicy(give_up_after_s=0.0)  # the next look at the transcript comes in a second
    with ExitStack() as open_, Client(chosen.read_url or chosen.url, token, retry=once, timeout_s=10.0) as reader:
        stop = open_.enter_context(stop_signals())
        lines = FinalLines(reader, chosen.meeting, connection_id, sys.stderr if chosen.json else sys.stdout)
        if chosen.show:
            lines.start()
            open_.callback(lines.stop)
        live = LiveStream(
            chosen.url,
            token,
            chosen.meeting,
            connection_id,
            content_type=chosen.content_type,
            source=chosen.source,
            language=chosen.language,
            connections=chosen.connections,
            participant=chosen.participant,
            retry=RetryPolicy(give_up_after_s=chosen.timeout),
            progress=told.tell,
        )
        try:
            with live:
                _send_all(live, PipePieces(sys.stdin.fileno(), stop.fd, piece_s=chosen.chunk_ms / 1000))
                stop.once_more_gives_up()
            told.end(f"{connection_id} of meeting {chosen.meeting} has ended: {durable(live.progress)}")
            if chosen.show:
                lines.finish(chosen.timeout)
        except TurnscribeClientError as error:
            told.end(f"{connection_id} of meeting {chosen.meeting}: {durable(live.progress)}")
            return failed(error, EXIT_FAILED)
        except KeyboardInterrupt:
            told.end(f"given up: {connection_id} of meeting {chosen.meeting}: {durable(live.progress)}")
            return EXIT_INTERRUPTED
        if chosen.json:
            print(json.dumps(_as_json(chosen.meeting, connection_id, live.progress)))
    return 0


def _send_all(live: LiveStream, pieces: PipePieces) -> None:
    while piece := pieces.next_piece():
        live.send(piece)


def _as_json(meeting_id: str, connection_id: str, progress: LiveProgress) -> dict[str, object]:
    return {
        "meeting_id": meeting_id,
        "connection_id": connection_id,
        "chunks": progress.durable_chunks,
        "bytes": progress.durable_bytes,
    }
