"""What does a stored chunk cost ingest, and how many can one process take?

    python -m bench.ingest [--chunks 3000] [--cloud] [--json]

Uploads 3-s chunks (24 KB) over 1, 8 and 32 connections that stay open to ingest on the embedded adapters, and to a bare Flask
route that reads the same body and answers in JSON: both under the services' own gunicorn, one worker each, one after the other in
short rounds, so that whatever else the machine does meets both. Prints CPU milliseconds per request (user and system, of the
server's processes with all their threads) and requests per second. A chunk counts when its 201 came: bytes and event are durable.

With `--cloud` also on the cloud's adapters (emulators and a GCS server on this machine), and what one call of each client
library costs there.
Compare the columns of one run; the machine may be shared. Files go below TMPDIR. Ext4 without a journal looks at every inode of the
neighbourhood that was deleted in the last minutes before it makes a file: after mass deletions, those of the last run too, that alone
costs some 0.3 ms a file, so give each run a new folder.
"""

import argparse
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.chunk_load import CHUNK_BYTES, Batch, Load
from bench.chunk_servers import UPLOAD_TOKEN, bare_route, cloud_ingest, embedded_ingest
from bench.client_libraries import CALLS, cloud_calls, embedded_calls
from bench.ingest_report import Report, Requests, table
from local_cloud.emulators import Emulators
from local_cloud.process_times import user_and_system_seconds
from local_cloud.processes import Child
from local_cloud.services import BUCKET

CONNECTIONS: Final = (1, 8, 32)
CHUNKS: Final = 3_000
ROUND_CHUNKS: Final = 320
"""So many of each server before it is the other's turn."""
WARM_UP_CHUNKS: Final = 20
"""Of each stream. The first one claims the connection, once in its life."""
KEPT: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "CLOUDSDK_ROOT", "TMPDIR")
"""What servers inherit: settings of the caller's would change what is measured."""


INGEST: Final = "ingest"
BARE: Final = "bare route"
CLOUD: Final = "ingest, cloud"


@dataclass
class Spent:
    """What requests took in all."""

    requests: int = 0
    seconds: float = 0.0
    user_s: float = 0.0
    system_s: float = 0.0

    @property
    def cpu_ms(self) -> float:
        """Of each request."""
        return (self.user_s + self.system_s) * 1000 / self.requests

    @property
    def figures(self) -> Requests:
        """As the report has them."""
        return Requests(
            requests_per_s=round(self.requests / self.seconds, 1),
            cpu_ms=round(self.cpu_ms, 3),
            user_ms=round(self.user_s * 1000 / self.requests, 3),
            system_ms=round(self.system_s * 1000 / self.requests, 3),
        )


class Uploads:
    """The uploads to one server, told apart by the number of connections."""

    def __init__(self, server: Child, load: Load, accepted: int) -> None:
        self.spent = {connections: Spent() for connections in CONNECTIONS}
        self._server = server
        self._load = load
        self._accepted = accepted
        self._next_seq = dict.fromkeys(CONNECTIONS, 0)

    def warm_up(self) -> None:
        """Claim all connections, and have everything imported, connected and cached."""
        for connections in CONNECTIONS:
            self._upload(connections, WARM_UP_CHUNKS)

    def measure(self, connections: int, chunks: int) -> None:
        """`chunks` in all over so many connections."""
        spent = self.spent[connections]
        user_s, system_s = user_and_system_seconds(self._server.pid)
        spent.seconds += self._upload(connections, chunks // connections)
        user_after_s, system_after_s = user_and_system_seconds(self._server.pid)
        spent.requests += chunks // connections * connections
        spent.user_s += user_after_s - user_s
        spent.system_s += system_after_s - system_s

    def all(self) -> Spent:
        """Over all numbers of connections; each has as many requests."""
        each = self.spent.values()
        return Spent(
            sum(spent.requests for spent in each),
            sum(spent.seconds for spent in each),
            sum(spent.user_s for spent in each),
            sum(spent.system_s for spent in each),
        )

    def _upload(self, connections: int, chunks_each: int) -> float:
        streams = tuple(f"bench-{connections}-{number}" for number in range(connections))
        first_seq = self._next_seq[connections]
        self._next_seq[connections] += chunks_each
        return self._load.seconds(
            Batch(self._server.port, UPLOAD_TOKEN, streams, first_seq, chunks_each, accepted=self._accepted)
        )


def measure(chunks: int, *, cloud: bool) -> Report:
    """Everything that is printed, from uploads of `chunks` for each number of connections to each server."""
    environ = {name: os.environ[name] for name in KEPT if name in os.environ}
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        (folder / "calls").mkdir()
        calls = embedded_calls(min(CALLS, chunks), folder / "calls")
        servers = {
            INGEST: running.enter_context(embedded_ingest(folder, environ)),
            BARE: running.enter_context(bare_route(folder, environ)),
        }
        if cloud:
            emulators = running.enter_context(Emulators(folder / "emulators", environ))
            emulators.create_bucket(BUCKET)
            calls |= cloud_calls(min(CALLS, chunks), emulators.environ)
            servers[CLOUD] = running.enter_context(cloud_ingest(folder, environ, emulators))
        load = running.enter_context(Load())
        uploads = {name: Uploads(server, load, 200 if name == BARE else 201) for name, server in servers.items()}
        play(uploads, chunks)
    bare, ingest = uploads[BARE].all(), uploads[INGEST].all()
    return Report(
        cpu_ms_per_chunk=round(ingest.cpu_ms, 3),
        cpu_ms_bare_route=round(bare.cpu_ms, 3),
        ratio=round(ingest.cpu_ms / bare.cpu_ms, 2),
        chunks=ingest.requests,
        chunk_bytes=CHUNK_BYTES,
        servers={
            name: {connections: spent.figures for connections, spent in each.spent.items()}
            for name, each in uploads.items()
        },
        cpu_ms_per_call=calls,
        cpu_ms_per_chunk_cloud=round(uploads[CLOUD].all().cpu_ms, 3) if cloud else None,
    )


def play(uploads: Mapping[str, Uploads], chunks: int) -> None:
    """Warm up, then upload in rounds: each number of connections to each server, before more of any."""
    for each in uploads.values():
        each.warm_up()
    done = 0
    while done < chunks:
        in_round = max(min(ROUND_CHUNKS, chunks - done), max(CONNECTIONS))
        for connections in CONNECTIONS:
            for each in uploads.values():
                each.measure(connections, in_round)
        done += in_round


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--chunks", type=int, default=CHUNKS, help=f"for each server and number of connections (default: {CHUNKS})"
    )
    parser.add_argument("--cloud", action="store_true", help="measure the cloud's adapters too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    report = measure(arguments.chunks, cloud=arguments.cloud)
    print(msgspec.json.encode(report).decode() if arguments.json else table(report))


if __name__ == "__main__":
    main()
