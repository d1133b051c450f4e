"""Recording on the page, with the browser's own microphone that beeps, and a server that comes and goes."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Request, Route, expect

from tests.ingest_service.websocket.ingest_process import IngestProcess
from tests.transcribe_service.page.conftest import Visit
from tests.transcribe_service.page.seeded import Site

pytestmark = pytest.mark.component("chromium")


class Ingest:
    """Takes what is uploaded, while it is there."""

    def __init__(self) -> None:
        self.is_there = False
        self.taken: list[Request] = []

    def answer(self, route: Route) -> None:
        if not self.is_there:
            route.abort("connectionrefused")
            return
        self.taken.append(route.request)
        route.fulfill(status=201, body="{}")

    @property
    def meetings(self) -> set[str]:
        return {parse_qs(urlsplit(each.url).query)["meeting_id"][0] for each in self.taken}


@pytest.fixture
def ingest(context: BrowserContext, site: Site) -> Ingest:
    server = Ingest()
    answer: Callable[[Route], None] = server.answer
    context.route(f"{site.url}/v1/streams/**", answer)
    return server


def test_a_recording_waits_for_its_server_and_goes_on_beside_other_views(
    site: Site, visit: Visit, ingest: Ingest, complaints: list[str]
) -> None:
    page = visit("/app/record")
    page.get_by_label("Title").fill("Beeps")
    page.get_by_role("button", name="Start recording").click()
    bar = page.get_by_role("region", name="Recording")
    expect(page.get_by_text("Waiting for the first words …")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.level').value > 0.2")
    expect(bar).to_contain_text(re.compile(r"The server can't be reached: \d pieces? kept here"))
    page.get_by_role("link", name="Meetings").click()
    expect(bar).to_contain_text("Recording 0:")
    page.get_by_role("link", name="Record", exact=True).click()
    page.get_by_role("link", name="Go to it").click()

    ingest.is_there = True
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(bar).not_to_contain_text("kept here")
    (meeting_id,) = ingest.meetings
    assert re.fullmatch(r"recording-\d{4}-\d\d-\d\dT\d{4}-[0-9a-z]{7}", meeting_id)
    assert page.url == f"{site.url}/app/meetings/{meeting_id}"
    site.meeting(meeting_id)
    expect(page.get_by_role("heading", level=1)).to_have_text("Beeps")

    bar.get_by_role("button", name="Stop").click()
    expect(bar).to_contain_text("The recording is complete and sent.")
    assert urlsplit(ingest.taken[-1].url).path.endswith("/end")
    assert site.stored(meeting_id).title == "Beeps"
    bar.get_by_role("button", name="Close").click()
    expect(bar).to_be_hidden()
    expected = re.compile("ERR_CONNECTION_REFUSED|404")
    complaints[:] = [each for each in complaints if not expected.search(each)]


def test_who_may_not_use_the_microphone_is_told_so(visit: Visit) -> None:
    page = visit("/app/record")
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }; }"
    )
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("alert")).to_contain_text("may not use the microphone")
    expect(page.get_by_role("button", name="Start recording")).to_be_enabled()


def test_a_recording_goes_to_another_origin_where_the_installation_says_so(
    context: BrowserContext, tmp_path: Path
) -> None:
    """As on Cloud Run, where every service has a name of its own: the policy and CORS let exactly that through."""
    with (
        IngestProcess(tmp_path, CORS_ALLOWED_ORIGINS="*", API_TOKEN=Site.token) as ingest,
        Site(ingest_url=ingest.url) as site,
        closing(context.new_page()) as page,
    ):
        page.goto(site.signed_in("/app/record"))
        page.get_by_role("button", name="Start recording").click()
        bar = page.get_by_role("region", name="Recording")
        expect(bar).to_contain_text("Recording 0:03")
        bar.get_by_role("button", name="Stop").click()
        expect(bar).to_contain_text("The recording is complete and sent.")
        assert page.evaluate("violations") == []
        assert list(tmp_path.rglob("chunks/00000000*"))
