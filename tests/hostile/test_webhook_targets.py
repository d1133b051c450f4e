"""Where webhooks and messages may lead: nowhere that only this machine can reach. A real listener waits there, and nothing comes."""

import base64
import json
import socket
import zlib
from collections.abc import Iterator

import pytest

from tests.hostile.choice import Choice
from tests.hostile.conftest import PUSH_TOKEN, Runner
from tests.hostile.listening import Listener
from tests.hostile.raw import asked

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


HERE = [
    *("127.0.0.1", "127.1", "127.0.1", "127.8.9.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1"),  # noqa: S104 -- refused, not bound
    *(
        "017700000001",
        "0x7f.0x0.0x0.0x1",
        "0177.0x0.1",
        "127.000.000.001",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
    ),
    *(
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[::1%25lo]",
        "[::1%lo]",
    ),
    *(
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost.localdomain",
        "ip6-localhost",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
    ),
    *(
        "x@127.0.0.1",
        "1.1.1.1@127.0.0.1",
        "127.0.0.1:80@1.1.1.1",
        "1.1.1.1#@127.0.0.1",
        "1.1.1.1\\@127.0.0.1",
        "1.1.1.1 127.0.0.1",
    ),
    *("127。0。0。1", "127.0.0.1%00.example", "127.0.0.1\t", "\t127.0.0.1", "127.0.0.1\r\nX: y"),
]
ELSEWHERE = [
    *(
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[::ffff:169.254.169.254]",
        "[fe80::a9fe:a9fe]",
        "[fd00:ec2::254]",
    ),
    *(
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "[fc00::1]",
        "[fec0::1]",
        "224.0.0.1",
    ),
    *(
        "metadata.google.internal",
        "metadata",
        "kubernetes.default.svc",
        socket.gethostname(),
        "255.255.255.255",
        "240.0.0.1",
    ),
]
SCHEMES = [
    "http",
    "HTTP",
    "ftp",
    "file",
    "gopher",
    "data",
    "javascript",
    "ws",
    "unix",
    "dict",
    "ldap",
    "",
    "https:http",
    "https+http",
]


@pytest.mark.parametrize("host", HERE)
def test_this_machine_is_no_receiver_however_it_is_written(
    runner: Runner, choice: Choice, listener: Listener, host: str
) -> None:
    named = host if "@" in host or "#" in host else f"{host}:{listener.port}"
    others = (f"https://{named}:{listener.port}/", f"http://{named}/")
    for url in (f"https://{named}/", *choice.of(others, HERE.index(host))):
        answer = runner.told("POST", "/v1/webhooks", {"url": url})
        assert answer.status == 400, (url, answer)
        assert answer.header("Content-Type") == "application/problem+json"
    assert listener.connections == 0


@pytest.mark.parametrize("host", ELSEWHERE)
def test_nor_is_what_only_its_network_knows(runner: Runner, host: str) -> None:
    answer = runner.told("POST", "/v1/webhooks", {"url": f"https://{host}/computeMetadata/v1/"})
    assert answer.status == 400, answer


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nor_is_anything_but_https(runner: Runner, choice: Choice, listener: Listener, scheme: str) -> None:
    others = (f"{scheme}:///etc/passwd", f"{scheme}:127.0.0.1:{listener.port}")
    for url in (f"{scheme}://1.1.1.1:{listener.port}/", *choice.of(others, SCHEMES.index(scheme))):
        assert runner.told("POST", "/v1/webhooks", {"url": url}).status == 400, url
    assert listener.connections == 0


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999999999", "443x", "٤٤٣", " 443", "4_43", "+443"])
def test_no_port_is_what_is_none(runner: Runner, port: str) -> None:
    assert runner.told("POST", "/v1/webhooks", {"url": f"https://1.1.1.1:{port}/"}).status == 400


def test_a_webhook_does_not_become_one_by_being_changed(runner: Runner, listener: Listener) -> None:
    made = runner.told("POST", "/v1/webhooks", {"url": "https://1.1.1.1/"})
    assert made.status == 201, made
    path = f"/v1/webhooks/{made.json['id']}"
    for host in ("127.0.0.1", "[::1]", "localhost", "2130706433"):
        assert runner.told("PATCH", path, {"url": f"https://{host}:{listener.port}/"}).status == 400
    assert runner.asked("GET", path).json["url"] == "https://1.1.1.1/"
    assert runner.asked("GET", path, tenant="attacker").status == 404
    assert runner.asked("POST", f"{path}/test", tenant="attacker").status == 404
    assert runner.asked("DELETE", path).status == 204
    assert listener.connections == 0


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "file:///etc/passwd",
            "file:token",
            "file:../token",
            "file:dropbox/../token",
            "/etc/passwd",
            "http://127.0.0.1:{port}/",
            "https://localhost:{port}/",
        ),
        *(
            "gs://other/object",
            "gs://../token",
            "gs://bucket/../token",
            "gs://bucket/",
            "gs://",
            "gs://a@b/c",
            "gs://127.0.0.1:{port}/x",
            "GS://bucket/x",
        ),
        *("gs://bucket/raw/../../x", "gs://bucket/\0", "s3://bucket/x", "gs:/bucket/x", "gs://bücket/x"),
    ],
)
def test_no_message_names_an_object_that_is_not_its_own(runner: Runner, listener: Listener, uri: str) -> None:
    named = uri.format(port=listener.port)
    connection = f"from-{zlib.crc32(uri.encode())}"
    said = {"uri": named, "connection_id": connection, "meeting_id": connection}
    for message in (
        {"data": base64.b64encode(json.dumps(said).encode()).decode(), "messageId": "1"},
        {"data": "", "attributes": {**said, "uri": named.replace("\0", "")}, "messageId": "2"},
    ):
        body = json.dumps({"message": message, "subscription": "s"}).encode()
        bearer = f"Authorization: Bearer {PUSH_TOKEN}"
        answer = asked(runner.address, "POST", "/internal/ingest/push/audio-uploads", bearer, body=body)
        assert answer.status == 204, answer
    assert runner.asked("GET", f"/v1/streams/{connection}").status == 404
    assert listener.connections == 0


def test_the_listener_would_have_noticed(listener: Listener) -> None:
    families = [("127.0.0.1", listener.port)] + ([("::1", listener.port)] if listener.has_ipv6 else [])
    for each in families:
        with socket.create_connection(each) as sock:
            sock.recv(1)
    assert listener.connections == len(families)
