"""What Cloud Trace really gets, over gRPC, and what happens when it does not."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import google.auth
import google.auth.exceptions
import grpc
import pytest
import urllib3
from google.cloud.trace_v2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from structlog.testing import capture_logs

from common import trace
from common.adapters.google import cloud_trace
from common.adapters.google.cloud_trace import cloud_trace_processor
from common.errors import Retryable
from common.health import Drain
from common.settings import SettingsError
from common.trace import recorded, sampler, span
from common.web import base_app
from local_cloud.processes import free_port
from tests.common.adapters.cloud_trace_server import CloudTrace, cloud_trace_server

pytestmark = pytest.mark.filterwarnings("ignore:Deprecated since version 1.4.0:DeprecationWarning")
"""The exporter uses a class of the SDK that says so, once for each span."""

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def cloud() -> Iterator[CloudTrace]:
    with cloud_trace_server() as server:
        yield server


@pytest.fixture
def provider(cloud: CloudTrace, monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
    """Spans are recorded for Cloud Trace while the test runs. Shut it down to have them sent."""
    provider = TracerProvider(sampler(1.0), Resource.get_empty(), shutdown_on_exit=False)
    provider.add_span_processor(cloud_trace_processor("proj", grpc.insecure_channel(cloud.address)))
    monkeypatch.setattr(trace, "_start", recorded(provider))
    return provider


def sent(cloud: CloudTrace) -> list[Span]:
    """The spans of the one batch that came."""
    request = cloud.received.get(timeout=5)
    assert request.name == "projects/proj"
    assert cloud.received.empty()
    return list(request.spans)


def attributes(one: Span) -> dict[str, str | int]:
    found = {}
    for key, value in one.attributes.attribute_map.items():
        found[key] = value.string_value.value or value.int_value
    return found


def test_a_request_becomes_a_span_of_the_callers_trace(cloud: CloudTrace, provider: TracerProvider) -> None:
    app = base_app("ingest", {}, Drain())

    @app.put("/v1/<name>")
    def fail(name: str) -> str:
        raise Retryable("words", reason="redis_unavailable")

    app.test_client().put("/v1/words?token=words", headers={"traceparent": PARENT, "Authorization": "Bearer words"})
    provider.shutdown()
    (one,) = sent(cloud)
    assert one.name == f"projects/proj/traces/{'a' * 32}/spans/{one.span_id}"
    assert (one.parent_span_id, one.display_name.value) == ("b" * 16, "PUT /v1/<name>")
    assert one.span_kind == Span.SpanKind.SERVER
    assert (one.status.code, one.status.message) == (2, "")  # UNKNOWN, the code that the exporter has for errors
    assert one.end_time > one.start_time
    found = attributes(one)
    assert found.pop("g.co/agent")
    assert found == {
        "service": "ingest",
        "/http/method": "PUT",
        "/http/route": "/v1/<name>",
        "/http/status_code": 503,
        "error.type": "redis_unavailable",
    }
    assert "words" not in str(one)


def test_what_is_not_sampled_is_not_sent(cloud: CloudTrace, provider: TracerProvider) -> None:
    for flags in ("00", "01"):
        with span("a", f"work {flags}", SpanKind.SERVER, traceparent=PARENT[:-2] + flags):
            pass
    provider.shutdown()
    assert [one.display_name.value for one in sent(cloud)] == ["work 01"]


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED])
def test_a_batch_that_is_refused_is_dropped_once_and_counted(
    cloud: CloudTrace, provider: TracerProvider, code: grpc.StatusCode
) -> None:
    cloud.errors.append(code)
    with span("a", "work", SpanKind.SERVER, traceparent=None):
        pass
    with capture_logs() as logged:
        provider.shutdown()
    assert len(sent(cloud)) == 1, "no second attempt"
    (line,) = logged
    assert (line["event"], line["spans"], line["log_level"]) == ("spans_dropped", 1, "warning")


def test_a_write_has_a_deadline(cloud: CloudTrace, provider: TracerProvider) -> None:
    with span("a", "work", SpanKind.SERVER, traceparent=None):
        pass
    assert provider.force_flush()
    provider.shutdown()
    (deadline_s,) = cloud.deadlines_s
    assert 0 < deadline_s < cloud_trace.WRITE_TIMEOUT_S + 1, "gRPC rounds it up"


def test_a_cloud_trace_that_hangs_holds_up_neither_requests_nor_the_end(
    cloud: CloudTrace, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_trace, "SHUTDOWN_S", 0.2)
    cloud.hang = threading.Event()
    app = base_app("ingest", {}, Drain())
    app.add_url_rule("/job", view_func=lambda: "")
    for _ in range(2 * cloud_trace.BATCH_SPANS):
        assert app.test_client().get("/job").status_code == 200
    cloud.received.get(timeout=30)  # the thread that sends is stuck
    assert app.test_client().get("/job").status_code == 200
    with capture_logs() as logged:
        provider.shutdown()
    cloud.hang.set()
    lost = [line["spans"] for line in logged if line["event"] == "spans_dropped"]
    assert sum(lost) == 2 * cloud_trace.BATCH_SPANS + 1


def test_missing_credentials_are_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_found(*_: object, **__: object) -> None:
        raise google.auth.exceptions.DefaultCredentialsError

    monkeypatch.setattr(google.auth, "default", none_found)
    with pytest.raises(SettingsError, match="TRACE_EXPORTER"):
        cloud_trace_processor("proj")


def test_a_worker_of_gunicorn_sends_its_spans_when_it_is_told_to_stop(
    cloud: CloudTrace, pytestconfig: pytest.Config
) -> None:
    root, port = pytestconfig.rootpath, free_port()
    environ = {
        "API_TOKEN": "t",
        "TRACE_EXPORTER": "google",
        "GOOGLE_CLOUD_PROJECT": "proj",
        "CLOUD_TRACE": cloud.address,
        "PYTHONPATH": str(root),
    }
    command = [sys.executable, "-m", "tests.common.adapters.traced_server", str(port)]
    with subprocess.Popen(command, env=environ, cwd=root, stdout=subprocess.DEVNULL) as child:
        try:
            with urllib3.PoolManager(retries=urllib3.Retry(200, backoff_factor=0.1, backoff_max=0.5)) as http:
                answer = http.request("GET", f"http://127.0.0.1:{port}/job", headers={"traceparent": PARENT})
            assert answer.status == 200
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=30) == 0
        finally:
            child.kill()
    (one,) = sent(cloud)
    assert (one.display_name.value, one.parent_span_id) == ("GET /job", "b" * 16)
