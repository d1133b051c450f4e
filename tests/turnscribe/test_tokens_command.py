"""`turnscribe tokens` and `client.tokens` against ingest over HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.ingest_service.fakes import TOKEN, Ingest
from turnscribe.cli import main
from turnscribe.client import Client
from turnscribe.commands.tokens import as_table
from turnscribe.errors import NotFound, Unauthorized
from turnscribe.schema import Token


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def quiet_services() -> Iterator[None]:
    """The services log in this process; only what the command prints is looked at."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def ingest() -> Ingest:
    return Ingest()


@pytest.fixture
def url(ingest: Ingest) -> Iterator[str]:
    with ExitStack() as running:
        server = make_server("127.0.0.1", 0, ingest.client.application, threaded=True, request_handler=_QuietHandler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.callback(server.server_close)
        running.callback(thread.join)
        running.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_port}"


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command as the operator; its status and what it printed on standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("API_TOKEN", raising=False)
    monkeypatch.setenv("TURNSCRIBE_TOKEN", TOKEN)

    def running(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(["tokens", *arguments, "--url", url])
        printed = capsys.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, printed.out, printed.err

    return running


def test_created_used_listed_disabled_and_enabled(run: Run, ingest: Ingest, url: str) -> None:
    status, out, err = run("create", "--label", "Büro 3", "--tenant", "acme", "--user", "u1", "--scopes", "read,admin")
    token = out.removesuffix("\n")
    token_id = token.split("_")[1]
    assert (status, token.split()) == (0, [token])
    assert err == f"turnscribe: token {token_id} of tenant acme, for read, admin; it is shown only now\n"
    with Client(url, token) as client:
        (listed,) = client.tokens.list()
    assert (listed.id, listed.label, listed.user_id, listed.enabled) == (token_id, "Büro 3", "u1", True)
    status, out, err = run("list", "--tenant", "acme")
    assert (status, err) == (0, "")
    assert token_id in out
    assert token not in out
    assert run("disable", token_id, "--tenant", "acme") == (0, "1 disabled.\n", "")
    assert "disabled" in run("list", "--tenant", "acme")[1]
    ingest.clock.ms += 30_000
    with Client(url, token) as client, pytest.raises(Unauthorized):
        client.tokens.list()
    assert run("enable", token_id, "--tenant", "acme") == (0, "1 enabled.\n", "")
    ingest.clock.ms += 30_000
    with Client(url, token) as client:
        assert client.tokens.list() == (listed,)


def test_without_options_it_uploads_and_reads_for_ones_own_tenant(run: Run) -> None:
    assert run("list") == (0, "There are no tokens.\n", "")
    status, out, err = run("create", "--json")
    made = json.loads(out)
    assert (status, err) == (0, "")
    assert (made["tenant"], made["scopes"], made["enabled"]) == ("default", ["ingest", "read"], True)
    listed = json.loads(run("list", "--json")[1])
    assert listed == [{name: value for name, value in made.items() if name != "token"}]


def test_one_that_is_unknown_holds_up_none(run: Run) -> None:
    ids = [json.loads(run("create", "--json")[1])["id"] for _ in range(2)]
    status, out, err = run("disable", ids[0], "unknown", ids[1])
    assert (status, out) == (1, "2 disabled.\n")
    assert err == "turnscribe: unknown: 404 Not Found: There is no token with this id.\n"
    status, out, _ = run("enable", ids[0], "unknown", "--json")
    answer = json.loads(out)
    assert (status, [each["enabled"] for each in answer["tokens"]], list(answer["failed"])) == (1, [True], ["unknown"])


def test_what_the_server_refuses_is_told(run: Run) -> None:
    status, out, err = run("create", "--user", "no id")
    assert (status, out) == (1, "")
    assert "user_id" in err


@pytest.mark.parametrize("scopes", ["write", "", "read,,ingest"])
def test_scopes_that_nobody_knows_are_bad_usage(run: Run, scopes: str) -> None:
    status, _, err = run("create", "--scopes", scopes)
    assert status == 2
    assert "is none of ingest, read, edit, admin" in err


def test_the_sdk_says_what_is_not_there_and_what_is_not_allowed(url: str) -> None:
    with Client(url, TOKEN) as client:
        with pytest.raises(NotFound):
            client.tokens.disable("a/../b")
        made = client.tokens.create(["admin"], tenant="acme")
        assert client.tokens.disable(made.id, tenant="acme").enabled is False
        assert client.tokens.enable(made.id, tenant="acme").enabled is True
    with Client(url, made.token) as client:
        with pytest.raises(Unauthorized):
            client.tokens.create(["read"])
        with pytest.raises(Unauthorized):
            client.tokens.list(tenant="default")


def test_the_table_has_a_line_for_each_token() -> None:
    tokens = [
        Token(
            id="a1", tenant="t", scopes=("ingest", "read"), enabled=True, created_at="2025", label="Büro", user_id="u"
        ),
        Token(id="longer", tenant="t", scopes=("admin",), enabled=False, created_at="2026"),
    ]
    assert as_table(tokens) == [
        "ID      CREATED  STATE     SCOPES       USER  LABEL",
        "a1      2025     enabled   ingest,read  u     Büro",
        "longer  2026     disabled  admin",
    ]
