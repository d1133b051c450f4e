"""The pages that people read, and a server as the README starts it."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser import Pages
from turnscribe.client import Client
from turnscribe.local_server import LocalServer, free_port

RUN_MARK = "<!-- tests/readme runs this -->\n"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A Markdown page."""

    path: Path
    text: str

    def blocks(self, language: str) -> list[str]:
        """The code blocks of a language, in order."""
        return [body for found, body in _BLOCK.findall(self.text) if found == language]

    def runnable(self, language: str) -> list[str]:
        """Those of them that the page says are run here."""
        parts = self.text.split(RUN_MARK)[1:]
        return [match.group(2) for part in parts if (match := _BLOCK.match(part)) and match.group(1) == language]


@pytest.fixture(scope="session")
def root(pytestconfig: pytest.Config) -> Path:
    """The project's folder."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def readme(root: Path) -> Page:
    """README.md."""
    path = root / "README.md"
    return Page(path, path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def pages(root: Path) -> list[Page]:
    """Every page of the project."""
    paths = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("requirements/*.md")]
    return [Page(path, path.read_text(encoding="utf-8")) for path in sorted(paths)]


@pytest.fixture(scope="session")
def meeting_page() -> Iterator[Pages]:
    """A page of another origin than the server's."""
    with Pages() as pages:
        yield pages


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, meeting_page: Pages) -> Iterator[LocalServer]:
    """What `turnscribe serve` runs, on a free port, for that page."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("API_", "REDIS_", "WHISPER_"))}
    environ["CORS_ALLOWED_ORIGINS"] = meeting_page.origin
    with LocalServer(tmp_path_factory.mktemp("served"), free_port(), environ) as server:
        server.wait_until_ready(120)
        yield server


@pytest.fixture
def client(served: LocalServer) -> Iterator[Client]:
    """A client of that server."""
    with Client(served.url, served.token) as client:
        yield client
