"""`turnscribe deadletters` against the transcribe service over HTTP, behind the embedded queue."""

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest
import structlog
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Subscription
from common.clock import SystemClock
from common.dead_letters import DeadLetters, as_dead_letter
from common.errors import Retryable
from common.events import SEGMENTS_TOPIC, SegmentReady, to_message
from common.settings import Secret
from tests.push_receiver import PATIENCE_S
from tests.transcribe_service.fakes import API_TOKEN, PUSH_TOKEN, World, segment_ready
from tests.waiting import until
from transcribe_service.app import create_app
from turnscribe.cli import main
from turnscribe.client import Client

UNKNOWN = f"{5:014d}-{'0' * 32}"


@pytest.fixture
def world() -> World:
    return World()


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def quiet_services() -> Iterator[None]:
    """The services log in this process; only what the command prints is looked at."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """Serves applications; gives their URLs."""
    with ExitStack() as running:

        def serving(app: Flask) -> str:
            server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            running.callback(server.server_close)
            running.callback(thread.join)
            running.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield serving


@pytest.fixture(autouse=True)
def no_token_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TURNSCRIBE_TOKEN", "API_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(
    world: World,
    serve: Callable[[Flask], str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command against the service in `world`; its status and what it printed on standard output and error."""
    url = serve(create_app(world.deps()))
    monkeypatch.setenv("TURNSCRIBE_TOKEN", API_TOKEN)

    def running(*arguments: str) -> tuple[int, str, str]:
        return command(capsys, *arguments, "--url", url)

    return running


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(["deadletters", *arguments])
    printed = capsys.readouterr()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, printed.out, printed.err


def keep(world: World, event: SegmentReady, data: bytes | None = None) -> str:
    message = to_message(event, source="/test", now_ms=event.revision)
    letter = as_dead_letter(message, message_id="1", subscription="s", died_at_ms=1_700_000_000_000)
    if data is not None:
        letter = msgspec.structs.replace(letter, data=data)
    error = Retryable("the audio is missing", reason="segment_audio_missing")
    return DeadLetters(world.blobs, "raw").keep(event, letter, error, published_ms=event.revision)


Run = Callable[..., tuple[int, str, str]]


def test_a_list_is_a_table_or_an_array(run: Run, world: World) -> None:
    assert run("list") == (0, "There are no dead letters.\n", "")
    assert run("list", "--json") == (0, "[]\n", "")
    ids = [keep(world, segment_ready(revision=revision)) for revision in range(2)]
    status, table, _ = run("list")
    assert status == 0
    heading, *rows = table.splitlines()
    assert heading.split() == ["ID", "DIED", "EVENT", "CONNECTION", "REASON"]
    assert [row.split() for row in rows] == [
        [letter_id, "2023-11-14T22:13:20.000Z", SegmentReady.TYPE, "c1", "segment_audio_missing"] for letter_id in ids
    ]
    listed = json.loads(run("list", "--json")[1])
    assert [each["id"] for each in listed] == ids
    assert {each["detail"] for each in listed} == {"the audio is missing"}


def test_a_list_of_several_pages_is_one_list(run: Run, world: World) -> None:
    ids = [keep(world, segment_ready(revision=revision)) for revision in range(205)]
    assert [each["id"] for each in json.loads(run("list", "--json")[1])] == ids
    assert run("replay", "--all", "--json") == (0, '{"replayed": 205, "failed": {}}\n', "")
    assert len(world.publisher.published) == 205


def test_one_is_shown_with_its_event(run: Run, world: World) -> None:
    letter_id = keep(world, segment_ready())
    status, shown, _ = run("show", letter_id)
    assert status == 0
    assert '"segment_id": "c1:0:3200"' in shown
    assert "the audio is missing" in shown
    assert json.loads(run("show", letter_id, "--json")[1])["event"]["segment_id"] == "c1:0:3200"


def test_what_is_no_json_is_shown_all_the_same(run: Run, world: World) -> None:
    letter_id = keep(world, segment_ready(), b"\xff")
    assert run("show", letter_id)[1].endswith("no JSON; in base64: /w==\n")


def test_each_replay_stands_alone(run: Run, world: World) -> None:
    events = [segment_ready(revision=revision) for revision in range(3)]
    first, unreadable, last = (keep(world, event, b"{}" if event.revision == 1 else None) for event in events)
    status, out, err = run("replay", first, UNKNOWN, unreadable, last)
    assert (status, out) == (1, "2 published again.\n")
    assert f"{UNKNOWN}: 404" in err
    assert f"{unreadable}: 409" in err
    assert world.publisher.published == [events[0], events[2]]


def test_replaying_all_tells_what_had_to_stay(run: Run, world: World) -> None:
    unreadable = keep(world, segment_ready(revision=0), b"{}")
    keep(world, segment_ready(revision=1))
    status, out, err = run("replay", "--all")
    assert (status, out) == (1, "1 published again.\n")
    assert unreadable in err
    status, out, err = run("replay", "--all", "--json")
    assert (status, err) == (1, "")
    assert json.loads(out) == {"replayed": 0, "failed": {unreadable: "is no event that the server can read"}}


@pytest.mark.parametrize("arguments", [(), ("replay",), ("replay", "--all", UNKNOWN), ("show",), ("list", "x")])
def test_bad_usage_ends_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = command(capsys, *arguments)
    assert (status, out) == (2, "")
    assert "usage:" in err


@pytest.mark.parametrize("id_", [UNKNOWN, "../x", "nonsense"])
def test_what_is_not_there_ends_with_1(run: Run, id_: str) -> None:
    status, out, err = run("show", id_, "--json")
    assert (status, out) == (1, "")
    assert err.startswith("turnscribe: 40")


def test_the_token_comes_from_where_it_is_said(
    world: World,
    serve: Callable[[Flask], str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    url = ("--url", serve(create_app(world.deps())))
    status, _, err = command(capsys, "list", *url)
    assert (status, "--token-file" in err) == (2, True)
    monkeypatch.setenv("API_TOKEN", "wrong")
    status, _, err = command(capsys, "list", *url)
    assert (status, "401" in err) == (1, True)
    assert "wrong" not in err
    own, empty = tmp_path / "data" / "token", tmp_path / "empty"
    own.parent.mkdir()
    own.write_text(f"{API_TOKEN}\n")
    empty.write_text("")
    for named in (("--data-dir", str(own.parent)), ("--token-file", str(own))):
        assert command(capsys, "list", *url, *named)[0] == 0
    assert command(capsys, "list", *url, "--token-file", str(empty))[0] == 2
    assert command(capsys, "list", *url, "--token-file", str(tmp_path))[0] == 2
    monkeypatch.setenv("TURNSCRIBE_TOKEN", API_TOKEN)
    assert command(capsys, "list", *url)[0] == 0


def test_given_up_by_the_queue_mended_replayed_and_transcribed(
    world: World, serve: Callable[[Flask], str], tmp_path: Path
) -> None:
    """Queue, dispatcher, service, client: what a person does about a message that failed too often."""
    clock = SystemClock()
    with (
        closing(SqliteQueue(tmp_path / "queue.sqlite3", clock)) as queue,
        closing(FileBlobStore(tmp_path / "objects")) as blobs,
        ExitStack() as running,
    ):
        publisher = QueuePublisher(queue, "/turnscribe/test", clock)
        url = serve(create_app(dataclasses.replace(world.deps(), blobs=blobs, publisher=publisher, clock=clock)))
        for name, topic, max_attempts, dead_letter_topic in (
            ("transcribe", SEGMENTS_TOPIC, 3, "transcribe-dead-letters"),
            ("dead-letters", "transcribe-dead-letters", 3, ""),
        ):
            queue.subscribe(
                Subscription(
                    name=name,
                    topic=topic,
                    endpoint=f"{url}/push/{name}",
                    max_attempts=max_attempts,
                    dead_letter_topic=dead_letter_topic,
                    min_backoff_s=0.01,
                )
            )
        dispatcher = PushDispatcher(queue, Secret(PUSH_TOKEN), clock)
        dispatcher.start()
        running.callback(dispatcher.stop, PATIENCE_S)
        client = running.enter_context(Client(url, API_TOKEN))

        event = segment_ready()
        publisher.publish(event)
        until(lambda: list(client.dead_letters()))
        (listed,) = client.dead_letters()
        assert (listed.reason, listed.connection_id) == ("segment_audio_missing", event.connection_id)
        shown = client.dead_letter(listed.id)
        assert (shown.subscription, shown.attempts) == ("transcribe", 3)
        assert shown.event == json.loads(msgspec.json.encode(event))
        until(lambda: all(each.messages == 0 for each in queue.backlogs()))

        blobs.create(event.object_name, b"fLaC")
        client.replay_dead_letter(listed.id)
        until(lambda: world.transcripts.stored)
        assert list(client.dead_letters()) == []
