"""`turnscribe upload`: its options, what it prints, and with which status it ends."""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from turnscribe.client import Client, TranscriptFormat
from turnscribe.commands.command import (
    EXIT_FAILED,
    EXIT_USAGE,
    Commands,
    failed,
    server_options,
    sigterm_is_ctrl_c,
    token_of,
    with_client,
)
from turnscribe.commands.recording_options import BadUsage, add_recording_options, recording_options
from turnscribe.demo.speakers import UnreadableSpeakers, load_ground_truth
from turnscribe.errors import TurnscribeClientError
from turnscribe.rate_limit import RateLimit, bytes_per_second
from turnscribe.speaker_intervals import Interval
from turnscribe.transcript_files import SUFFIXES, wait_until_transcribed, write_transcript
from turnscribe.transport import RetryPolicy
from turnscribe.upload import ToldProgress, UploadedRecording
from turnscribe.upload_batch import INTERRUPTED, Outcome, upload_all
from turnscribe.upload_identity import UploadOptions
from turnscribe.upload_views import UploadView, choose_upload_view

EXIT_INTERRUPTED: Final = 130
TIMEOUT_S: Final = 600.0


def _rate(text: str) -> float:
    try:
        return bytes_per_second(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "upload",
        parents=[server_options()],
        help="upload recordings, and wait for their transcripts if wanted",
        description=(
            "Upload recordings, several at once. Interrupted or killed (Ctrl-C, kill -9, no network), the same command goes on "
            "where it was; what is there already is not uploaded again."
        ),
        epilog="Exit status: 0 all well, 1 something failed, 2 bad usage, 130 interrupted.",
    )
    command.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a recording: webm, ogg, wav, mp3, flac, m4a, …"
    )
    command.add_argument(
        "--meeting",
        metavar="ID",
        help="the meeting that all of them belong to (default: one each, named after the file)",
    )
    command.add_argument(
        "--parallel", type=_at_least_one, default=2, metavar="N", help="files at once (default: %(default)d)"
    )
    add_recording_options(command)
    command.add_argument(
        "--speakers",
        type=Path,
        metavar="FILE.json",
        help='who spoke when in the one FILE: {"turns": [{"speaker", "start", "end"}, …]}, in seconds',
    )
    command.add_argument("--limit-rate", type=_rate, metavar="RATE", help="bytes per second in all, such as 500k or 2M")
    command.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="S",
        help="give up when nothing has moved for so many seconds (default: %(default)g)",
    )
    command.add_argument("--wait", action="store_true", help="wait for the transcripts and print or write them")
    command.add_argument(
        "--format", choices=tuple(SUFFIXES), default="text", help="of the transcripts (default: %(default)s)"
    )
    command.add_argument(
        "--output", type=Path, metavar="DIR", help="a folder for the transcripts (default: standard output)"
    )
    command.add_argument(
        "--read-url", metavar="URL", help="the server of transcripts, where it is another (default: --url)"
    )

    command.set_defaults(run=with_client(run_upload, lambda chosen: chosen.timeout))


def run_upload(client: Client, chosen: argparse.Namespace) -> int:
    """Upload, wait if wanted, tell; returns the exit status."""
    try:
        options, speakers = upload_options(chosen), speakers_of(chosen)
    except (BadUsage, UnreadableSpeakers) as error:
        return failed(error, EXIT_USAGE)
    limit = RateLimit(chosen.limit_rate) if chosen.limit_rate else None

    def one(path: Path, progress: ToldProgress) -> UploadedRecording:
        return client.upload(
            path, meeting_id=chosen.meeting, options=options, speakers=speakers, limit=limit, progress=progress
        )

    view = choose_upload_view()
    transcripts: list[dict[str, str]] = []
    with sigterm_is_ctrl_c(), closing(view):
        outcomes, interrupted = upload_all(list(dict.fromkeys(chosen.files)), one, view, parallel=chosen.parallel)
        is_well = all(outcome.uploaded for outcome in outcomes)
        try:
            if chosen.wait and not interrupted:
                _take_transcripts(outcomes, chosen, view, transcripts)
        except KeyboardInterrupt:
            interrupted = True
        except (TurnscribeClientError, OSError) as error:
            view.say(f"turnscribe: {error}")
            is_well = False
    if interrupted:
        print("turnscribe: interrupted; the same command goes on from here", file=sys.stderr)
    if chosen.json:
        print(json.dumps(as_json(outcomes, transcripts, waited=chosen.wait), ensure_ascii=False))
    return EXIT_INTERRUPTED if interrupted else 0 if is_well else EXIT_FAILED


def upload_options(chosen: argparse.Namespace) -> UploadOptions:
    """What is said about all files. Raises `BadUsage` for what does not fit together."""
    options = recording_options(chosen)
    if not chosen.wait and (chosen.output or chosen.read_url):
        raise BadUsage("--output and --read-url need --wait")
    several = len(chosen.files) > 1 and chosen.meeting is None
    if chosen.wait and several and chosen.format != "text" and not chosen.output and not chosen.json:
        raise BadUsage(f"several transcripts as {chosen.format} need --output or --json")
    return options


def speakers_of(chosen: argparse.Namespace) -> tuple[Interval, ...]:
    """Who spoke when, if that is said. Raises `BadUsage`, or `UnreadableSpeakers`."""
    if chosen.speakers is None:
        return ()
    if len(chosen.files) > 1:
        raise BadUsage("--speakers says who spoke in one FILE; upload the others by themselves")
    turns = load_ground_truth(chosen.speakers).turns
    return tuple(Interval(turn.speaker, round(turn.start * 1000), round(turn.end * 1000)) for turn in turns)


def _take_transcripts(
    outcomes: Sequence[Outcome], chosen: argparse.Namespace, view: UploadView, transcripts: list[dict[str, str]]
) -> None:
    """Wait for what was uploaded; add each as it gets ready, and print it, unless it is for a file or JSON."""
    connections: defaultdict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        if outcome.uploaded:
            connections[outcome.uploaded.meeting_id].add(outcome.uploaded.connection_id)
    format_: TranscriptFormat = chosen.format

    def ready(meeting_id: str) -> None:
        if chosen.output:
            path = write_transcript(reader, meeting_id, format_, chosen.output)
            view.say(f"{path}: transcript of meeting {meeting_id}")
            transcripts.append({"meeting_id": meeting_id, "path": str(path)})
            return
        content = reader.transcript_bytes(meeting_id, format_).decode()
        transcripts.append({"meeting_id": meeting_id, "content": content})
        if not chosen.json:
            heading = f"== {meeting_id}\n" if len(connections) > 1 else ""
            print(heading + content.removesuffix("\n"), flush=True)

    retry = RetryPolicy(give_up_after_s=chosen.timeout)
    with Client(chosen.read_url or chosen.url, token_of(chosen), retry=retry) as reader:
        if connections:
            view.say("Waiting for the transcripts …")
            wait_until_transcribed(reader, connections, timeout_s=chosen.timeout, ready=ready)


def as_json(outcomes: Sequence[Outcome], transcripts: Sequence[dict[str, str]], *, waited: bool) -> dict[str, object]:
    """The document that `--json` prints. Pure."""
    files = [
        {"file": str(outcome.path), "status": "uploaded", **_members(outcome.uploaded)}
        if outcome.uploaded
        else {
            "file": str(outcome.path),
            "status": INTERRUPTED if outcome.error == INTERRUPTED else "failed",
            "error": outcome.error,
        }
        for outcome in outcomes
    ]
    return {"files": files, **({"transcripts": list(transcripts)} if waited else {})}


def _members(done: UploadedRecording) -> dict[str, object]:
    return {
        "meeting_id": done.meeting_id,
        "connection_id": done.connection_id,
        "size_bytes": done.size_bytes,
        "resumed_from_bytes": done.resumed_from_bytes,
    }
