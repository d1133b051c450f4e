"""`turnscribe webhooks` and `client.webhooks` against the transcribe service over HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
import structlog
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.transcribe_service.delivery.receiving_server import receiving
from tests.transcribe_service.fakes import API_TOKEN, World, settings
from transcribe_service.app import create_app
from turnscribe.cli import main
from turnscribe.client import Client
from turnscribe.commands.webhooks import as_table
from turnscribe.errors import BadRequest, NotFound
from turnscribe.webhook_receivers import Webhook


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def quiet_services() -> Iterator[None]:
    """The services log in this process; only what the command prints is looked at."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def url() -> Iterator[str]:
    deps = World().deps()
    said = msgspec.structs.replace(settings(), webhook_allow_private=True)
    app = create_app(type(deps)(**{**deps.__dict__, "settings": said}))
    with ExitStack() as running:
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.callback(server.server_close)
        running.callback(thread.join)
        running.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_port}"


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command; its status and what it printed on standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("API_TOKEN", raising=False)
    monkeypatch.setenv("TURNSCRIBE_TOKEN", API_TOKEN)

    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(["webhooks", *arguments, "--url", url])
        printed = capsys.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, printed.out, printed.err

    return running


HOOK = "http://127.0.0.1:9/hook"


def test_made_listed_disabled_enabled_and_deleted(run: Run) -> None:
    assert run("list") == (0, "There are no webhooks.\n", "")
    status, out, err = run("create", HOOK, "--event", "meeting.completed", "--provisional")
    assert (status, out[:6]) == (0, "whsec_")
    webhook_id = err.split()[4]
    assert err == f"turnscribe: secret of webhook {webhook_id} for {HOOK}; it is shown only now\n"
    listed = run("list")[1]
    assert f"enabled  meeting.completed,provisional  {HOOK}" in listed
    assert out.strip() not in listed
    assert run("disable", webhook_id) == (0, "disable: 1 done.\n", "")
    assert "disabled (by_hand)" in run("list")[1]
    assert run("enable", webhook_id) == (0, "enable: 1 done.\n", "")
    assert run("secret", webhook_id)[1] != out
    assert run("delete", webhook_id) == (0, "delete: 1 done.\n", "")
    assert run("list", "--json") == (0, "[]\n", "")


def test_a_ping_that_does_not_arrive_is_a_failure_and_holds_up_none(run: Run) -> None:
    with receiving() as server:
        good, bad = (json.loads(run("create", each, "--json")[1])["id"] for each in (server.url, HOOK))
        status, out, err = run("test", bad, "unknown", good)
    assert (status, out) == (1, "test: 1 done.\n")
    assert f"turnscribe: {bad}: was not delivered: no_connection\n" in err
    assert "unknown: 404" in err
    told = json.loads(run("test", bad, "--json")[1])
    assert told == {"done": [], "failed": {bad: "was not delivered: no_connection"}}


def test_what_the_server_refuses_is_told(run: Run) -> None:
    status, out, err = run("create", "ftp://example.org/")
    assert (status, out) == (1, "")
    assert "url must begin with https" in err


def test_a_type_that_nobody_knows_is_bad_usage(run: Run) -> None:
    assert run("create", HOOK, "--event", "meeting.begun")[0] == 2


def test_the_sdk_changes_one_and_says_what_is_not_there(url: str) -> None:
    with Client(url, API_TOKEN) as client:
        made = client.webhooks.create(HOOK)
        assert made.events == ("transcript.segment", "meeting.completed")
        changed = client.webhooks.change(made.id, url=HOOK + "/2", provisional=True)
        assert client.webhooks.get(made.id) == changed
        assert (changed.url, changed.provisional) == (HOOK + "/2", True)
        with pytest.raises(NotFound):
            client.webhooks.get("a/../b")
        with pytest.raises(BadRequest):
            client.webhooks.create("nowhere")


def test_the_table_says_how_each_bears_up() -> None:
    failing = Webhook(
        id="a", url="https://a/", events=("meeting.completed",), enabled=True, failing_since="2026", created_at="2025"
    )
    assert as_table([failing]) == [
        "ID  CREATED  STATE               EVENTS             URL",
        "a   2025     failing since 2026  meeting.completed  https://a/",
    ]
