"""`/v1/webhooks` over HTTP: what each route answers, and what no answer and no log has."""

import json
import socket
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.transcribe_service.delivery.orders_of_tests import NOW_MS, delivery, webhook
from tests.transcribe_service.delivery.receiving_server import OK, answering, receiving
from tests.transcribe_service.fakes import API_TOKEN, World, settings
from transcribe_service.app import create_app
from transcribe_service.delivery import webhook_routes
from transcribe_service.delivery.signatures import OLD_SECRET_MS
from transcribe_service.delivery.webhooks import MOST, refuse_url
from turnscribe.webhooks import verify

AUTH = {"Authorization": f"Bearer {API_TOKEN}"}
HOOKS = "/v1/webhooks"


@pytest.fixture
def world() -> World:
    return World()


def client_of(world: World, *, allow_private: bool) -> FlaskClient:
    said = msgspec.structs.replace(settings(), webhook_allow_private=allow_private)
    deps = world.deps()
    return create_app(deps.__class__(**{**deps.__dict__, "settings": said})).test_client()


@pytest.fixture
def client(world: World) -> FlaskClient:
    return client_of(world, allow_private=True)


def ask(client: FlaskClient, method: str, path: str = "", body: Any = None) -> TestResponse:
    return client.open(HOOKS + path, method=method, headers=AUTH, data=None if body is None else json.dumps(body))


def made(client: FlaskClient, **said: Any) -> dict[str, Any]:
    answer = ask(client, "POST", body={"url": "http://127.0.0.1:9/hook", **said})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = answer.get_json()
    return found


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = json.loads(answer.data)
    return found


def test_a_webhook_is_made_with_a_secret_that_is_shown_this_once(client: FlaskClient) -> None:
    with capture_logs() as logged:
        hook = made(client)
        assert hook["secret"].startswith("whsec_")
        assert (hook["enabled"], hook["provisional"], hook["disabled_because"]) == (True, False, "")
        assert hook["events"] == ["transcript.segment", "meeting.completed"]
        listed = ask(client, "GET").get_json()["webhooks"]
        shown = ask(client, "GET", f"/{hook['id']}").get_json()
    secret = hook.pop("secret")
    assert listed == [hook]
    assert shown == hook
    assert secret not in str(logged)


def test_it_is_changed_disabled_and_enabled(client: FlaskClient) -> None:
    path = f"/{made(client)['id']}"
    changed = ask(
        client, "PATCH", path, {"url": "https://example.org/", "events": ["meeting.completed"], "provisional": True}
    )
    assert (changed.get_json()["url"], changed.get_json()["events"]) == ("https://example.org/", ["meeting.completed"])
    off = ask(client, "PATCH", path, {"enabled": False}).get_json()
    assert (off["enabled"], off["disabled_because"], off["provisional"]) == (False, "by_hand", True)
    on = ask(client, "PATCH", path, {"enabled": True}).get_json()
    assert (on["enabled"], on["disabled_because"]) == (True, "")
    assert ask(client, "PATCH", path, {}).get_json() == on


def test_one_that_failed_begins_anew_where_it_is_enabled(client: FlaskClient, world: World) -> None:
    world.webhooks.create(webhook(enabled=False, disabled_because="failing", failing_since_ms=NOW_MS, given_up=9))
    assert ask(client, "GET", "/wh_1").get_json()["failing_since"] == "2023-11-14T22:13:20.000Z"
    on = ask(client, "PATCH", "/wh_1", {"enabled": True}).get_json()
    assert (on["enabled"], on["failing_since"]) == (True, None)
    assert world.webhooks.stored["default", "wh_1"].given_up == 0


def test_a_deleted_one_is_gone_with_what_it_waits_for(client: FlaskClient, world: World) -> None:
    hook = made(client)
    waiting = delivery(receiver=hook["id"])
    world.deliveries.change("default", hook["id"], waiting.subject, lambda _: waiting)
    assert ask(client, "DELETE", f"/{hook['id']}").status_code == 204
    assert world.deliveries.stored == {}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/secret")):
        assert problem(ask(client, method, f"/{hook['id']}{path}"), 404)["type"].endswith(":unknown-webhook")
    problem(ask(client, "PATCH", f"/{hook['id']}", {}), 404)


def test_a_new_secret_signs_beside_the_old_one_for_a_day(client: FlaskClient, world: World) -> None:
    with receiving() as server:
        hook = made(client, url=server.url)
        rotated = ask(client, "POST", f"/{hook['id']}/secret").get_json()
        assert rotated["secret"] != hook["secret"]
        assert ask(client, "POST", f"/{hook['id']}/test").get_json() == {"delivered": True, "reason": ""}
        world.clock.advance(OLD_SECRET_MS / 1000)
        ask(client, "POST", f"/{hook['id']}/test")
    for number, fitting in ((0, {hook["secret"], rotated["secret"]}), (1, {rotated["secret"]})):
        head, _, body = server.requests[number].partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert headers["webhook-signature"].count("v1,") == len(fitting)
        for secret in fitting:
            message = verify(body, headers, secret, now_s=int(headers["webhook-timestamp"]))
            assert (message["type"], message["data"]) == ("ping", {"webhook_id": hook["id"]})


def test_a_ping_says_how_it_ended(client: FlaskClient) -> None:
    with receiving(answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) as server:
        hook = made(client, url=server.url)
        told = ask(client, "POST", f"/{hook['id']}/test").get_json()
    assert told == {"delivered": False, "reason": "http_404"}
    assert ask(client, "POST", f"/{made(client)['id']}/test").get_json() == {
        "delivered": False,
        "reason": "no_connection",
    }


def test_only_so_many_pings_run_at_a_time(client: FlaskClient) -> None:
    assert OK
    hook = made(client)
    busy = settings().delivery_threads
    # every place taken by receivers that are being told something
    places = next(
        cell.cell_contents.places
        for cell in client.application.view_functions["webhooks.ping"].__closure__ or ()
        if hasattr(cell.cell_contents, "places")
    )
    for number in range(busy):
        places.enter(("t", str(number)))
    answer = ask(client, "POST", f"/{hook['id']}/test")
    problem(answer, 429)
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"url": "http://example.org/"}, "not-https"),
        ({"url": "https://127.0.0.1/"}, "private-address"),
        ({"url": "https://metadata.test/"}, "private-address"),
        ({"url": "https://nobody.test/"}, "unknown-host"),
        ({"url": "https://user@example.org/"}, "invalid-url"),
        ({"url": "https://example.org/#x"}, "invalid-url"),
        ({"url": ""}, "invalid-body"),
        ({"url": "https://example.org/", "events": []}, "invalid-body"),
        ({"url": "https://example.org/", "events": ["meeting.begun"]}, "invalid-body"),
        ({"url": "https://example.org/", "secret": "mine"}, "invalid-body"),
        ({}, "invalid-body"),
        ([], "invalid-body"),
    ],
)
def test_what_may_not_be_is_named(world: World, monkeypatch: pytest.MonkeyPatch, body: Any, kind: str) -> None:
    def lookup(host: str, port: int, **_: Any) -> Any:
        address = {"metadata.test": "169.254.169.254", "127.0.0.1": "127.0.0.1", "example.org": "1.1.1.1"}.get(host)
        if address is None:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def refuse(url: str, *, allow_private: bool, **_: Any) -> None:
        refuse_url(url, allow_private=allow_private, lookup=lookup)

    monkeypatch.setattr(webhook_routes, "refuse_url", refuse)
    world.webhooks.create(webhook())
    client = client_of(world, allow_private=False)
    assert problem(ask(client, "POST", body=body), 400)["type"].endswith(f":{kind}")
    if body and "events" not in body:
        assert problem(ask(client, "PATCH", "/wh_1", body), 400)["type"].endswith(f":{kind}")
    assert world.webhooks.stored["default", "wh_1"] == webhook()


def test_a_tenant_has_so_many_webhooks_at_most(client: FlaskClient) -> None:
    for _ in range(MOST):
        made(client)
    answer = ask(client, "POST", body={"url": "http://127.0.0.1:9/"})
    assert problem(answer, 409)["type"].endswith(":too-many-webhooks")


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    problem(ask(client, "POST", body={"url": "x" * 20_000}), 413)


def test_another_tenant_s_webhooks_are_unknown(client: FlaskClient, world: World) -> None:
    theirs = webhook(tenant="other")
    world.webhooks.create(theirs)
    assert ask(client, "GET").get_json() == {"webhooks": []}
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("POST", "/secret", None),
        ("POST", "/test", None),
    ):
        problem(ask(client, method, f"/wh_1{path}", body), 404)
    assert world.webhooks.stored == {("other", "wh_1"): theirs}
