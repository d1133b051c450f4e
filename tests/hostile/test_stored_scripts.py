"""Scripts for names, titles and words: the whole way from an upload over Whisper to a real Chromium and to captions, and nothing runs.

What the page does with each text stands in tests/transcribe_service/page; here the texts come through the pipeline, and each format
is read by something that is not ours.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import chromium
from tests.hostile.conftest import Runner
from turnscribe.demo.command import CONVERSATION

pytestmark = [pytest.mark.component("chromium"), pytest.mark.timeout(300), pytest.mark.slow]
MEETING = "scripts"
NAME = "</v><img src=x onerror=\"window.attacked='name'\">--> \"'><svg onload=window.attacked='svg'>"
TITLE = "<script>window.attacked='title'</script>{{constructor}}../../title\r\n.html"
FORMATS = {
    "text": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "json": "application/json",
    "verbose_json": "application/json",
    "diarized_json": "application/json",
}
TIMES = re.compile(r"^(\d\d:)?\d\d:\d\d[.,]\d{3} --> (\d\d:)?\d\d:\d\d[.,]\d{3}$")
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def meeting(runner: Runner) -> str:
    said = f"meeting_id={MEETING}&channels=separate&channel_speakers={quote(NAME)}&language=en"
    answer = runner.asked(
        "POST", f"/v1/recordings?{said}", "Content-Type: audio/webm", body=CONVERSATION.read_bytes(), tenant="victim"
    )
    assert answer.status == 201, answer
    path = f"/v1/meetings/{MEETING}/transcript"
    until_s = time.monotonic() + PATIENCE_S
    while not ((found := runner.asked("GET", path, tenant="victim")).status == 200 and found.json["complete"]):
        assert time.monotonic() < until_s, found
        time.sleep(0.2)
    titled = runner.told("PATCH", f"/v1/meetings/{MEETING}", {"title": TITLE}, tenant="victim")
    assert titled.status in {200, 400}
    if titled.status == 400:  # line ends are no title's
        assert (
            runner.told(
                "PATCH", f"/v1/meetings/{MEETING}", {"title": TITLE.replace("\r\n", "")}, tenant="victim"
            ).status
            == 200
        )
    return MEETING


def exported(runner: Runner, format_: str) -> str:
    answer = runner.asked("GET", f"/v1/meetings/{MEETING}/transcript?format={format_}", tenant="victim")
    assert answer.status == 200, answer
    assert answer.header("Content-Type").partition(";")[0] == FORMATS[format_]
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert "default-src 'none'" in answer.header("Content-Security-Policy")
    return answer.body.decode()


@pytest.mark.parametrize("format_", FORMATS)
def test_each_format_says_what_it_is_and_holds_the_words(runner: Runner, meeting: str, format_: str) -> None:
    text = exported(runner, format_)
    assert "onerror" in text
    if "json" in format_:
        assert NAME in json.dumps(json.loads(text), ensure_ascii=False).replace('\\"', '"') or format_ == "verbose_json"


@pytest.mark.parametrize("format_", ["srt", "vtt"])
def test_no_word_begins_a_cue_a_style_or_another_voice(runner: Runner, meeting: str, format_: str) -> None:
    lines = exported(runner, format_).split("\n")
    assert not any("\r" in line or "\0" in line for line in lines)
    arrows = [line for line in lines if "-->" in line]
    assert arrows
    assert all(TIMES.match(line) for line in arrows)
    assert not any(line.strip() in {"STYLE", "REGION", "NOTE"} or line.startswith("00:00:01,000 -->") for line in lines)
    assert sum(line.startswith("WEBVTT") for line in lines[:1]) == (format_ == "vtt")
    if format_ == "vtt":
        voices = [tag for line in lines for tag in re.findall(r"<[^>]*>", line)]
        assert voices
        assert all(tag == "</v>" or tag.startswith("<v &lt;/v&gt;&lt;img") for tag in voices), set(voices)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.add_init_script(
            "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective));"
        )
        yield browser


def shown(context: BrowserContext, runner: Runner, path: str) -> Page:
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto(f"{runner.server.url}{path}#token={runner.tokens['victim']}")
    return page


def test_nothing_of_it_runs_in_the_page(context: BrowserContext, runner: Runner, meeting: str, tmp_path: Path) -> None:
    page = shown(context, runner, f"/app/meetings/{meeting}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>window.attacked")
    expect(page.get_by_role("list", name="Transcript")).to_contain_text("onerror=")
    expect(page.locator(".said-by .name").first).to_contain_text("<img src=x")
    page.get_by_label("Find in this meeting").fill("<img")
    with page.expect_download() as download:
        page.get_by_text("Export", exact=True).click()
        page.get_by_role("button", name="WebVTT").click()
    name = download.value.suggested_filename
    assert name.endswith(".vtt")
    assert not set(name) & set('/\\<>:"|?*\r\n')
    page.get_by_label("Search in all meetings").fill("forged")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("forged")
    page.goto(f"{runner.server.url}/app/meetings/{quote('<img src=x onerror=alert(1)>', safe='')}")
    page.goto(f"{runner.server.url}/app/search?q={quote('<img src=x onerror=alert(1)>')}")
    assert page.evaluate("window.attacked") is None
    assert page.evaluate("document.querySelectorAll('main img, main script, [onerror], [onload]').length") == 0
    page.close()


VTT_IN_BROWSER = """async ([url, token]) => {
  const text = await (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).text();
  const video = document.createElement("video"), track = document.createElement("track");
  track.kind = "captions"; track.default = true;
  track.src = URL.createObjectURL(new Blob([text], { type: "text/vtt" }));
  video.append(track);
  track.track.mode = "hidden";
  await new Promise((loaded, failed) => { track.onload = loaded; track.onerror = failed; });
  return [...track.track.cues].map((cue) => { const made = cue.getCueAsHTML(); return [made.querySelectorAll("img, script, svg").length, made.textContent]; });
}"""


def test_a_browser_reads_the_captions_as_text(context: BrowserContext, runner: Runner, meeting: str) -> None:
    """On an empty page of the same origin without the page's own policy, which would keep the track from loading."""
    page = context.new_page()
    page.route("**/empty", lambda route: route.fulfill(body="<title>x</title>", content_type="text/html"))
    page.goto(f"{runner.server.url}/empty")
    url = f"/v1/meetings/{meeting}/transcript?format=vtt"
    cues = page.evaluate(VTT_IN_BROWSER, [url, runner.tokens["victim"]])
    assert len(cues) == exported(runner, "vtt").count(" --> ")
    assert sum(elements for elements, _ in cues) == 0
    assert any("<img" in text for _, text in cues)
    page.close()


def test_the_policy_stops_a_script_that_got_in_all_the_same(
    context: BrowserContext, runner: Runner, meeting: str
) -> None:
    """As if the page had made HTML of a word: the server's answer is changed on its way, its headers are the server's."""
    page = context.new_page()

    def with_scripts(route) -> None:  # type: ignore[no-untyped-def]  # playwright's Route
        answer = route.fetch()
        attack = "<script>window.attacked=1</script><img src=x onerror='window.attacked=2'><a href='javascript:window.attacked=3' id=go>go</a><base href='https://evil.example/'><iframe srcdoc='<script>top.attacked=4</script>'></iframe><style>body{display:none}</style><object data='/app/main.js'></object>"
        route.fulfill(response=answer, body=answer.text().replace("</body>", f"{attack}</body>"))

    page.route(f"{runner.server.url}/app/", with_scripts)
    page.goto(f"{runner.server.url}/app/")
    page.evaluate("document.getElementById('go').click()")
    page.wait_for_function("violations.length >= 4")
    assert page.evaluate("window.attacked") is None
    assert {"script-src-elem", "script-src-attr", "style-src-elem", "base-uri"} <= set(page.evaluate("violations"))
    page.close()


def test_the_page_stands_in_no_frame(context: BrowserContext, runner: Runner) -> None:
    page = context.new_page()
    page.route(
        "**/framing",
        lambda route: route.fulfill(body=f"<iframe src='{runner.server.url}/'></iframe>", content_type="text/html"),
    )
    refused: list[str] = []
    page.on("console", lambda told: refused.append(told.text))
    page.goto(f"{runner.server.url}/framing")
    page.wait_for_function("document.querySelector('iframe')")
    for _ in range(100):
        if refused:
            break
        page.wait_for_timeout(100)
    assert any("frame-ancestors" in each or "X-Frame-Options" in each for each in refused), refused
    page.close()
