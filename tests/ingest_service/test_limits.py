"""What one tenant may have of an instance, and that none of it leaks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.auth import Principal
from common.errors import Backpressure
from common.ports.token_store import ALL_SCOPES, Scope
from common.problems import install_problem_handlers
from common.settings import Secret
from ingest_service.http.limits import TenantLimits, guard, tenant_limits
from ingest_service.settings import IngestSettings
from tests.clocks import FakeClock
from tests.ingest_service.fakes import Ingest, problem


class TenantIsToken:
    """Whose name is the token."""

    def verify(self, token: str) -> Principal | None:
        return Principal(token, ALL_SCOPES - {Scope.ADMIN}) if token else None


class Service:
    """One guarded blueprint, whose route can be told to fail or to wait."""

    def __init__(self, requests_per_s: float = 0, concurrent_requests: int = 0) -> None:
        self.clock = FakeClock()
        self.limits = TenantLimits(self.clock, requests_per_s=requests_per_s, concurrent_requests=concurrent_requests)
        self.inside = threading.Semaphore(0)
        self.leave = threading.Event()
        app = Flask("test")
        install_problem_handlers(app)
        routes, managing = Blueprint("routes", __name__), Blueprint("managing", __name__, url_prefix="/manage")
        guard(routes, TenantIsToken(), self.limits, Scope.INGEST, Scope.READ)
        guard(managing, TenantIsToken(), self.limits, Scope.ADMIN)

        @routes.get("/")
        def answer() -> str:
            return "there"

        @routes.get("/fails")
        def fail() -> str:
            raise RuntimeError

        @routes.get("/waits")
        def wait() -> str:
            self.inside.release()
            assert self.leave.wait(30)
            return "waited"

        @managing.get("/")
        def manage() -> str:
            raise AssertionError("nobody may")

        app.register_blueprint(routes)
        app.register_blueprint(managing)
        self._app = app

    def get(self, path: str = "/", tenant: str = "acme") -> TestResponse:
        client: FlaskClient = self._app.test_client()
        return client.get(path, headers={"Authorization": f"Bearer {tenant}"} if tenant else {})


def test_the_burst_then_the_rate_and_when_to_come_back() -> None:
    service = Service(requests_per_s=2)
    assert [service.get().status_code for _ in range(5)] == [200] * 4 + [429]
    refused = service.get()
    assert problem(refused)[:2] == (429, "too-many-requests")
    assert "2 requests a second" in problem(refused)[2]
    assert refused.headers["Retry-After"] == "1"
    service.clock.advance(0.5)
    assert [service.get().status_code for _ in range(2)] == [200, 429]


def test_a_slow_rate_says_how_many_whole_seconds_to_wait() -> None:
    service = Service(requests_per_s=0.3)
    assert service.get().status_code == 200
    assert service.get().headers["Retry-After"] == "4"
    service.clock.advance(4)
    assert service.get().status_code == 200


def test_tenants_do_not_pay_for_each_other() -> None:
    service = Service(requests_per_s=1, concurrent_requests=1)
    assert [service.get(tenant="acme").status_code for _ in range(3)] == [200, 200, 429]
    assert [service.get(tenant="other").status_code for _ in range(3)] == [200, 200, 429]


def test_without_a_limit_there_is_none() -> None:
    service = Service()
    assert {service.get().status_code for _ in range(50)} == {200}


def test_who_may_not_come_in_costs_the_tenant_nothing() -> None:
    service = Service(requests_per_s=1)
    for _ in range(5):
        assert service.get(tenant="").status_code == 401
        assert service.get("/manage/").status_code == 403
    assert [service.get().status_code for _ in range(3)] == [200, 200, 429]


def test_only_so_many_requests_are_in_work_at_a_time() -> None:
    service = Service(concurrent_requests=2)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(service.get, "/waits") for _ in range(2)]
        for _ in waiting:
            assert service.inside.acquire(timeout=30)
        refused = service.get()
        assert problem(refused)[:2] == (429, "too-many-requests")
        assert "2 requests in work" in problem(refused)[2]
        assert refused.headers["Retry-After"] == "1"
        assert service.get(tenant="other").status_code == 200
        service.leave.set()
        assert [each.result(30).status_code for each in waiting] == [200, 200]
    assert service.get().status_code == 200


def test_a_request_that_fails_gives_its_place_back() -> None:
    service = Service(concurrent_requests=1)
    for _ in range(3):
        assert service.get("/fails").status_code == 500
        assert service.get("/nowhere").status_code == 404
    assert service.get().status_code == 200


def test_a_refusal_for_want_of_a_place_takes_nothing_from_the_rate() -> None:
    limits = TenantLimits(FakeClock(), requests_per_s=1, concurrent_requests=1)
    limits.enter("acme")
    for _ in range(5):
        with pytest.raises(Backpressure) as refused:
            limits.enter("acme")
        assert refused.value.reason == "tenant_concurrency"
    limits.leave("acme")
    limits.enter("acme")
    limits.leave("acme")
    with pytest.raises(Backpressure) as refused:
        limits.enter("acme")
    assert refused.value.reason == "tenant_rate"


def test_the_settings_decide() -> None:
    settings = IngestSettings(api_token=Secret("t"), tenant_requests_per_sec=0, tenant_concurrent_requests=1)
    limits = tenant_limits(settings, FakeClock())
    limits.enter("acme")
    with pytest.raises(Backpressure):
        limits.enter("acme")


def test_uploads_are_limited() -> None:
    ingest = Ingest(IngestSettings(api_token=Secret("correct-horse"), tenant_requests_per_sec=1))
    assert [ingest.status().status_code for _ in range(3)] == [404, 404, 429]
