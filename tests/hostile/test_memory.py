"""Requests that are meant to fill a server's memory, against the runner with its address space limited: each is refused, and little is kept.

Threads and malloc's arenas reserve address space that nobody uses; so the limit is a gigabyte above what the server has at rest.
"""

import json
import random
import resource
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hostile.choice import Choice
from tests.hostile.conftest import PUSH_TOKEN, Runner
from tests.hostile.raw import PATIENCE_S, Answer, asked, head, opened, read_answer
from tests.processes import processes_below

pytestmark = pytest.mark.timeout(300)
MIB = 1024**2
SPARE_BYTES = 1024 * MIB
KEPT_KIB = 256 * 1024
"""How much more resident memory it may ever have had: sixteen chunks of a MiB at a time are the most that it may keep here."""


def _kib(pid: int, what: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{what}:"))


@pytest.fixture(scope="module")
def worker(runner: Runner) -> int:
    """The process that serves, which may have no more than SPARE_BYTES more from now on."""
    pid = max(processes_below(runner.server.pid), key=lambda each: _kib(each, "VmRSS"))
    limit = _kib(pid, "VmSize") * 1024 + SPARE_BYTES
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
    return pid


def endless(
    runner: Runner, method: str, target: str, authorization: str, *lines: str, up_to: int = 64
) -> tuple[Answer, int]:
    """The answer to a body of pieces that go on for so many MiB, and how many of them were sent before it came."""
    piece = b"%x\r\n%b\r\n" % (MIB, b" " * MIB)
    with socket.create_connection(runner.address, PATIENCE_S) as sock:
        sock.sendall(head(method, target, authorization, *lines, "Transfer-Encoding: chunked"))
        sent = 0
        with suppress(ConnectionError):
            while sent < up_to:
                sock.sendall(piece)
                sent += 1
        return read_answer(sock), sent


ENDLESS = [
    ("POST", "/v1/tokens"),
    ("PUT", "/v1/streams/m/chunks/0?meeting_id=m"),
    ("POST", "/v1/streams/m/speakers"),
    ("POST", "/v1/streams/m/end"),
    ("POST", "/v1/webhooks"),
    ("PATCH", "/v1/meetings/m"),
    ("PUT", "/v1/retention"),
    ("POST", "/v1/meetings/m/retranscriptions"),
    ("PUT", "/api/v1/extension/speakers"),
    ("POST", "/api/v1/users/add-token"),
]
LARGE = ["/v1/recordings", "/v1/audio/transcriptions"]
PUSHES = [
    "/internal/ingest/push/audio-uploads",
    "/internal/segmenter/push/stream-events",
    "/internal/transcribe/push/segments",
]


@pytest.mark.parametrize(("method", "target"), ENDLESS)
def test_a_body_that_does_not_end_is_refused_where_its_limit_is(
    runner: Runner, worker: int, method: str, target: str
) -> None:
    answer, sent = endless(runner, method, target, runner.bearer(), "Content-Type: application/json")
    assert (answer.status == 0 and sent < 64) or 400 <= answer.status < 500, answer
    _is_well(runner, worker)


@pytest.mark.parametrize("target", PUSHES)
def test_a_push_that_does_not_end_is_refused_too(runner: Runner, worker: int, target: str) -> None:
    answer, sent = endless(runner, "POST", target, f"Authorization: Bearer {PUSH_TOKEN}")
    assert sent < 64
    assert answer.status in {0, 413}, answer
    _is_well(runner, worker)


def test_a_length_that_nobody_would_send_is_refused_unread(runner: Runner, choice: Choice, worker: int) -> None:
    for turn, length in enumerate((10**9, 2**31, 2**63, 10**30)):
        for method, target in (*choice.of(ENDLESS, turn, 3), *(("POST", each) for each in LARGE)):
            if target in LARGE and length <= 2**31:
                continue  # as large as that a recording may be
            request = head(method, target, runner.bearer(), f"Content-Length: {length}", "Expect: 100-continue")
            with opened(runner.address, 1, request) as (sock,):
                answer = read_answer(sock)
            assert 400 <= answer.status < 500, (target, length, answer)
    _is_well(runner, worker)


def test_json_that_is_deep_wide_or_odd_is_refused(runner: Runner, choice: Choice, worker: int) -> None:
    documents = [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"masks":' + b"[" * 60_000,
        b"[" + b"[]," * 80_000 + b"[]]",
        b'{"ts_ms":' + b"9" * 200_000 + b"}",
        b'{"ts_ms":1e99999}',
        b'{"a":"' + b"\\ud800" * 30_000 + b'"}',
        b"\xff\xfe" + b"\0" * 200_000,
        b"{" + b",".join(b'"k%d":1' % n for n in range(15_000)) + b"}",
        b"NaN",
        b'{"title":null,"speakers":[[]]}',
    ]
    for turn, (method, target) in enumerate(ENDLESS[2:]):
        for document in choice.of(documents, turn, 3):
            answer = runner.asked(method, target, "Content-Type: application/json", body=document)
            assert 400 <= answer.status < 500, (target, document[:40], answer)
    _is_well(runner, worker)


def test_forms_of_many_parts_long_heads_and_long_queries_are_refused(runner: Runner, worker: int) -> None:
    boundary = "Content-Type: multipart/form-data; boundary=b"
    part = b'--b\r\nContent-Disposition: form-data; name="n%d"\r\n\r\nv\r\n'
    forms = [
        b"".join(part % n for n in range(20_000)) + b"--b--\r\n",
        b"--b\r\n" + b"X-Any: y\r\n" * 50_000 + b"\r\n",
        b'--b\r\nContent-Disposition: form-data; name="' + b"n" * 2_000_000 + b'"\r\n\r\nv\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n' + b"p" * 5_000_000 + b"\r\n--b--\r\n",
        b"--b" * 500_000,
        b"\r\n" * 500_000,
    ]
    for form in forms:
        answer = runner.asked("POST", "/v1/audio/transcriptions", boundary, body=form)
        assert 400 <= answer.status < 500 or answer.status == 0, (form[:60], answer)
    for lines in (["X-A: " + "a" * 8_000] * 90, ["X-A: a"] * 5_000, ["Cookie: " + "a=b; " * 1_500]):
        answer = runner.asked("GET", "/v1/meetings", *lines)
        assert answer.status in {200, 400, 431}, answer
    for query in ("&".join(f"k{n}=v" for n in range(1_500)), "q=" + "%F0%9F%92%A5" * 600, "a" * 60_000):
        answer = runner.asked("GET", f"/v1/search?{query}")
        assert 200 <= answer.status < 500, answer
    _is_well(runner, worker)


def test_sixteen_large_chunks_at_a_time_and_bytes_at_random_leave_it_standing(runner: Runner, worker: int) -> None:
    def large(number: int) -> int:
        return runner.asked(
            "PUT", f"/v1/streams/large-{number}/chunks/0?meeting_id=m", body=b"RIFF" + bytes(MIB)
        ).status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(large, range(16))) <= {201, 400, 429}
    seeded = random.Random(7)
    for _ in range(60):
        said = bytes(seeded.choice(b"GET POST/v1:\r\n \0\xff{}%=&?#[]abc") for _ in range(seeded.randrange(1, 400)))
        with socket.create_connection(runner.address, PATIENCE_S) as sock:
            with suppress(ConnectionError):
                sock.sendall(said + b"\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            assert read_answer(sock).status < 500, said
    _is_well(runner, worker)


def _is_well(runner: Runner, worker: int) -> None:
    """The same process answers, and never had much more memory than it has now."""
    assert asked(runner.address, "GET", "/health/ready").status == 200
    assert worker in processes_below(runner.server.pid)
    assert _kib(worker, "VmHWM") < _at_rest(worker) + KEPT_KIB
    lines, _read[worker] = runner.log_since(_read.get(worker, 0))
    assert [line for line in lines if json.loads(line).get("severity") in {"ERROR", "CRITICAL"}] == []


_read: dict[int, int] = {}
_rest: dict[int, int] = {}


def _at_rest(worker: int) -> int:
    return _rest.setdefault(worker, _kib(worker, "VmRSS"))
