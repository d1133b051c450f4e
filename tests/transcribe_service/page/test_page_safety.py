"""What the page makes of hostile words and names, of tokens, and of connections that break."""

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.transcribe_service.page.conftest import Visit
from tests.transcribe_service.page.seeded import Site, seed_conversation

pytestmark = pytest.mark.component("chromium")

HOSTILE = "<img/src=x/onerror=alert(1)><script>alert(2)</script>"
HOSTILE_NAME = "\"><svg/onload=alert(3)>'"


def test_names_titles_and_words_are_text_and_nothing_else(site: Site, visit: Visit) -> None:
    site.meeting("m1", HOSTILE)
    site.say("m1", 0, [(HOSTILE_NAME, f"look {HOSTILE} here"), ("__proto__", "constructor javascript:alert(4)")])
    site.end("m1", 1)
    page = visit("/app/meetings/m1")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(page.locator(".utterances p").first).to_have_text(f"look {HOSTILE} here")
    expect(page.locator(".said-by .name")).to_have_text([HOSTILE_NAME, "__proto__"])
    expect(page.locator(".lane-names .name")).to_have_text([HOSTILE_NAME, "__proto__"])
    page.get_by_role("list", name="Speakers").get_by_role("button").first.click()
    page.locator(".rename input").fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator(".said-by .name").first).to_have_text(HOSTILE)
    page.get_by_label("Find in this meeting").fill("<script>")
    expect(page.locator(".found")).to_have_count(1)
    page.get_by_role("link", name="Meetings").click()
    expect(page.locator(".meetings a")).to_have_text(HOSTILE)
    assert page.evaluate("() => document.querySelectorAll('main img, main script, [onerror], [onload]').length") == 0


def test_the_browser_itself_would_run_nothing_else(site: Site, visit: Visit, complaints: list[str]) -> None:
    page = visit("/")
    expect(page.get_by_role("heading", name="Meetings")).to_be_visible()
    made = """() => {
      const refused = [];
      try { document.body.innerHTML = "<b>"; } catch (error) { refused.push(error.name); }
      const script = document.createElement("script");
      script.textContent === "" && document.head.append(script);
      const link = document.createElement("a");
      link.setAttribute("style", "color: red");
      refused.push(link.style.color);
      return refused;
    }"""
    assert page.evaluate(made) == ["TypeError", ""]
    page.evaluate("() => fetch('https://elsewhere.example/').catch(() => {})")
    page.wait_for_function("() => violations.length >= 3")
    assert page.evaluate("violations.splice(0).map((each) => each.split(' ')[0]).sort()") == [
        "connect-src",
        "require-trusted-types-for",
        "style-src-attr",
    ]
    complaints.clear()


def test_a_token_is_handed_over_once_and_never_stands_in_an_address(
    site: Site, visit: Visit, context: BrowserContext
) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    context.on("request", note)
    seed_conversation(site, "m1", "")
    page = visit("/app/meetings/m1#ms=13000")
    expect(page.locator(".pointed")).to_contain_text("I would still like")
    assert page.url == f"{site.url}/app/meetings/m1#ms=13000"
    page.get_by_text("rehearsal").first.click()
    expect(page.locator(".playing")).to_be_visible()
    page.reload()
    expect(page.get_by_text("I would still like")).to_be_visible()
    assert asked
    assert [url for url in asked if site.token in url] == []
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_focused()
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    page.reload()
    page.get_by_label("Token").fill(site.token)
    page.get_by_label("Remember it").check()
    page.keyboard.press("Enter")
    expect(page.get_by_text("I would still like")).to_be_visible()
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [1, 1]
    other = context.new_page()
    other.goto(site.url)
    expect(other.get_by_role("heading", name="Meetings")).to_be_visible()
    other.close()
    context.remove_listener("request", note)


def test_a_token_that_is_no_longer_valid_is_asked_for_again(
    site: Site, visit: Visit, context: BrowserContext, complaints: list[str]
) -> None:
    seed_conversation(site, "m1", "")
    page = visit("/app/meetings/m1")
    expect(page.get_by_text("Good morning")).to_be_visible()
    page.evaluate("() => sessionStorage.setItem('turnscribe.token', 'old')")
    page.reload()
    expect(page.get_by_role("alert")).to_have_text(
        "The token is not valid, or not valid any more. Please sign in again."
    )
    assert page.evaluate("sessionStorage.length") == 0
    page.get_by_label("Token").fill(site.token)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Good morning")).to_be_visible()
    assert {each[-18:] for each in complaints} == {"401 (UNAUTHORIZED)"}
    complaints.clear()


FEED = """async () => {
  const { follow } = await import("/app/live_feed.js");
  const asked = [], seen = [], states = [], ending = new AbortController();
  const event = (id, type, data) => `id: ${id}\\nevent: ${type}\\ndata: ${JSON.stringify(data)}\\n\\n`;
  const answers = [
    [event("1-a", "meeting", { title: "Ü" }), event("2-a", "segment", { n: 1 }).slice(0, 20)],
    [": \\n\\n", event("2-a", "segment", { n: 1 }), event("3-a", "removed", { n: 2 })],
    [event("4-a", "reset", {})],
  ];
  const api = { async request(path, { headers }) {
    asked.push([path, headers["Last-Event-ID"] ?? null]);
    if (asked.length === 2) throw Object.assign(new Error("away"), { status: 0 });
    const pieces = answers.shift().map((text) => new TextEncoder().encode(text));
    return { body: new ReadableStream({ start(out) { pieces.forEach((piece) => { out.enqueue(piece.slice(0, 31)); out.enqueue(piece.slice(31)); }); out.close(); } }) };
  } };
  await follow(api, "a b", { signal: ending.signal, onstate: (state) => states.at(-1) !== state && states.push(state),
    onevents: (events) => { seen.push(...events.map(({ type, data }) => [type, data])); if (seen.at(-1)[0] === "reset") ending.abort(); } });
  return { asked, seen, states };
}"""


def test_a_feed_that_breaks_goes_on_behind_the_last_whole_event(site: Site, visit: Visit) -> None:
    page = visit("/")
    told = page.evaluate(FEED)
    path = "/v1/meetings/a%20b/live"
    assert told["asked"] == [[path, None], [path, "1-a"], [path, "1-a"], [path, "3-a"]]
    assert told["seen"] == [["meeting", {"title": "Ü"}], ["segment", {"n": 1}], ["removed", {"n": 2}], ["reset", {}]]
    assert told["states"][:3] == ["live", "waiting", "live"]


HIDDEN = """async () => {
  const { follow } = await import("/app/live_feed.js");
  const asked = [], ending = new AbortController();
  window.hide = (is) => { Object.defineProperty(document, "hidden", { value: is, configurable: true }); document.dispatchEvent(new Event("visibilitychange")); };
  const api = { async request(_path, { headers, signal }) {
    asked.push(headers["Last-Event-ID"] ?? null);
    return { body: new ReadableStream({ start(out) {
      out.enqueue(new TextEncoder().encode("id: 7-a\\nevent: segment\\ndata: {}\\n\\n"));
      signal.addEventListener("abort", () => out.error(new DOMException("", "AbortError")));
    } }) };
  } };
  window.asked = asked;
  follow(api, "m1", { signal: ending.signal, onevents() {}, onstate() {} });
}"""


def test_a_page_that_nobody_looks_at_gives_its_connection_back(site: Site, visit: Visit) -> None:
    page = visit("/")
    page.clock.install()
    page.evaluate(HIDDEN)
    page.wait_for_function("() => asked.length === 1")
    page.evaluate("() => hide(true)")
    page.clock.run_for(70_000)
    assert page.evaluate("asked.length") == 1
    page.evaluate("() => hide(false)")
    page.clock.run_for(1_000)
    page.wait_for_function("() => asked.length === 2")
    assert page.evaluate("asked") == [None, "7-a"]


PARSED = """async () => {
  const { EventStreamParser } = await import("/app/event_stream.js");
  const text = "retry: 5\\r\\n\\r\\n: comment\\rid: 1\\nevent: a\\ndata: x\\ndata:y\\r\\n\\r\\ndata\\n\\nid: 2\\r\\rid\\rdata: last\\n\\ndata: unfinished\\n";
  const read = (pieces) => { const parser = new EventStreamParser(); return JSON.stringify([pieces.flatMap((piece) => parser.push(piece)), parser.lastId]); };
  const whole = read([text]);
  const different = new Set([read([...text])]);
  for (let at = 0; at <= text.length; at++) for (let to = at; to <= text.length; to++) different.add(read([text.slice(0, at), text.slice(at, to), text.slice(to)]));
  return [JSON.parse(whole), [...different].filter((each) => each !== whole)];
}"""


def test_events_are_the_same_wherever_their_text_is_cut(site: Site, visit: Visit) -> None:
    events, last_id = visit("/").evaluate(PARSED)[0]
    assert events == [
        {"type": "a", "data": "x\ny"},
        {"type": "message", "data": ""},
        {"type": "message", "data": "last"},
    ]
    assert last_id == ""
    assert visit("/").evaluate(PARSED)[1] == []


def announced(page: Page) -> str:
    return page.locator("#announcer").inner_text()


def test_only_final_news_are_read_out(site: Site, visit: Visit) -> None:
    site.meeting("m1")
    site.say("m1", 0, [("Ada", "said long before")])
    page = visit("/app/meetings/m1")
    expect(page.get_by_text("said long before")).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)
    site.say("m1", 10_000, [("Ada", "still changing")], final=False)
    expect(page.get_by_text("changing")).to_be_visible()
    assert announced(page) == ""
    site.say("m1", 10_000, [("Ada", "this is settled")], revision=2)
    expect(page.locator("#announcer")).to_have_text("Ada: this is settled")
