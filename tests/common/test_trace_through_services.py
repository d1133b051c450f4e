"""One trace through all three services: what an uploader sends is the root of everything that its audio leads to."""

import base64
from collections import deque

import fakeredis
import msgspec
import pytest
from flask.testing import FlaskClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

import segmenter_service.app
from common.auth import SingleToken
from common.events import ChunkStored, Event, Message, SegmentReady, StreamEnded, TranscriptUpdated, to_message
from common.health import Drain
from common.ports.publisher import Publisher
from common.push import SharedTokenAuth
from common.settings import Secret
from common.trace import current_traceparent
from ingest_service.app import IngestDeps
from ingest_service.app import create_app as create_ingest
from ingest_service.settings import IngestSettings
from segmenter_service.app import SegmenterDeps
from tests.memory_ports import FakeTokens
from tests.recorded_spans import RecordedSpans
from tests.segmenter_service.stage import LoudnessScorer, Stage, talk, wav
from tests.transcribe_service.fakes import API_TOKEN, PUSH_TOKEN, World
from transcribe_service.app import create_app as create_transcribe

TRACE = "a" * 32
ROOT = "b" * 16


class Topics(Publisher):
    """Keeps messages as a queue would, in the context in which each was published."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Event, Message]] = deque()
        self.published: list[tuple[type[Event], str]] = []

    def publish(self, event: Event) -> None:
        message = to_message(event, source="/test", now_ms=0, traceparent=current_traceparent())
        self.published.append((type(event), message.attributes["ce-traceparent"]))
        self.waiting.append((event, message))

    def check(self) -> None:
        pass


class Pipeline:
    """The three services over the same ports in memory."""

    def __init__(self) -> None:
        self.topics = Topics()
        self.stage, self.world = Stage(fakeredis.FakeRedis()), World()
        self.world.blobs, self.world.streams = self.stage.blobs, self.stage.streams
        self.world.publisher = self.topics  # type: ignore[assignment]  # the same port, with messages
        push_auth, tokens = SharedTokenAuth(Secret(PUSH_TOKEN)), SingleToken(Secret(API_TOKEN))
        blobs, clock = self.stage.blobs, self.stage.clock
        ingest_settings = IngestSettings(api_token=Secret(API_TOKEN))
        self.ingest = create_ingest(
            IngestDeps(ingest_settings, blobs, self.topics, tokens, FakeTokens(), clock, Drain())
        ).test_client()
        self.segmenter = segmenter_service.app.create_app(
            SegmenterDeps(
                settings=self.stage.settings,
                blobs=blobs,
                publisher=self.topics,
                streams=self.stage.streams,
                meetings=self.stage.meetings,
                redis=self.stage.redis,
                push_auth=push_auth,
                clock=clock,
                drain=Drain(),
            )
        ).test_client()
        self.transcribe = create_transcribe(self.world.deps()).test_client()

    def upload(self, flags: str) -> None:
        headers = {"Authorization": f"Bearer {API_TOKEN}", "traceparent": f"00-{TRACE}-{ROOT}-{flags}"}
        audio = wav(talk(3, 1, 3))
        put = self.ingest.put("/v1/streams/c1/chunks/0?meeting_id=m1", data=audio, headers=headers)
        end = self.ingest.post("/v1/streams/c1/end?meeting_id=m1", json={"last_seq": 0}, headers=headers)
        assert (put.status_code, end.status_code) == (201, 200), (put.text, end.text)

    def deliver(self) -> None:
        """Push every message to who subscribes to it, until none is left."""
        subscribers: dict[type[Event], FlaskClient] = {
            ChunkStored: self.segmenter,
            StreamEnded: self.segmenter,
            SegmentReady: self.transcribe,
        }
        while self.topics.waiting:
            event, message = self.topics.waiting.popleft()
            if type(event) in subscribers:
                answer = subscribers[type(event)].post(
                    "/push/sub", data=envelope(message), headers={"Authorization": f"Bearer {PUSH_TOKEN}"}
                )
                assert answer.status_code == 204


def envelope(message: Message) -> bytes:
    data = base64.b64encode(message.data).decode()
    return msgspec.json.encode(
        {"message": {"data": data, "attributes": message.attributes, "messageId": "1"}, "subscription": "sub"}
    )


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setattr(segmenter_service.app, "VoiceActivity", LoudnessScorer)
    return Pipeline()


def ids(span: ReadableSpan) -> tuple[str, str]:
    """A span's id and its parent's."""
    assert span.context is not None
    assert span.parent is not None
    return f"{span.context.span_id:016x}", f"{span.parent.span_id:016x}"


def test_an_upload_is_one_trace_from_request_to_transcript(pipeline: Pipeline, spans: RecordedSpans) -> None:
    pipeline.upload("01")
    pipeline.deliver()
    published = pipeline.topics.published
    assert {kind for kind, _ in published} == {ChunkStored, StreamEnded, SegmentReady, TranscriptUpdated}
    assert {traceparent[:36] for _, traceparent in published} == {f"00-{TRACE}-"}
    assert {f"{span.context.trace_id:032x}" for span in spans.ended if span.context} == {TRACE}

    by_id = {ids(span)[0]: span for span in spans.ended}
    (updated, *_) = [traceparent for kind, traceparent in published if kind is TranscriptUpdated]
    chain, span_id = [], updated.split("-")[2]
    while span_id in by_id:
        chain.append(by_id[span_id])
        span_id = ids(by_id[span_id])[1]
    assert span_id == ROOT
    assert [(span.attributes or {})["service"] for span in chain] == ["transcribe", "segmenter", "ingest"]
    assert [span.kind for span in chain] == [SpanKind.CONSUMER, SpanKind.CONSUMER, SpanKind.SERVER]
    assert chain[0].name == f"{SegmentReady.TYPE} sub"
    assert chain[-1].name.startswith(("PUT /v1/streams/", "POST /v1/streams/"))


def test_every_request_and_every_push_is_one_span_that_says_whose_it_is(
    pipeline: Pipeline, spans: RecordedSpans
) -> None:
    pipeline.upload("01")
    pipeline.deliver()
    pushes = [span.attributes or {} for span in spans.ended if span.kind is SpanKind.CONSUMER]
    kinds = [kind for kind, _ in pipeline.topics.published]
    assert len(spans.ended) == 2 + len(pushes)
    assert len(pushes) == len([kind for kind in kinds if kind is not TranscriptUpdated])
    for push in pushes:
        assert (push["tenant"], push["meeting_id"], push["connection_id"]) == ("default", "m1", "c1")
        assert push["http.status_code"] == 204
    assert [push["segment_id"] for push in pushes if push["service"] == "transcribe"]
    said = {word.text for each in pipeline.world.transcripts.stored.values() for word in each.words}
    written = "".join(span.to_json() for span in spans.ended)
    assert said
    assert not any(word in written for word in said)


def test_what_is_not_sampled_stays_so_and_goes_on_all_the_same(pipeline: Pipeline, spans: RecordedSpans) -> None:
    pipeline.upload("00")
    pipeline.deliver()
    published = pipeline.topics.published
    assert TranscriptUpdated in {kind for kind, _ in published}
    assert {traceparent[:36] for _, traceparent in published} == {f"00-{TRACE}-"}
    assert all(int(traceparent[-2:], 16) & 1 == 0 for _, traceparent in published)
    assert spans.ended == []


def test_a_push_that_comes_again_is_a_span_of_the_same_trace(pipeline: Pipeline, spans: RecordedSpans) -> None:
    pipeline.upload("01")
    _, message = pipeline.topics.waiting[0]
    headers = {"Authorization": f"Bearer {PUSH_TOKEN}"}
    for _ in range(2):
        assert pipeline.segmenter.post("/push/sub", data=envelope(message), headers=headers).status_code == 204
    one, other = [span for span in spans.ended if span.kind is SpanKind.CONSUMER]
    assert ids(one)[1] == ids(other)[1] == message.attributes["ce-traceparent"].split("-")[2]
    assert ids(one)[0] != ids(other)[0]


def test_who_may_not_push_begins_no_span(pipeline: Pipeline, spans: RecordedSpans) -> None:
    assert pipeline.segmenter.post("/push/sub", data=b"{}").status_code == 401
    assert spans.ended == []
