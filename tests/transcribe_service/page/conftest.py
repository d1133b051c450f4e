"""One Chromium for each file, a service for each test, and pages that must give the browser no reason to complain."""

from collections.abc import Iterator
from typing import Protocol

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import chromium
from tests.transcribe_service.page.seeded import Site

PATIENCE_MS = 20_000
VIOLATIONS = "window.violations = []; addEventListener('securitypolicyviolation', (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));"


class Visit(Protocol):
    """Opens a place of the page in a new tab, with a token; `calm`: for a reader who wants nothing to move."""

    def __call__(self, place: str, *, calm: bool = False) -> Page: ...


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.add_init_script(VIOLATIONS)
        yield browser


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What browsers complained about; a test that expects some takes them out."""
    return []


@pytest.fixture
def visit(context: BrowserContext, site: Site, complaints: list[str]) -> Iterator[Visit]:
    expect.set_options(timeout=PATIENCE_MS)
    opened: list[Page] = []

    def open_(place: str, *, calm: bool = False) -> Page:
        page = context.new_page()
        if calm:
            page.emulate_media(reduced_motion="reduce")
        opened.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type in {"error", "warning"} else None)
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(site.signed_in(place))
        return page

    yield open_
    violations = [each for page in opened for each in page.evaluate("violations")]
    for page in opened:
        page.close()
    assert (violations, complaints) == ([], [])
