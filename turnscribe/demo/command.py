"""`turnscribe demo`, from options to exit status: what is played, on which server, and what is told at the end.

Playing and watching one run is `turnscribe.demo.run`.
"""

import hashlib
import json
import os
import secrets
import signal
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from turnscribe.client import Client
from turnscribe.demo import run_record
from turnscribe.demo.playback import Observation
from turnscribe.demo.recording import Recording, UnreadableRecording, load_recording
from turnscribe.demo.report import Report
from turnscribe.demo.run import Clients, Input, Run
from turnscribe.demo.run_record import RunRecord
from turnscribe.demo.speakers import GroundTruth, UnreadableSpeakers, interval_windows, load_ground_truth, mask_windows
from turnscribe.demo.views import View, choose_view
from turnscribe.errors import TurnscribeClientError
from turnscribe.local_server import RUNNER, STACK, LocalServer, LocalServerFailed

HERE: Final = Path(__file__).parent
CONVERSATION: Final = HERE / "conversation.webm"
CONVERSATION_TRUTH: Final = HERE / "conversation.json"
SPEAKER_DELAY_S: Final = 1
"""How late the imagined meeting shows who speaks."""
SPEAKER_WAIT_S: Final = 60
"""The longest that the segmenter allows."""
READY_TIMEOUT_S: Final = 120.0
EXIT_LOST: Final = 1
EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130


@dataclass(frozen=True)
class DemoOptions:
    """What the command line says. `audio` None is the conversation that comes along; `port` None is a free one.

    With `stack` the services run as in production, on emulators, which begin empty: such a run always begins anew.
    """

    audio: Path | None
    speakers: Path | None
    json: bool
    data_dir: Path
    speed: float
    port: int | None
    keep: bool
    timeout_s: float
    stack: bool = False


def run_demo(options: DemoOptions) -> int:
    """Do it; returns the exit status. 0: complete and nothing lost."""
    try:
        what = read_input(options, os.environ.get("AUDIO_CHUNK_DURATION_SEC") or "3")
    except (UnreadableRecording, UnreadableSpeakers) as error:
        return _failed(str(error), EXIT_BAD_INPUT)
    options.data_dir.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _interrupt)
    view = choose_view(json_wanted=options.json)
    try:
        report = _run(options, what, view)
    except KeyboardInterrupt:
        view.close()
        return _failed(f"interrupted; the same command {_next_time(options)}", EXIT_INTERRUPTED)
    except (LocalServerFailed, TurnscribeClientError) as error:
        view.close()
        return _failed(f"{error}\nThe same command {_next_time(options)}.", EXIT_LOST)
    if options.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    return EXIT_LOST if report.lost else 0


def _next_time(options: DemoOptions) -> str:
    return "begins anew: the emulators forget" if options.stack else "goes on from here"


def _failed(message: str, status: int) -> int:
    print(f"turnscribe: {message}", file=sys.stderr)
    return status


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM ends the demo as Ctrl-C does: children are stopped."""
    raise KeyboardInterrupt


def read_input(options: DemoOptions, chunk_duration_s: str) -> Input:
    """Read what is to be played. Raises `UnreadableRecording` or `UnreadableSpeakers`."""
    try:
        piece_ms = round(float(chunk_duration_s) * 1000)
    except ValueError:
        raise UnreadableRecording(f"AUDIO_CHUNK_DURATION_SEC: {chunk_duration_s!r} is no number of seconds") from None
    if piece_ms <= 0:
        raise UnreadableRecording("AUDIO_CHUNK_DURATION_SEC: must be more than 0")
    recording = load_recording(options.audio or CONVERSATION, piece_ms)
    truth_path = options.speakers or (None if options.audio else CONVERSATION_TRUTH)
    if truth_path is None:
        return Input(recording, piece_ms, None, "", ())
    truth = load_ground_truth(truth_path)
    digest = hashlib.sha256(truth_path.read_bytes()).hexdigest()
    return Input(recording, piece_ms, truth, digest, _observations(options, recording, truth))


def _observations(options: DemoOptions, recording: Recording, truth: GroundTruth) -> tuple[Observation, ...]:
    duration_ms = recording.duration_ms or round(max((turn.end for turn in truth.turns), default=0.0) * 1000)
    if options.audio is None and recording.duration_ms is not None:
        return mask_windows(truth, duration_ms, delay_ms=SPEAKER_DELAY_S * 1000)
    return interval_windows(truth, duration_ms)


def new_record(what: Input, options: DemoOptions, now_ms: int) -> RunRecord:
    """A run that begins now. Its audio begins so far in the past that it ends, at the demo's speed, in the present."""
    duration_ms = what.recording.duration_ms or 0
    played_in_ms = duration_ms / options.speed if options.speed else 0.0
    run_id = secrets.token_hex(4)
    return RunRecord(
        audio=str(what.recording.path),
        sha256=what.recording.sha256,
        speakers_sha256=what.speakers_sha256,
        piece_ms=what.piece_ms,
        meeting_id=f"demo-{run_id}",
        connection_id=f"demo-{run_id}-browser",
        started_at_ms=now_ms - max(0, round(duration_ms - played_in_ms)),
    )


def server_settings(options: DemoOptions, what: Input) -> dict[str, str]:
    """What the server must know about this run. Pure.

    Every speaker observation will come, if only after an interruption: then the cuts, and so the words, are the same again.
    """
    settings = {}
    if options.audio is None:
        settings["SPEAKER_DELAY_SEC"] = str(SPEAKER_DELAY_S)
    if what.observations:
        settings["SPEAKER_WAIT_SEC"] = str(SPEAKER_WAIT_S)
    return settings


def _run(options: DemoOptions, what: Input, view: View) -> Report:
    record = new_record(what, options, time.time_ns() // 1_000_000)
    previous = None if options.stack else run_record.unfinished(run_record.load(options.data_dir), record)
    record = previous or record
    environ = dict(os.environ) | server_settings(options, what)
    view.say(f"Starting {'the emulators, ' if options.stack else ''}the services and Whisper …")
    with LocalServer(options.data_dir, options.port, environ, STACK if options.stack else RUNNER) as server:
        server.wait_until_ready(READY_TIMEOUT_S)
        if not options.stack:
            run_record.save(options.data_dir, record)
        if previous:
            view.say(f"Going on with the unfinished run {record.meeting_id}.")
        with ExitStack() as connected:
            urls = server.url, server.read_url, server.stats_url
            clients = Clients(*(connected.enter_context(Client(url, server.token)) for url in urls))
            run = Run(clients, server, what, record, view, speed=options.speed, timeout_s=options.timeout_s)
            report = run.play(resumed=previous is not None, folder=options.data_dir / "transcripts")
        if report.complete and not options.stack:
            run_record.save(options.data_dir, run_record.finished(record))
        _tell(options, view, report, server)
        if options.keep:
            threading.Event().wait()
    return report


def _tell(options: DemoOptions, view: View, report: Report, server: LocalServer) -> None:
    view.close()
    view.table("Measured", report.as_rows())
    for sentence in report.lost:
        view.say(f"LOST: {sentence}")
    if options.json:
        return
    show_token = sys.stdout.isatty()
    page = f"{server.read_url}/app/meetings/{report.meeting_id}"
    # In the fragment, which a browser keeps to itself.
    view.say(f"\n{page}#token={server.token}" if show_token else f"\n{page}   (token: {server.token_path})")
    if options.keep:
        view.say("Serving until Ctrl-C.")
    elif options.stack:
        view.say(
            "Everything stops now and the emulators forget it; with --keep it goes on serving. The files above stay."
        )
    else:
        port = server.url.rpartition(":")[2]
        view.say(
            f"The server stops now; `turnscribe serve --data-dir {options.data_dir} --port {port}` shows it again."
        )
