import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from common.auth import Principal, SingleToken, principal, require_bearer
from common.ports.token_store import Scope
from common.problems import install_problem_handlers
from common.settings import Secret


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("test")
    install_problem_handlers(app)
    routes = Blueprint("routes", __name__)
    routes.before_request(require_bearer(SingleToken(Secret("right")), Scope.READ))

    @routes.get("/")
    def whose() -> str:
        return principal().tenant

    app.register_blueprint(routes)
    return app.test_client()


@given(st.text(), st.text(min_size=1))
def test_only_the_token_itself_is_right(presented: str, token: str) -> None:
    expected = Principal("default", operator=True) if presented == token else None
    assert SingleToken(Secret(token)).verify(presented) == expected


def test_without_a_token_nobody_is_let_in() -> None:
    assert SingleToken(Secret()).verify("") is None


@pytest.mark.parametrize("header", ["Bearer right", "bearer right", "BEARER  right "])
def test_the_header_is_read(client: FlaskClient, header: str) -> None:
    assert client.get("/", headers={"Authorization": header}).text == "default"


def test_what_cannot_set_headers_may_use_the_query(client: FlaskClient) -> None:
    assert client.get("/?token=right").text == "default"


@pytest.mark.parametrize(
    ("header", "query", "detail"),
    [
        ("", "", "A bearer token is missing."),
        ("Bearer", "", "A bearer token is missing."),
        ("right", "", "A bearer token is missing."),
        ("Basic right", "", "A bearer token is missing."),
        ("Bearer wrong", "", "The bearer token is not valid."),
        ("Bearer wrong", "?token=right", "The bearer token is not valid."),
        ("", "?token=wrong", "The bearer token is not valid."),
        ("Bearer right wrong", "", "The bearer token is not valid."),
    ],
)
def test_everybody_else_gets_401(client: FlaskClient, header: str, query: str, detail: str) -> None:
    answer = client.get(f"/{query}", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="turnscribe"'
    body = answer.get_json(force=True)
    assert body["detail"] == detail
    assert "wrong" not in answer.text
