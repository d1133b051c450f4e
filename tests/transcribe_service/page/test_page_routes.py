"""What the page is served as. No browser."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from transcribe_service.page.routes import FOLDER, MEDIA_TYPES, page_blueprint

PLACES = ["/", "/app/", "/app/record", "/app/search", "/app/meetings/m1"]
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES)
LONGEST = 250


def client(ingest: str = "") -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(page_blueprint(ingest))
    return app.test_client()


def policy(ingest: str = "") -> dict[str, str]:
    told = client(ingest).get("/").headers["Content-Security-Policy"]
    return dict(rule.split(" ", 1) for rule in told.split("; "))


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_the_page_is_the_same_document(place: str) -> None:
    answer = client().get(place)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert answer.data == client().get("/").data


def test_nothing_runs_but_the_page_s_own_files() -> None:
    rules = policy()
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert (rules["require-trusted-types-for"], rules["trusted-types"]) == ("'script'", "'none'")
    assert "unsafe" not in str(rules)
    shell = client().get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", shell), (
        "no script or style in the document"
    )


def test_recordings_may_go_to_another_origin_and_nothing_else_may() -> None:
    ingest = "https://ingest.example:8443"
    assert policy(ingest + "/") == policy() | {
        "script-src": f"'self' {ingest}",
        "connect-src": f"'self' {ingest}",
    }
    assert f'<meta name="ingest" content="{ingest}">' in client(ingest + "/").get("/").text
    assert '<meta name="ingest" content="">' in client().get("/").text


@pytest.mark.parametrize("path", ["/", "/app/main.js", "/app/frame.css", "/app/icon.svg"])
def test_answers_say_how_they_may_be_used(path: str) -> None:
    answer = client().get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Permissions-Policy"].startswith("microphone=(self)")
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client().get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_its_media_type(name: str) -> None:
    answer = client().get(f"/app/{name}")
    assert (answer.status_code, answer.data) == (200, (FOLDER / name).read_bytes())
    assert answer.content_type == MEDIA_TYPES[f".{name.rpartition('.')[2]}"]


@pytest.mark.parametrize(
    "path",
    [
        "/app/routes.py",
        "/app/index.html",
        "/app/none.js",
        "/app/..%2froutes.py",
        "/app/%2e%2e/routes.py",
        "/app/x/main.js",
    ],
)
def test_only_the_page_s_files_are_served(path: str) -> None:
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(page_blueprint(""))
    app.register_error_handler(Exception, lambda _error: ("nothing", 404))
    assert app.test_client().get(path).status_code == 404


@pytest.mark.parametrize("name", FILES)
def test_files_hold_one_idea_and_ask_for_none_that_is_not_there(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert len(text.splitlines()) < LONGEST
    asked = re.findall(r"""from "(?:\./)?([^"]+)";|href="/app/([\w.]+)"|src="/app/([\w.]+)\"""", text)
    assert {found for each in asked for found in each if found} <= set(FILES)


def test_no_file_writes_html_or_puts_a_token_into_an_address() -> None:
    scripts = "\n".join((FOLDER / name).read_text() for name in FILES if name.endswith(".js"))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|[?&]token=", scripts
    )
