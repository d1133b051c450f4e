"""Strategies for every type of event."""

from hypothesis import strategies as st

from common.events import (
    Activity,
    ChunkStored,
    DeliveriesDue,
    DeliveryWanted,
    Event,
    SegmentReady,
    SegmentRelabelled,
    SpeakersObserved,
    StreamEnded,
    StreamErased,
    StreamOptions,
    StreamReplayed,
    TranscriptUpdated,
    Turn,
)

IDS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}", fullmatch=True)
MS = st.integers(0, 10**14)
WHOSE = {"tenant": IDS, "meeting_id": IDS, "connection_id": IDS}
OPTIONS = st.builds(StreamOptions, channel_speakers=st.lists(st.text(max_size=9), max_size=2).map(tuple))
SEGMENT = {"segment_id": st.text(max_size=20), "revision": MS, "final": st.booleans()}

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(ChunkStored, **WHOSE, seq=MS, object_name=st.text(), size_bytes=MS, captured_at_ms=MS, options=OPTIONS),
    st.builds(
        SpeakersObserved,
        **WHOSE,
        observation_id=IDS,
        object_name=st.text(),
        clock=st.sampled_from(["epoch", "stream"]),
        covered_from_ms=MS,
        covered_to_ms=MS,
        activities=st.lists(st.builds(Activity, st.text(), MS, MS), max_size=3).map(tuple),
    ),
    st.builds(
        StreamEnded,
        **WHOSE,
        last_seq=st.integers(-1, 10**8),
        observations=st.none() | st.integers(0, 99),
        object_name=st.text(),
    ),
    st.builds(StreamErased, **WHOSE),
    st.builds(StreamReplayed, **WHOSE, generation=MS),
    st.builds(
        SegmentReady,
        **WHOSE,
        **SEGMENT,
        channel=st.integers(0, 7),
        start_ms=MS,
        end_ms=MS,
        padding_ms=MS,
        object_name=st.text(),
        epoch_offset_ms=st.integers(-(10**14), 10**14),
        turns=st.lists(st.builds(Turn, st.text(), MS, MS), max_size=3).map(tuple),
        options=OPTIONS,
    ),
    st.builds(
        SegmentRelabelled,
        **WHOSE,
        segment_id=st.text(max_size=20),
        channel=st.integers(0, 7),
        start_ms=MS,
        revision=MS,
        labels=MS,
        turns=st.lists(st.builds(Turn, st.text(), MS, MS), max_size=3).map(tuple),
        options=OPTIONS,
    ),
    st.builds(TranscriptUpdated, **WHOSE, **SEGMENT),
    st.builds(DeliveriesDue, **WHOSE, receiver=IDS, subject=st.text(max_size=20), rank=MS, attempt=MS),
    st.builds(
        DeliveryWanted,
        **WHOSE,
        receiver=IDS,
        subject=st.text(max_size=20),
        message_type=st.text(max_size=20),
        rank=MS,
        message_id=st.text(max_size=20),
        happened_at_ms=MS,
    ),
)

UPDATED = TranscriptUpdated(
    tenant="default", meeting_id="m", connection_id="c", segment_id="c:0:0", revision=0, final=True
)

WITHOUT_AUDIO = SegmentReady(
    tenant="default",
    meeting_id="gone",
    connection_id="gone",
    segment_id="gone:0:0",
    channel=0,
    revision=1,
    final=True,
    start_ms=0,
    end_ms=1000,
    padding_ms=200,
    object_name="segments/gone/default/gone/final/0/0000000000.flac",
    epoch_offset_ms=1_750_000_000_000,
)
"""A segment that nobody can transcribe, however often it comes: its audio is not there."""
