"""A Firestore on a real gRPC server that fails as told, in the ways that the emulator never does."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    CommitRequest,
    CommitResponse,
    Document,
    RunQueryRequest,
    RunQueryResponse,
)
from google.protobuf.timestamp_pb2 import Timestamp

SERVICE = "google.firestore.v1.Firestore"
NOW = Timestamp(seconds=1_700_000_000)


class FailingFirestore:
    """Has `documents` (by whole name), whatever is written. `status` is what commits and queries end with.

    A query answers the first document before; under `hangs` it then answers nothing until `go_on` is set.
    """

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.status = grpc.StatusCode.UNAVAILABLE
        self.hangs = False
        self.go_on = threading.Event()
        self.calls: list[str] = []
        self.address = ""

    def commit(self, _request: CommitRequest, context: grpc.ServicerContext) -> CommitResponse:
        self.calls.append("commit")
        context.abort(self.status, "as told")

    def run_query(self, _request: RunQueryRequest, context: grpc.ServicerContext) -> Iterator[RunQueryResponse]:
        self.calls.append("query")
        yield RunQueryResponse(document=next(iter(self.documents.values())), read_time=NOW)
        if self.hangs:
            self.go_on.wait(60)
        context.abort(self.status, "as told")

    def get(
        self, request: BatchGetDocumentsRequest, _context: grpc.ServicerContext
    ) -> Iterator[BatchGetDocumentsResponse]:
        self.calls.append("get")
        for name in request.documents:
            if name in self.documents:
                yield BatchGetDocumentsResponse(found=self.documents[name], read_time=NOW)
            else:
                yield BatchGetDocumentsResponse(missing=name, read_time=NOW)


@contextmanager
def firestore_server() -> Iterator[FailingFirestore]:
    """Runs on a free port of 127.0.0.1."""
    failing = FailingFirestore()
    handlers = {
        "Commit": grpc.unary_unary_rpc_method_handler(
            failing.commit,
            request_deserializer=CommitRequest.deserialize,
            response_serializer=CommitResponse.serialize,
        ),
        "RunQuery": grpc.unary_stream_rpc_method_handler(
            failing.run_query,
            request_deserializer=RunQueryRequest.deserialize,
            response_serializer=RunQueryResponse.serialize,
        ),
        "BatchGetDocuments": grpc.unary_stream_rpc_method_handler(
            failing.get,
            request_deserializer=BatchGetDocumentsRequest.deserialize,
            response_serializer=BatchGetDocumentsResponse.serialize,
        ),
    }
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        failing.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield failing
        finally:
            failing.go_on.set()
            server.stop(grace=0).wait()
