"""Spans to Cloud Trace: in batches, from a thread of their own, and without harm to anything else when that fails.

Cloud Run takes the CPU away between requests (unless it is always allocated): a batch leaves at its time when requests
go on, with the next request when they do not, and what still waits when the instance ends leaves after SIGTERM.
"""

import time
import warnings
from typing import Any, Final

import google.auth.exceptions
from google.cloud.trace_v2 import BatchWriteSpansRequest, TraceServiceClient
from google.cloud.trace_v2.services.trace_service.transports import TraceServiceGrpcTransport
from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from common.logs import get_logger
from common.settings import SettingsError

log = get_logger(__name__)

QUEUE_SPANS: Final = 2048
"""Spans beyond these are dropped while Cloud Trace can't be reached."""
BATCH_SPANS: Final = 512
DELAY_S: Final = 5.0
WRITE_TIMEOUT_S: Final = 3.0
SHUTDOWN_S: Final = 3.0
"""How long sending may go on once the process ends: a third of what Cloud Run leaves after SIGTERM."""


class _OneAttempt:
    """The client's write with a timeout and without its own retry: a batch that fails is dropped, and the log says so."""

    def __init__(self, client: TraceServiceClient) -> None:
        self._client = client
        self._until_s: float | None = None

    def batch_write_spans(self, *, request: BatchWriteSpansRequest) -> None:
        """Never raises what the network or Google answers."""
        timeout_s = WRITE_TIMEOUT_S
        if self._until_s is not None:
            timeout_s = min(timeout_s, self._until_s - time.monotonic())
        if timeout_s <= 0:
            log.warning("spans_dropped", spans=len(request.spans), error_type="shutdown")
            return
        try:
            self._client.batch_write_spans(request=request, retry=None, timeout=timeout_s)
        except Exception as error:  # noqa: BLE001 -- a trace is never worth a request
            log.warning("spans_dropped", spans=len(request.spans), error_type=type(error).__name__)

    def close_after(self, seconds: float) -> None:
        """Begin no write later than `seconds` from now, and let none last longer."""
        self._until_s = time.monotonic() + seconds

    def close(self) -> None:
        """Close the connection."""
        self._client.transport.close()  # type: ignore[no-untyped-call]


class CloudTraceProcessor(BatchSpanProcessor):
    """Batches for Cloud Trace. `shutdown` sends what waits, within `SHUTDOWN_S`."""

    def __init__(self, project: str, channel: Any) -> None:
        self._writes = _OneAttempt(TraceServiceClient(transport=TraceServiceGrpcTransport(channel=channel)))
        with warnings.catch_warnings():
            # Deprecated for an exporter over OTLP, which wants the Telemetry API enabled and credentials of its own.
            warnings.simplefilter("ignore", DeprecationWarning)
            exporter = CloudTraceSpanExporter(project_id=project, client=self._writes)  # type: ignore[no-untyped-call]
        super().__init__(
            exporter,
            max_queue_size=QUEUE_SPANS,
            schedule_delay_millis=DELAY_S * 1000,
            max_export_batch_size=BATCH_SPANS,
        )

    def shutdown(self) -> None:
        """Send what waits and close the connection."""
        self._writes.close_after(SHUTDOWN_S)
        super().shutdown()  # type: ignore[no-untyped-call]
        self._writes.close()


def cloud_trace_processor(project: str, channel: Any = None) -> CloudTraceProcessor:
    """A processor for `project`, over `channel` (Google's, with the process's own credentials, where it is None).

    Raises `SettingsError` where there are no credentials.
    """
    if channel is None:
        try:
            channel = TraceServiceGrpcTransport.create_channel()
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise SettingsError(
                ["TRACE_EXPORTER: google wants Google Cloud's credentials, and there are none"]
            ) from error
    return CloudTraceProcessor(project, channel)
