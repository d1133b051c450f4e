"""`recorder.js` in a real Chromium, with its real database, locks and requests, and a microphone and a server by script."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from ingest_service.http.recorder_routes import SCRIPT
from tests.browser import chromium

pytestmark = pytest.mark.component("chromium")

PAGE = """
<!doctype html>
<script type="module">
  import * as turnscribe from "/v1/recorder.js";
  const states = [], problems = [];
  const told = { onstate: (state) => states.push(state), onproblem: ({ name, message, status }) => problems.push({ name, message, status }) };
  Object.assign(window, turnscribe, { states, problems, options: { server: location.origin, token: "t", meetingId: "m1", ...told } });
</script>
"""
MICROPHONE = """
  window.tracks = [{ stop() { this.stopped = true; } }];
  navigator.mediaDevices.getUserMedia = async () => ({ getTracks: () => tracks });
  window.MediaRecorder = class extends EventTarget {
    static isTypeSupported = (type) => type.startsWith("audio/webm");
    state = "inactive";
    constructor(_stream, { mimeType }) { super(); this.mimeType = mimeType; window.media = this; }
    start(chunkMs) { Object.assign(this, { state: "recording", chunkMs }); }
    give(said) { this.ondataavailable(Object.assign(new Event("dataavailable"), { data: new Blob([said]) })); }
    stop(last = "") { this.state = "inactive"; this.give(last); this.dispatchEvent(new Event("stop")); }
  };
"""
numbers = count()


@dataclass(frozen=True)
class Sent:
    """A request as the server got it."""

    method: str
    connection_id: str
    what: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> tuple[str, Any]:
        """What it is about, and its bytes or its JSON."""
        if self.method == "PUT":
            return self.what, self.body.decode()
        told = json.loads(self.body)
        return self.what, told["masks"] if self.what == "speakers" else told


@dataclass(frozen=True)
class Answer:
    status: int = 201
    headers: tuple[tuple[str, str], ...] = ()
    detail: str = ""


class Site:
    """An origin of its own: with a database of its own, a page, and a server that answers as `answer` says."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.origin = f"https://site-{next(numbers)}.test"
        self.sent: list[Sent] = []
        self.answer: Callable[[Sent], Answer | None] = lambda _sent: Answer()
        """None: there is no connection."""
        context.route(f"{self.origin}/**", self._serve)

    def _serve(self, route: Route) -> None:
        request = route.request
        url = urlsplit(request.url)
        if not url.path.startswith("/v1/streams/"):
            is_script = url.path == "/v1/recorder.js"
            route.fulfill(
                body=SCRIPT.read_text() if is_script else PAGE,
                content_type="text/javascript" if is_script else "text/html",
            )
            return
        connection_id, _, what = url.path.removeprefix("/v1/streams/").partition("/")
        body = request.post_data_buffer or b""
        sent = Sent(request.method, connection_id, what, parse_qs(url.query), request.headers, body)
        self.sent.append(sent)
        answer = self.answer(sent)
        if answer is None:
            route.abort("connectionrefused")
        else:
            route.fulfill(
                status=answer.status, headers=dict(answer.headers), body=json.dumps({"detail": answer.detail})
            )

    @property
    def said(self) -> list[tuple[str, Any]]:
        return [sent.said for sent in self.sent]

    def open(self) -> Page:
        page = self.context.new_page()
        page.add_init_script(MICROPHONE)
        return self.load(page)

    def load(self, page: Page) -> Page:
        page.goto(self.origin)
        page.wait_for_function("window.options")
        return page


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def site(context: BrowserContext) -> Iterator[Site]:
    yield Site(context)
    for page in context.pages[1:]:  # the browser lives as long as its first one
        page.close()


def record(page: Page) -> str:
    """The connection's id."""
    return page.evaluate("record(options).then((made) => { window.recorder = made; return made.connection; })")


def give(page: Page, *chunks: str) -> None:
    page.evaluate("(chunks) => chunks.forEach((chunk) => media.give(chunk))", list(chunks))


def until(page: Page, condition: str) -> None:
    page.wait_for_function(f"(({{ recording, chunks, pending, waiting }}) => {condition})(states.at(-1) ?? {{}})")


def stop(page: Page) -> int:
    """How many requests are pending."""
    return page.evaluate("recorder.stop()")["pending"]


@contextmanager
def answered(page: Page) -> Iterator[None]:
    """Within, chunk 0 is sent; afterwards the recorder has drawn its conclusions from the answer."""
    before = page.evaluate("states.length")
    with page.expect_request("**/chunks/0*"):
        yield
    page.wait_for_function("(before) => states.length > before", arg=before)


def nobody(_sent: Sent) -> None:
    """There is no connection."""


def test_chunks_go_up_in_order_then_the_end(site: Site) -> None:
    page = site.open()
    connection_id = record(page)
    give(page, "first", "second")
    page.evaluate("recorder.speakers([['Ada', '0001111111']])")
    give(page, "third")
    assert stop(page) == 0
    assert site.said == [
        ("chunks/0", "first"),
        ("chunks/1", "second"),
        ("speakers", [["Ada", "0001111111"]]),
        ("chunks/2", "third"),
        ("end", {"last_seq": 2, "observations": 1}),
    ]
    assert {sent.connection_id for sent in site.sent} == {connection_id}
    assert {sent.headers["authorization"] for sent in site.sent} == {"Bearer t"}
    first = site.sent[0]
    assert first.headers["content-type"] == "audio/webm;codecs=opus"
    assert first.query["meeting_id"] == ["m1"]
    assert abs(int(first.query["captured_at_ms"][0]) - page.evaluate("Date.now()")) < 600_000
    assert page.evaluate("[tracks[0].stopped, media.chunkMs, problems]") == [True, 3000, []]
    last = page.evaluate("states.at(-1)")
    assert last == {"connection": connection_id, "recording": False, "chunks": 3, "pending": 0, "waiting": False}


def test_a_last_chunk_that_is_empty_is_none(site: Site) -> None:
    page = site.open()
    record(page)
    give(page, "only")
    page.evaluate("media.stop('')")
    assert stop(page) == 0
    assert site.said == [("chunks/0", "only"), ("end", {"last_seq": 0, "observations": 0})]


def test_a_last_chunk_that_is_not_empty_comes_before_the_end(site: Site) -> None:
    page = site.open()
    record(page)
    page.evaluate("media.stop('short')")  # as when the microphone is taken away
    until(page, "!recording && pending === 0")
    assert site.said == [("chunks/0", "short"), ("end", {"last_seq": 0, "observations": 0})]
    assert stop(page) == 0
    with pytest.raises(Exception, match="the recording has ended"):
        page.evaluate("recorder.speakers([['Ada', '0001111111']])")


def test_a_server_that_is_away_is_asked_again_as_late_as_it_says(site: Site) -> None:
    answers = [Answer(503, (("Retry-After", "30"),)), Answer(429, (("Retry-After", "20"),)), Answer(408), None]
    site.answer = lambda _sent: answers.pop(0) if answers else Answer()
    page = site.open()
    page.clock.install()
    record(page)
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    give(page, "once")
    until(page, "waiting")
    for asked_ms in (30_000, 20_000):
        seen = len(site.sent)
        page.clock.run_for(asked_ms - 1)
        assert len(site.sent) == seen
        with answered(page):
            page.clock.run_for(1)
        until(page, "waiting")
    for _ in range(2):  # without being told when, after a while that grows
        with answered(page):
            page.clock.run_for(15_000)
    until(page, "pending === 0 && !waiting")
    assert [said for said in site.said if said != ("chunks/0", "once")] == []
    assert page.evaluate("problems") == []


def test_the_network_s_coming_back_ends_the_wait(site: Site) -> None:
    site.answer = nobody
    page = site.open()
    page.clock.install()
    record(page)
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    give(page, "first", "second")
    until(page, "waiting && pending === 2")
    site.answer = lambda _sent: Answer()
    page.evaluate("dispatchEvent(new Event('online'))")  # while the clock stands still
    until(page, "!waiting && pending === 0")
    assert site.said == [("chunks/0", "first"), ("chunks/0", "first"), ("chunks/1", "second")]


def test_stopping_while_nobody_answers_says_what_is_pending_and_goes_on(site: Site) -> None:
    site.answer = nobody
    page = site.open()
    record(page)
    give(page, "first", "second")
    assert stop(page) == 3
    site.answer = lambda _sent: Answer()
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, "pending === 0")
    assert site.said[-1] == ("end", {"last_seq": 1, "observations": 0})


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413])
def test_a_refusal_is_told_and_what_is_recorded_is_kept_for_another_try(site: Site, status: int) -> None:
    site.answer = lambda _sent: Answer(status, detail="Not like this.")
    page = site.open()
    connection_id = record(page)
    give(page, "first")
    page.wait_for_function("problems.length")
    give(page, "second")
    assert stop(page) == 3
    assert page.evaluate("problems") == [{"name": "Error", "message": "Not like this.", "status": status}]
    assert site.said == [("chunks/0", "first")]
    site.answer = lambda _sent: Answer()
    site.sent.clear()
    resumed = page.evaluate("resumePending({ ...options, token: 'another' })")
    assert resumed == [{"connection": connection_id, "pending": 0}]
    assert site.said == [("chunks/0", "first"), ("chunks/1", "second"), ("end", {"last_seq": 1, "observations": 0})]
    assert {sent.headers["authorization"] for sent in site.sent} == {"Bearer another"}
    assert page.evaluate("resumePending(options)") == []


def test_masks_that_are_refused_do_not_hold_the_audio_up(site: Site) -> None:
    site.answer = lambda sent: Answer(400, detail="name 0 is empty") if b'""' in sent.body else Answer()
    page = site.open()
    record(page)
    page.evaluate("recorder.speakers([['', '0001111111']])")
    page.evaluate("recorder.speakers([['Ada', '0001111111']])")
    give(page, "first")
    assert stop(page) == 0
    assert site.said[2:] == [("chunks/0", "first"), ("end", {"last_seq": 0, "observations": 1})]
    assert [each["message"] for each in page.evaluate("problems")] == ["name 0 is empty"]


def test_a_page_that_is_gone_is_followed_by_one_that_is_open(site: Site) -> None:
    """Neither sends what the other does."""
    first, second = site.open(), site.open()
    connection_id = record(first)
    give(first, "first")
    until(first, "chunks === 1 && pending === 0")
    second.evaluate("window.resumed = resumePending(options), 0")
    second.wait_for_function("navigator.locks.query().then(({ pending }) => pending.length === 1)")
    give(first, "second")
    until(first, "chunks === 2 && pending === 0")
    site.answer = nobody
    give(first, "third")
    first.evaluate("recorder.speakers([['Ada', '0001111111']])")
    until(first, "chunks === 3 && pending === 2")
    assert second.evaluate("states") == []
    site.sent.clear()
    first.close()
    site.answer = lambda _sent: Answer()
    assert second.evaluate("resumed") == [{"connection": connection_id, "pending": 0}]
    said = [each for number, each in enumerate(site.said) if each not in site.said[:number]]
    assert said == [
        ("chunks/2", "third"),
        ("speakers", [["Ada", "0001111111"]]),
        ("end", {"last_seq": 2, "observations": 1}),
    ]


def test_recording_goes_on_with_what_was_left_by_itself(site: Site) -> None:
    site.answer = nobody
    page = site.open()
    left = record(page)
    give(page, "left")
    until(page, "waiting")
    site.load(page)
    site.answer = lambda _sent: Answer()
    new = record(page)
    give(page, "new")
    page.wait_for_function("(id) => states.some((state) => state.connection === id && state.pending === 0)", arg=left)
    assert stop(page) == 0
    ends = {sent.connection_id: sent.said for sent in site.sent if sent.what == "end"}
    assert ends == {each: ("end", {"last_seq": 0, "observations": 0}) for each in (left, new)}


def test_what_was_recorded_for_another_server_is_not_sent_to_this_one(site: Site) -> None:
    site.answer = nobody
    page = site.open()
    record(page)
    give(page, "secret")
    until(page, "waiting")
    site.load(page)
    site.sent.clear()
    assert page.evaluate("resumePending({ ...options, server: location.origin + '/elsewhere' })") == []
    assert site.sent == []


FULL = """
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...sent) {
    if (window.full) throw new DOMException("no room", "QuotaExceededError");
    return put.apply(this, sent);
  };
  window.full = true;
"""


def test_what_finds_no_room_is_told_and_sent_all_the_same(site: Site) -> None:
    """The refusal is scripted: the quota that developer tools can set is not what Chromium's database looks at."""
    site.answer = nobody
    page = site.open()
    record(page)
    give(page, "stored")
    until(page, "chunks === 1 && waiting")
    page.evaluate(FULL)
    give(page, "no room", "nor for this")
    page.wait_for_function("problems.length")
    page.evaluate("window.full = false")
    give(page, "behind those two")
    site.answer = lambda _sent: Answer()
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, "chunks === 4 && pending === 0")
    give(page, "stored again")
    until(page, "chunks === 5 && pending === 0")
    assert stop(page) == 0
    assert [name for name in page.evaluate("problems.map(({ name }) => name)") if name != "QuotaExceededError"] == []
    said = [each for number, each in enumerate(site.said) if each not in site.said[:number]]
    chunks = ["stored", "no room", "nor for this", "behind those two", "stored again"]
    end = ("end", {"last_seq": 4, "observations": 0})
    assert said == [*((f"chunks/{seq}", chunk) for seq, chunk in enumerate(chunks)), end]
    assert page.evaluate("resumePending(options)") == []


def test_what_a_page_s_own_functions_throw_stops_nothing(site: Site) -> None:
    page = site.open()
    page.evaluate("options.onstate = options.onproblem = () => { throw new Error('mine'); }, 0")
    site.answer = lambda sent: Answer(400) if sent.what == "speakers" else Answer()
    record(page)
    page.evaluate("recorder.speakers([['', '1']])")
    give(page, "first")
    assert stop(page) == 0
    assert site.said[-1] == ("end", {"last_seq": 0, "observations": 0})


def test_without_a_microphone_nothing_begins(site: Site) -> None:
    page = site.open()
    page.evaluate(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }, 0"
    )
    assert page.evaluate("record(options).catch(({ name }) => name)") == "NotAllowedError"
    assert page.evaluate("resumePending(options)") == []
    assert (site.sent, page.evaluate("states")) == ([], [])
