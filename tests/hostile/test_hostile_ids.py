"""Ids and names that traverse, collide or forge, over HTTP against the local runner: refused as what they are, and nobody's data reached."""

import json
import random
import unicodedata
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.hostile.choice import Choice
from tests.hostile.conftest import Runner
from tests.hostile.raw import Answer

pytestmark = pytest.mark.timeout(300)

REFUSED = [
    *("..", ".", ".hidden", "...", "a/b", "../../etc/passwd", "..\\..\\x", "/etc/passwd", "//x", "C:\\x", "~root/x"),
    *("a\0b", "a\r\nb", "a\nb", "a\tb", "a b", " a", "a ", "a\u00a0", "a\u200b", "\ufeffa", "a\u202eb"),
    *("é", "e\u0301", "ﬀ", "ａ", "а", "ß", "İ", "١", "💥", "a:b", "a:0:0", "a*", "a?", "a#b", "a%2fb", "a%00b", "a;b"),
    *(
        "__x__",
        "____",
        "__name__",
        "__id7__",
        "",
        "a" * 129,
        "a" * 5_000,
        "{a}",
        "$a",
        "`a`",
        "a,b",
        "a=b",
        "a&b",
        "a|b",
    ),
]
"""No id is so: not once decoded, however it is written."""
TWINS = [
    ("Case", "case"),
    ("a", "a."),
    ("a", "a.."),
    ("a", "a-"),
    ("a", "a_"),
    ("1", "01"),
    ("a.b", "a_b"),
    ("-a", "_a"),
]
"""Ids that are others, whatever a file system, a database or a person makes of them."""

ROUTES = [
    ("PUT", "/v1/streams/{}/chunks/0?meeting_id=m"),
    ("PUT", "/v1/streams/c/chunks/0?meeting_id={}"),
    ("GET", "/v1/streams/{}"),
    ("POST", "/v1/streams/{}/end"),
    ("HEAD", "/v1/uploads/{}"),
    ("GET", "/v1/meetings/{}/transcript"),
    ("GET", "/v1/meetings/m/segments/{}/audio"),
    ("GET", "/v1/webhooks/{}"),
    ("GET", "/v1/deadletters/{}"),
    ("DELETE", "/v1/meetings/{}"),
    ("POST", "/v1/tokens/{}/disable"),
    ("GET", "/v1/meetings?cursor={}a"),
]


def written(value: str) -> list[str]:
    """An id in a path: as UTF-8, percent-encoded throughout, and encoded twice."""
    throughout = "".join(f"%{byte:02x}" for byte in value.encode())
    return [quote(value, safe=""), throughout, quote(throughout, safe="")]


def is_problem(answer: Answer) -> bool:
    return answer.header("Content-Type") == "application/problem+json" and answer.json["status"] == answer.status


@pytest.mark.parametrize("value", REFUSED)
def test_no_route_takes_what_is_no_id(runner: Runner, choice: Choice, value: str) -> None:
    for turn, each in enumerate(written(value)):
        for method, target in choice.of(ROUTES, REFUSED.index(value) + 5 * turn):
            body = b"{}" if method in {"PUT", "POST"} else b""
            answer = runner.asked(method, target.format(each), body=body)
            assert 400 <= answer.status < 500, (method, target, answer)
            by_gunicorn = answer.status == 414  # a line that is too long never reaches a service
            assert method == "HEAD" or by_gunicorn or is_problem(answer), (method, target, answer)
    _nothing_outside(runner)


def _nothing_outside(runner: Runner) -> None:
    data_dir = runner.server.log_path.parent
    written_by_service = {path.name for path in data_dir.iterdir()}
    assert not written_by_service & {"passwd", "x", "etc"}
    assert not (data_dir.parent / "x").exists()


@pytest.mark.parametrize("value", REFUSED)
def test_no_body_or_header_names_what_is_no_id(runner: Runner, choice: Choice, value: str) -> None:
    documents = ({"tenant": value, "scopes": ["read"]}, {"tenant": "t", "user_id": value, "scopes": [value]})
    for document in choice.of(documents, REFUSED.index(value)):
        if value or "user_id" in document:
            assert runner.told("POST", "/v1/tokens", document).status == 400
    metadata = f"connection_id {b64encode(value.encode()).decode()},meeting_id {b64encode(value.encode()).decode()}"
    answer = runner.asked(
        "POST", "/v1/uploads", "Tus-Resumable: 1.0.0", "Upload-Length: 10", f"Upload-Metadata: {metadata}"
    )
    assert answer.status in {400, 414, 431}, answer


def test_ids_that_look_alike_are_different_things(runner: Runner) -> None:
    for number, pair in enumerate(TWINS):
        for at, name in enumerate(pair):
            path = f"/v1/streams/twin{number}.{name}"
            stored = runner.asked(
                "PUT", f"{path}/chunks/0?meeting_id=twins", body=b"RIFF" + bytes([at]), tenant="victim"
            )
            assert stored.status == 201, (name, stored)
        for name in pair:
            status = runner.asked("GET", f"/v1/streams/twin{number}.{name}", tenant="victim")
            assert status.json["connection_id"] == f"twin{number}.{name}"


def test_what_one_tenant_joins_is_not_what_another_splits(runner: Runner) -> None:
    """Tenants `a` and `a-b` with connections `b-c` and `c`: whatever joins them must not make them one."""
    bearers = {}
    for tenant in ("a", "a-b", "a_b", "a.b"):
        made = runner.told("POST", "/v1/tokens", {"tenant": tenant, "scopes": ["ingest", "read"]})
        bearers[tenant] = made.json["token"]
    runner = Runner(runner.server, runner.address, runner.tokens | bearers)
    for tenant, connection in (("a", "b-c"), ("a-b", "c"), ("a", "b_c"), ("a_b", "c"), ("a", "b.c"), ("a.b", "c")):
        path = f"/v1/streams/{connection}/chunks/0?meeting_id={tenant}"
        assert runner.asked("PUT", path, body=f"RIFF{tenant}{connection}".encode(), tenant=tenant).status == 201


def test_a_parameter_that_is_given_twice_is_refused_or_means_one_thing(runner: Runner) -> None:
    put = "/v1/streams/twice/chunks/0?meeting_id=one&meeting_id=two"
    answers = [runner.asked("PUT", put, body=b"RIFFx"), runner.asked("GET", "/v1/meetings?limit=1&limit=100000")]
    answers.append(runner.asked("GET", "/v1/search?q=a&q=b&cursor=x&cursor=y"))
    answers.append(runner.asked("GET", f"/v1/meetings?token={runner.tokens['victim']}&token=x"))
    assert all(answer.status < 500 for answer in answers)
    streams = runner.asked("GET", "/v1/streams/twice")
    assert streams.status == 404 or streams.json["meeting_id"] == "one"


def test_one_tenants_cursors_and_etags_open_nothing_of_anothers(runner: Runner) -> None:
    for number in range(3):
        path = f"/v1/streams/paged-{number}/chunks/0?meeting_id=paged-{number}"
        assert runner.asked("PUT", path, body=b"RIFFx", tenant="victim").status == 201
    first = runner.asked("GET", "/v1/meetings?limit=1", tenant="victim")
    cursor = first.json.get("next_cursor") or ""
    foreign = runner.asked("GET", f"/v1/meetings?limit=10&cursor={quote(cursor)}", tenant="attacker")
    assert foreign.status in {200, 400}
    assert "paged-" not in foreign.body.decode()
    tagged = runner.asked("GET", "/v1/meetings/paged-0", 'If-None-Match: *, "x", W/"y"', tenant="attacker")
    assert tagged.status == 404


def test_forged_cursors_and_ranges_are_answered_as_wrong(runner: Runner, choice: Choice) -> None:
    seeded = random.Random(20)
    forged = [
        "",
        "=",
        "A",
        "AAAA",
        "e30",
        "W10",
        "bnVsbA",
        "LTE",
        "\u00e9",
        "x" * 5_000,
        "../..",
        "%00",
        "-1",
        "1e999",
        "9" * 400,
    ]
    forged += [seeded.randbytes(seeded.randrange(1, 90)).hex() for _ in range(20)]
    for turn, each in enumerate(forged):
        for path in choice.of(("/v1/meetings", "/v1/search", "/v1/deadletters"), turn):
            answer = runner.asked("GET", f"{path}?q=word&cursor={quote(each)}")
            assert answer.status in {200, 400, 414}, (path, each, answer)
        live = runner.asked("GET", "/v1/meetings/nowhere/live", f"Last-Event-ID: {quote(each)}")
        assert live.status in {400, 404, 431}, (each, live)


def test_nothing_was_written_outside_the_data_and_no_two_names_met(runner: Runner) -> None:
    data_dir: Path = runner.server.log_path.parent
    objects = [path for path in (data_dir / "objects").rglob("*") if path.is_file()]
    assert objects
    for path in objects:
        name = str(path.relative_to(data_dir))
        assert unicodedata.normalize("NFC", name) == name
        assert name.isascii()
        assert ".." not in path.parts
    assert json.loads(runner.asked("GET", "/health").body)["status"] == "ok"
