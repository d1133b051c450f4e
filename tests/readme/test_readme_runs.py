"""The README's curl commands and its browser recorder, run as they stand against real services and a real Whisper."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import Pages, chromium
from tests.e2e.excerpts import write_excerpt
from tests.readme.conftest import Page
from turnscribe.client import Client
from turnscribe.errors import NotFound
from turnscribe.local_server import LocalServer
from turnscribe.schema import Transcript

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow]

PAGE = """
<!doctype html>
<button id="stop">Stop</button>
<script type="module">
  %s
</script>
"""


def when(client: Client, meeting_id: str, done: Callable[[Transcript], bool]) -> Transcript:
    """The transcript once it is `done`."""
    deadline_s = time.monotonic() + 120
    while time.monotonic() < deadline_s:
        try:
            found = client.transcript(meeting_id)
        except NotFound:
            found = None
        if found is not None and done(found):
            return found
        time.sleep(0.2)  # another process works; only its answers say when it is done
    raise AssertionError(f"{meeting_id} did not get there")


@pytest.mark.component("curl")
def test_the_curl_commands_give_a_transcript(root: Path, readme: Page, served: LocalServer, client: Client) -> None:
    def run(commands: str) -> str:
        here = commands.replace("http://127.0.0.1:8080", served.url).replace(
            ".turnscribe/token", str(served.token_path)
        )
        done = subprocess.run(["bash", "-euc", here], cwd=root, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    upload, read = readme.runnable("sh")
    said = run(upload)
    assert '"status":"stored"' in said
    assert '"observation_id"' in said
    assert '"ended":true' in said
    when(client, "weekly", lambda transcript: transcript.complete)
    text = run("\n".join([*upload.splitlines()[:2], read]))
    assert "Chair: Good morning" in text
    assert "Engineer" in text


@pytest.mark.component("chromium")
def test_the_browser_recorder_gives_a_transcript(
    readme: Page, served: LocalServer, client: Client, meeting_page: Pages, tmp_path: Path
) -> None:
    (snippet,) = readme.runnable("js")
    here = snippet.replace("http://127.0.0.1:8080", served.url).replace('token: "…"', f'token: "{served.token}"')
    meeting_page.html = PAGE % here
    write_excerpt(tmp_path / "heard.wav", "wav")
    with chromium(tmp_path / "profile", tmp_path / "heard.wav") as browser:
        page = browser.new_page()
        with page.expect_console_message(lambda line: line.text.startswith("3 chunks, ")):  # of three seconds each
            page.goto(meeting_page.origin)
        with page.expect_console_message(lambda line: line.text == "All is sent."):
            page.click("#stop")
    transcript = when(client, "weekly-42", lambda transcript: transcript.complete)
    assert "morning" in client.transcript_text("weekly-42", "text").lower()
    (stream,) = transcript.streams
    assert not stream.gaps
