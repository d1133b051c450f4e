"""The web page in a real Chromium over the whole stack with the real Whisper: what a microphone hears is read on it, and heard again."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser import chromium
from tests.e2e.conftest import READY_S, demo_environment
from tests.e2e.excerpts import write_excerpt
from turnscribe.client import Client
from turnscribe.local_server import LocalServer, free_port

pytestmark = [
    pytest.mark.component("chromium"),
    pytest.mark.component("whisper"),
    pytest.mark.slow,
    pytest.mark.timeout(300),
]

SENTENCE = re.compile("thank you for coming to the planning meeting", re.IGNORECASE)
"""What the microphone hears first."""
LISTEN = """() => {
  const { play } = HTMLMediaElement.prototype;
  window.heard = [];
  HTMLMediaElement.prototype.play = function () { heard.push(this); this.playbackRate = 0.125; return play.call(this); };
}"""
"""Keeps the elements that are played, which stand in no document. They play slowly: a word is shown as long as a busy machine needs to look."""
STATE = """() => ({
  heard: heard.map(({ currentTime, paused, readyState, error }) => ({ currentTime, paused, readyState, error: error?.message })),
  selected: String(getSelection()),
  told: [...document.querySelectorAll("[role=alert], [role=status]")].map(({ textContent }) => textContent),
  playing: document.querySelectorAll(".playing").length,
})"""
"""What there is to say of a page that plays nothing."""
PLAYING = re.compile("playing")
PATIENCE_MS = 90_000
"""Whisper shares the machine with a browser that records."""


def play_from(word: Locator) -> None:
    """Click a word until it is heard. A click is lost where the text moves between pressing and letting go, as it may once more when a meeting
    has just become complete; people click again.
    """
    for _ in range(3):
        word.click()
        try:
            expect(word).to_have_class(PLAYING, timeout=PATIENCE_MS / 6)
        except AssertionError:
            continue
        return
    pytest.fail(f"a word is clicked three times and not heard: {word.page.evaluate(STATE)}")


def longest_word(server: LocalServer, meeting_id: str) -> int:
    """Which of a transcript's words is followed latest by the next one, and so is shown longest. Whisper may give two words the same time."""
    with Client(server.url, server.token) as client:
        words = [word for utterance in client.transcript(meeting_id).utterances for word in utterance.words]
    starts_ms = [word.start_ms for word in words]
    return max(range(len(words) - 1), key=lambda number: starts_ms[number + 1] - starts_ms[number])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    own = {"SPEAKER_DELAY_SEC": "0", "SPEAKER_WAIT_SEC": "2"}
    with LocalServer(tmp_path_factory.mktemp("runner"), free_port(), demo_environment() | own) as running:
        running.wait_until_ready(READY_S)
        yield running


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    heard = tmp_path_factory.mktemp("heard") / "conversation.wav"
    write_excerpt(heard, "wav")
    with chromium(tmp_path_factory.mktemp("profile"), heard) as browser:
        yield browser


def test_what_a_microphone_hears_is_read_renamed_found_heard_and_exported(
    context: BrowserContext, server: LocalServer, tmp_path: Path
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    wrong = watched(page)

    page.goto(server.url)
    page.get_by_label("Token").fill("not the token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not know this token")
    assert wrong.pop(0).endswith("401 (UNAUTHORIZED)")
    page.get_by_label("Token").fill(server.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Meetings")).to_be_visible()

    page.get_by_role("link", name="Record", exact=True).click()
    page.get_by_label("Title").fill("Planning, recorded")
    page.get_by_label("Your name").fill("Chair")
    page.get_by_role("button", name="Start recording").click()
    recorder = page.get_by_role("region", name="Recording")
    expect(recorder).to_contain_text("Recording 0:")
    transcript = page.get_by_role("list", name="Transcript")
    expect(transcript).to_contain_text(SENTENCE)
    assert recorder.get_by_role("button", name="Stop").is_visible(), "it is read while it is being recorded"
    expect(page.get_by_role("heading", name="Planning, recorded")).to_be_visible()
    assert all(each.endswith("404 (NOT FOUND)") for each in wrong), (
        "only that the meeting is not there before its first chunk"
    )
    wrong.clear()

    recorder.get_by_role("button", name="Stop").click()
    expect(recorder).to_contain_text("complete and sent")
    recorder.get_by_role("button", name="Close").click()
    expect(page.locator(".badge")).to_have_text("Complete")
    expect(page.locator(".provisional")).to_have_count(0)
    expect(transcript).to_contain_text(SENTENCE)

    page.evaluate(LISTEN)
    play_from(transcript.locator(".word").nth(longest_word(server, page.url.rpartition("/")[2])))
    page.wait_for_function("() => heard[0]?.currentTime > 0.3 && !heard[0].paused")
    page.get_by_role("button", name="Pause").click()

    page.get_by_role("list", name="Speakers").get_by_role("button", name="Chair").click()
    page.get_by_label("New name for Chair").fill("Dr Chair")
    page.keyboard.press("Enter")
    expect(transcript.get_by_text("Dr Chair").first).to_be_visible()

    with page.expect_download() as download:
        page.get_by_text("Export", exact=True).click()
        page.get_by_role("button", name="WebVTT").click()
    saved = tmp_path / "saved.vtt"
    download.value.save_as(saved)
    assert download.value.suggested_filename == "Planning, recorded.vtt"
    assert saved.read_text().startswith("WEBVTT")
    assert "<v Dr Chair>" in saved.read_text()

    page.get_by_label("Search in all meetings").fill("planning meeting")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Dr Chair.*planning meeting", re.IGNORECASE)).first.click()
    expect(transcript).to_contain_text(SENTENCE)
    expect(page.get_by_role("heading", name="Planning, recorded")).to_be_visible()

    page.reload()
    expect(transcript).to_contain_text(SENTENCE)
    expect(transcript.get_by_text("Dr Chair").first).to_be_visible()
    assert wrong == []
    page.close()


def watched(page: Page) -> list[str]:
    """What the browser complains about from now on: errors of scripts, refused resources, breaches of the policy."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    return wrong
