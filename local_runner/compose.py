"""The three services on embedded adapters, as one application. The only place of the local runner that builds adapters.

Everything is built in the process that serves: connections to SQLite must not be shared across a fork.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.folder_objects import FolderObjects
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_deliveries import SqliteDeliveryStore
from common.adapters.embedded.sqlite_meetings import SqliteMeetingStore
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.embedded.sqlite_tokens import SqliteTokenStore
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.adapters.embedded.sqlite_webhooks import SqliteWebhookStore
from common.adapters.embedded.sqlite_work import SqliteWorkStore
from common.adapters.redis_server import connect_redis
from common.auth import SingleToken
from common.clock import Clock
from common.health import Drain
from common.logs import get_logger
from common.push_auth import push_auth_of
from common.stored_tokens import stored_tokens
from common.topology import topology
from ingest_service.app import IngestDeps, drop_box_over
from ingest_service.app import create_app as create_ingest
from ingest_service.pubsub.push_routes import Pushes
from ingest_service.transcript_reader import TranscriptReader
from local_runner.document import document_app
from local_runner.drop_folder import DropFolder, DropFolderWatch
from local_runner.routing import Mount, by_path
from local_runner.server import THREADS
from local_runner.settings import RunnerSettings
from local_runner.stats_app import create_stats_app
from local_runner.subscriptions import subscriptions
from local_runner.sweep_timer import SweepTimer
from local_runner.whisper_process import WhisperProcess
from segmenter_service.app import SegmenterDeps
from segmenter_service.app import create_app as create_segmenter
from segmenter_service.bootstrap import redis_address
from transcribe_service.app import TranscribeDeps
from transcribe_service.app import create_app as create_transcribe
from transcribe_service.bootstrap import whisper_client

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = get_logger(__name__)

STOP_TIMEOUT_S: Final = 20.0


class Stack:
    """Everything that runs in the serving process. `start` it once it can be reached, `drain` it, `close` it."""

    def __init__(self, settings: RunnerSettings, clock: Clock) -> None:
        shared = settings.shared
        places = DataDir(Path(shared.data_dir))
        self._drain = Drain()
        self._closing: list[Callable[[], None]] = []
        self._queue = SqliteQueue(places.queue, clock)
        for subscription in subscriptions(settings):
            self._queue.subscribe(subscription)
        self._dispatcher = PushDispatcher(self._queue, shared.push_token, clock)
        sweep_interval_s = settings.segmenter.check_and_process_connections_interval_sec
        self._sweeps = [
            SweepTimer(
                f"{settings.url}/internal/{schedule.service}{schedule.path}", shared.push_token, sweep_interval_s
            )
            for schedule in topology().schedules.values()
        ]
        self._whisper = WhisperProcess(settings.whisper) if settings.whisper else None
        self.application = self._compose(settings, places, clock)

    def _compose(self, settings: RunnerSettings, places: DataDir, clock: Clock) -> "WSGIApplication":
        blobs = FileBlobStore(places.objects)
        streams = SqliteStreamRegistry(places.streams)
        meetings = SqliteMeetingStore(places.meetings)
        transcripts = SqliteTranscriptStore(places.transcripts)
        token_store = SqliteTokenStore(places.tokens)
        webhooks, deliveries = SqliteWebhookStore(places.webhooks), SqliteDeliveryStore(places.deliveries)
        works = SqliteWorkStore(places.work)
        segmenter, transcribe = settings.segmenter, settings.transcribe
        redis = connect_redis(redis_address(segmenter))
        whisper = whisper_client(transcribe, clock)
        tokens = stored_tokens(settings.ingest, token_store, clock)
        push_auth = push_auth_of(transcribe, clock)

        def publisher(service: str) -> QueuePublisher:
            return QueuePublisher(self._queue, f"/turnscribe/{service}", clock)

        transcripts_read = TranscriptReader(settings.ingest.transcript_api_url, connections=THREADS)
        objects = FolderObjects(places.root)
        ingest = IngestDeps(
            settings.ingest,
            blobs,
            publisher("ingest"),
            tokens,
            token_store,
            clock,
            self._drain,
            threads=THREADS,
            transcripts=transcripts_read,
            pushes=Pushes(push_auth, objects),
        )
        ingest_app = create_ingest(ingest)
        drop_folder = DropFolder(places.root, settings.ingest.dropbox_path, drop_box_over(ingest, objects), clock)
        self._drop_folder = DropFolderWatch(drop_folder)
        segmenter_app = create_segmenter(
            SegmenterDeps(
                segmenter, blobs, publisher("segmenter"), streams, meetings, redis, push_auth, clock, self._drain
            )
        )
        transcribe_app = create_transcribe(
            TranscribeDeps(
                transcribe,
                blobs,
                publisher("transcribe"),
                transcripts,
                streams,
                meetings,
                webhooks,
                deliveries,
                works,
                whisper,
                tokens,
                push_auth,
                clock,
                self._drain,
            )
        )
        self.public_apps = (ingest_app, transcribe_app)
        checks = {"dispatcher": self._dispatcher.check}
        if self._whisper:
            checks["whisper"] = self._whisper.check
        stats_app = create_stats_app(
            self._queue, self._whisper, SingleToken(settings.shared.api_token), self._drain, checks
        )
        self._closing += [
            transcripts_read.close,
            whisper.close,
            redis.close,
            transcripts.close,
            meetings.close,
            token_store.close,
            webhooks.close,
            deliveries.close,
            works.close,
            streams.close_file,
            blobs.close,
            self._queue.close,
        ]
        return by_path(
            (
                Mount("/v1/stream", ingest_app),
                Mount("/v1/streams", ingest_app),
                Mount("/v1/recorder.js", ingest_app),
                Mount("/v1/recordings", ingest_app),
                Mount("/v1/uploads", ingest_app),
                Mount("/v1/audio/transcriptions", ingest_app),
                Mount("/v1/tokens", ingest_app),
                Mount("/api", ingest_app),
                Mount("/openapi.json", document_app(self.public_apps, "turnscribe")),
                Mount("/internal/ingest", ingest_app, strip=True),
                Mount("/internal/segmenter", segmenter_app, strip=True),
                Mount("/internal/transcribe", transcribe_app, strip=True),
                Mount("/internal", stats_app, strip=True),
            ),
            otherwise=transcribe_app,
        )

    def start(self) -> None:
        """Start what works by itself: Whisper, the dispatcher, the sweeps, the drop folder."""
        if self._whisper:
            self._whisper.start()
        self._dispatcher.start()
        for sweep in self._sweeps:
            sweep.start()
        self._drop_folder.start()

    def drain(self) -> None:
        """Begin nothing new and finish what is in hand, at most STOP_TIMEOUT_S. Requests are still answered."""
        self._drain.start()
        for sweep in self._sweeps:
            sweep.stop(STOP_TIMEOUT_S)
        self._drop_folder.stop(STOP_TIMEOUT_S)
        if not self._dispatcher.stop(STOP_TIMEOUT_S):
            log.warning("deliveries_unfinished")

    def close(self) -> None:
        """Stop Whisper and close files and connections, once no request is in hand."""
        if self._whisper:
            self._whisper.stop()
        for close in self._closing:
            close()
