"""The embedded queue posts what Pub/Sub posts, with a token that Pub/Sub might have signed: the emulator sends none."""

import threading
from contextlib import closing
from pathlib import Path

from werkzeug.serving import make_server

from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_queue import SqliteQueue, Subscription
from common.clock import SystemClock
from common.errors import Retryable
from common.events import StreamEnded
from common.health import Drain
from common.oidc import OidcAuth
from common.oidc_certificates import Certificates
from common.push import push_blueprint
from common.settings import Secret
from common.web import base_app
from tests.common.issuer import ACCOUNT, AUDIENCE, CertificateServer, SigningKey

ENDED = StreamEnded(tenant="default", meeting_id="m1", connection_id="c1", last_seq=3, object_name="raw/end.json")


def test_signed_pushes_of_the_queue_reach_their_handler(tmp_path: Path) -> None:
    key, clock, taken, done = SigningKey("key-1"), SystemClock(), [], threading.Event()

    def take(event: StreamEnded) -> None:
        taken.append(event)
        if len(taken) == 1:
            raise Retryable("not yet", reason="not_yet")
        done.set()

    app = base_app("pushed", {}, Drain())
    with CertificateServer(key) as issuer, closing(Certificates(issuer.url, clock)) as certificates:
        auth = OidcAuth(AUDIENCE, frozenset({ACCOUNT}), certificates, clock)
        app.register_blueprint(push_blueprint({StreamEnded: take}, lambda _body, _error: None, auth))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        with closing(SqliteQueue(tmp_path / "queue.sqlite3", clock)) as queue:
            endpoint = f"http://127.0.0.1:{server.server_port}/push/segmenter"
            queue.subscribe(Subscription(name="segmenter", topic=ENDED.TOPIC, endpoint=endpoint, min_backoff_s=0.01))
            dispatcher = PushDispatcher(queue, Secret(key.token()), clock)
            dispatcher.start()
            QueuePublisher(queue, "/turnscribe/ingest", clock).publish(ENDED)
            assert done.wait(30)
            assert dispatcher.stop(30)
        server.shutdown()
        serving.join(30)
        server.server_close()
        assert issuer.requests == 1
    assert taken == [ENDED, ENDED]
