"""`turnscribe publish`: its options, what it prints, and with which status it ends. `turnscribe.publish` does the work."""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from turnscribe.commands.command import EXIT_FAILED, EXIT_USAGE, Commands, failed, sigterm_is_ctrl_c
from turnscribe.commands.recording_options import BadUsage, add_recording_options, recording_options
from turnscribe.commands.stop_signals import stop_signals
from turnscribe.errors import TurnscribeClientError
from turnscribe.pipe_pieces import PipePieces
from turnscribe.publish import PATIENCE_S, PubSubTopic, publish_live, publish_recording, publish_reference
from turnscribe.recording_file import RecordingFile
from turnscribe.upload import ToldProgress, UploadedRecording
from turnscribe.upload_batch import INTERRUPTED, upload_all
from turnscribe.upload_identity import UploadOptions
from turnscribe.upload_views import choose_upload_view

EXIT_INTERRUPTED: Final = 130
CHUNK_MS: Final = 1_000
STDIN: Final = Path("-")


def _at_least_100(text: str) -> int:
    number = int(text)
    if number < 100:
        raise ValueError(text)
    return number


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "publish",
        help="send recordings or live audio through Pub/Sub",
        description=(
            "Publish recordings to the topic that a turnscribe installation listens to, or name objects that hold them. The same "
            "command again is harmless: what was there already counts once. Needs pip install 'turnscribe[publish]' and credentials "
            "that may publish."
        ),
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage, 130 interrupted.",
    )
    command.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="a recording; - with --live: standard input"
    )
    command.add_argument(
        "--topic", required=True, metavar="TOPIC", help="such as projects/my-project/topics/audio-uploads"
    )
    command.add_argument("--uri", action="append", default=[], metavar="gs://…", help="an object that is a recording")
    command.add_argument(
        "--meeting",
        metavar="ID",
        help="the meeting that all of them belong to (default: one each, named after the file)",
    )
    command.add_argument("--tenant", default="", metavar="ID", help="on whose behalf (default: the default tenant)")
    command.add_argument("--live", action="store_true", help="publish what comes on standard input as it comes")
    command.add_argument("--connection", metavar="ID", help="with --live: the name of this stream (default: a new one)")
    command.add_argument(
        "--chunk-ms",
        type=_at_least_100,
        metavar="N",
        help=f"with --live: publish what has come at least so often (default: {CHUNK_MS})",
    )
    add_recording_options(command)
    command.add_argument(
        "--timeout",
        type=float,
        default=PATIENCE_S,
        metavar="S",
        help="give up on a message after so many seconds (default: %(default)g)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    command.set_defaults(run=run_publish)


def run_publish(chosen: argparse.Namespace) -> int:
    """Publish and tell; returns the exit status."""
    try:
        options = recording_options(chosen)
        _check(chosen)
    except BadUsage as error:
        return failed(error, EXIT_USAGE)
    try:
        with PubSubTopic(chosen.topic, patience_s=chosen.timeout) as topic:
            if chosen.live:
                return _live(topic, chosen, options)
            return _whole(topic, chosen, options)
    except TurnscribeClientError as error:
        return failed(error, EXIT_FAILED)


def _check(chosen: argparse.Namespace) -> None:
    if chosen.live:
        if chosen.files not in ([], [STDIN]) or chosen.uri:
            raise BadUsage("--live publishes standard input: name no other FILE and no --uri")
        if chosen.meeting is None:
            raise BadUsage("--live needs --meeting")
        return
    if chosen.connection or chosen.chunk_ms:
        raise BadUsage("--connection and --chunk-ms need --live")
    if STDIN in chosen.files:
        raise BadUsage("standard input needs --live")
    if not chosen.files and not chosen.uri:
        raise BadUsage("name a FILE or a --uri")


def _whole(topic: PubSubTopic, chosen: argparse.Namespace, options: UploadOptions) -> int:
    def one(path: Path, progress: ToldProgress) -> UploadedRecording:
        with RecordingFile(path) as file:
            return publish_recording(topic, file, chosen.meeting, options, tenant=chosen.tenant, progress=progress)

    view = choose_upload_view()
    said: list[dict[str, object]] = []
    is_well, interrupted = True, False
    with sigterm_is_ctrl_c(), closing(view):
        outcomes, interrupted = upload_all(list(dict.fromkeys(chosen.files)), one, view, parallel=1)
        for outcome in outcomes:
            done = outcome.uploaded
            is_well = is_well and done is not None
            if done:
                ids = {"meeting_id": done.meeting_id, "connection_id": done.connection_id}
                said.append({"file": str(outcome.path), "status": "published", **ids, "size_bytes": done.size_bytes})
            else:
                status = INTERRUPTED if outcome.error == INTERRUPTED else "failed"
                said.append({"file": str(outcome.path), "status": status, "error": outcome.error})
        for uri in [] if interrupted else chosen.uri:
            try:
                publish_reference(topic, uri, chosen.meeting, options, tenant=chosen.tenant)
            except TurnscribeClientError as error:
                view.say(f"{uri}: {error}")
                said.append({"uri": uri, "status": "failed", "error": str(error)})
                is_well = False
            else:
                view.say(f"{uri}: published")
                said.append({"uri": uri, "status": "published", "meeting_id": chosen.meeting})
    if interrupted:
        print(
            "turnscribe: interrupted; the same command again sends all, and what is there counts once", file=sys.stderr
        )
    if chosen.json:
        print(json.dumps({"published": said}, ensure_ascii=False))
    return EXIT_INTERRUPTED if interrupted else 0 if is_well else EXIT_FAILED


def _live(topic: PubSubTopic, chosen: argparse.Namespace, options: UploadOptions) -> int:
    connection_id = chosen.connection or f"publish-{secrets.token_hex(8)}"
    named = {"meeting_id": chosen.meeting, "connection_id": connection_id}
    try:
        with stop_signals() as stop:

            def pieces() -> Iterator[tuple[bytes, int]]:
                pipe = PipePieces(sys.stdin.fileno(), stop.fd, piece_s=(chosen.chunk_ms or CHUNK_MS) / 1000)
                while piece := pipe.next_piece():
                    yield piece, time.time_ns() // 1_000_000
                stop.once_more_gives_up()

            size_bytes = publish_live(topic, pieces(), chosen.meeting, connection_id, options, tenant=chosen.tenant)
    except KeyboardInterrupt:
        print(f"turnscribe: given up; {connection_id} of meeting {chosen.meeting} has no end", file=sys.stderr)
        return EXIT_INTERRUPTED
    print(f"{connection_id} of meeting {chosen.meeting}: {size_bytes} bytes published", file=sys.stderr)
    if chosen.json:
        print(json.dumps({"published": [{**named, "status": "published", "size_bytes": size_bytes}]}))
    return 0
