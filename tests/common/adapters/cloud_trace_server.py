"""Cloud Trace's BatchWriteSpans on a real gRPC server, which keeps what it gets and fails as told."""

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.cloud.trace_v2 import BatchWriteSpansRequest
from google.protobuf.empty_pb2 import Empty

SERVICE = "google.devtools.cloudtrace.v2.TraceService"


class CloudTrace:
    """`errors` are the status codes of the next answers; `hang` is an event that answers wait for."""

    def __init__(self) -> None:
        self.received: queue.Queue[BatchWriteSpansRequest] = queue.Queue()
        self.errors: list[grpc.StatusCode] = []
        self.hang: Any = None
        self.deadlines_s: list[float] = []
        self.address = ""

    def write(self, request: BatchWriteSpansRequest, context: grpc.ServicerContext) -> Empty:
        self.deadlines_s.append(context.time_remaining())
        self.received.put(request)
        if self.hang:
            self.hang.wait(timeout=60)
        if self.errors:
            context.abort(self.errors.pop(0), "as told")
        return Empty()


@contextmanager
def cloud_trace_server() -> Iterator[CloudTrace]:
    """Runs on a free port of 127.0.0.1."""
    cloud = CloudTrace()
    handler = grpc.unary_unary_rpc_method_handler(
        cloud.write,
        request_deserializer=BatchWriteSpansRequest.deserialize,
        response_serializer=Empty.SerializeToString,
    )
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"BatchWriteSpans": handler}),))
        cloud.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield cloud
        finally:
            server.stop(grace=0).wait()
