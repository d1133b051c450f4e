import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Permanent
from common.problems import Problem
from ingest_service.intake.observations import MAX_WINDOW_MS, Observation, observation

NOW = 1_700_000_000_000
INTERVAL = {"speaker": "Ann", "start_ms": 100, "end_ms": 200}
WINDOW = {"clock": "stream", "covered_from_ms": 0, "covered_to_ms": 1000}
SPOKEN = st.tuples(st.sampled_from("abc"), st.integers(0, 9000), st.integers(1, 3000)).map(
    lambda spoken: {"speaker": spoken[0], "start_ms": spoken[1], "end_ms": spoken[1] + spoken[2]}
)


def parsed(body: Any) -> Observation:
    return observation(json.dumps(body).encode())


@given(st.lists(SPOKEN, max_size=12), st.integers(0, 9000), st.integers(0, 3000), st.randoms())
def test_activities_lie_in_the_window_and_their_order_does_not_matter(
    intervals: list[dict[str, Any]], from_ms: int, length_ms: int, chance: Any
) -> None:
    body = {"clock": "stream", "covered_from_ms": from_ms, "covered_to_ms": from_ms + length_ms, "intervals": intervals}
    observed = parsed(body)
    for activity in observed.activities:
        assert from_ms <= activity.start_ms < activity.end_ms <= from_ms + length_ms
    for at_ms in range(from_ms, from_ms + length_ms, 97):
        said = {i["speaker"] for i in intervals if i["start_ms"] <= at_ms < i["end_ms"]}
        assert {a.speaker for a in observed.activities if a.start_ms <= at_ms < a.end_ms} == said
    shuffled = list(intervals)
    chance.shuffle(shuffled)
    other = parsed({**body, "intervals": shuffled + shuffled[:1]})
    assert other == observed
    assert other.observation_id == observed.observation_id


def test_the_id_depends_on_everything() -> None:
    bodies = [
        {**WINDOW, "intervals": [INTERVAL]},
        {**WINDOW, "covered_to_ms": 1001, "intervals": [INTERVAL]},
        {**WINDOW, "covered_from_ms": 1, "intervals": [INTERVAL]},
        {**WINDOW, "intervals": [{**INTERVAL, "speaker": "Bob"}]},
        {**WINDOW, "intervals": [{**INTERVAL, "end_ms": 201}]},
        {**WINDOW, "intervals": []},
        {"clock": "epoch", "covered_from_ms": NOW, "covered_to_ms": NOW + 1000, "intervals": []},
        {"clock": "epoch", "covered_from_ms": NOW, "covered_to_ms": NOW + 1001, "intervals": []},
    ]
    ids = {parsed(body).observation_id for body in bodies}
    assert len(ids) == len(bodies)
    assert all(len(found) == 32 for found in ids)


def test_masks_and_the_intervals_that_they_mean_are_one_observation() -> None:
    masks = {"ts_ms": NOW, "masks": [["Ann", "0011"]]}
    intervals = {
        "clock": "epoch",
        "covered_from_ms": NOW - 400,
        "covered_to_ms": NOW,
        "intervals": [{"speaker": " Ann ", "start_ms": NOW - 200, "end_ms": NOW}],
    }
    assert parsed(masks) == parsed(intervals)


def test_an_empty_meeting_covers_nothing() -> None:
    assert parsed({"ts_ms": NOW, "masks": []}) == Observation("epoch", NOW, NOW, ())


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"ts_ms": NOW, "masks": [["Ann", "012"]]}, "mask 0 has characters"),
        ({"ts_ms": NOW, "masks": [["Ann", ""]]}, "mask 0 is empty"),
        ({"ts_ms": NOW, "masks": [["Ann", "1" * 601]]}, "601 bits"),
        ({"ts_ms": NOW, "masks": [["", "1"]]}, "name 0 is empty"),
        ({"ts_ms": NOW, "masks": [["x" * 201, "1"]]}, "name 0 has 201"),
        ({"ts_ms": NOW, "masks": [["a", "1"], ["a", "1"]]}, "named twice"),
        ({"ts_ms": NOW, "masks": [[f"s{n}", "1"] for n in range(101)]}, "101 speakers"),
        ({"ts_ms": NOW, "masks": [["Ann"]]}, "$.masks[0]"),
        ({"ts_ms": NOW, "masks": [["Ann", "1", "1"]]}, "$.masks[0]"),
        ({"ts_ms": NOW, "masks": [["Ann", 1]]}, "$.masks[0][1]"),
        ({"ts_ms": NOW, "masks": [[7, "1"]]}, "$.masks[0][0]"),
        ({"ts_ms": NOW, "masks": {"Ann": "1"}}, "$.masks"),
        ({"ts_ms": NOW, "masks": None}, "$.masks"),
        ({"masks": []}, "ts_ms"),
        ({"ts_ms": str(NOW), "masks": []}, "$.ts_ms"),
        ({"ts_ms": NOW // 1000, "masks": []}, "ts_ms must be in milliseconds"),
        ({"ts_ms": NOW * 1000, "masks": []}, "ts_ms must be in milliseconds"),
        ({"ts_ms": -1, "masks": []}, "ts_ms must be in milliseconds"),
        ({"ts_ms": NOW, "bit_ms": 0, "masks": []}, "bit_ms is 0"),
        ({"ts_ms": NOW, "bit_ms": 10_000, "masks": [["Ann", "1" * 361]]}, "longer than"),
        ({"ts_ms": NOW, "bits_ms": 100, "masks": []}, "bits_ms"),
        ({"ts_ms": NOW, "masks": [], "intervals": []}, "intervals"),
        ({**WINDOW}, "neither masks nor intervals"),
        ({}, "neither masks nor intervals"),
        ([], "object"),
        ({**WINDOW, "clock": "wall", "intervals": []}, "$.clock"),
        ({**WINDOW, "covered_from_ms": -1, "intervals": []}, "$.covered_from_ms"),
        ({**WINDOW, "covered_from_ms": 1001, "intervals": []}, "covered_from_ms must not be after"),
        ({**WINDOW, "covered_to_ms": MAX_WINDOW_MS + 1, "intervals": []}, "longer than"),
        ({**WINDOW, "covered_to_ms": NOW, "intervals": []}, "covered_to_ms is no stream time"),
        ({**WINDOW, "clock": "epoch", "intervals": []}, "covered_from_ms must be in milliseconds"),
        ({**WINDOW, "intervals": [{**INTERVAL, "end_ms": 100}]}, "intervals[0]: start_ms must be before"),
        ({**WINDOW, "intervals": [INTERVAL, {**INTERVAL, "start_ms": -5}]}, "$.intervals[1].start_ms"),
        ({**WINDOW, "intervals": [{**INTERVAL, "speaker": "  "}]}, "intervals[0].speaker is empty"),
        ({**WINDOW, "intervals": [{**INTERVAL, "name": "x"}]}, "name"),
        ({**WINDOW, "intervals": [{**INTERVAL, "speaker": f"s{n}"} for n in range(101)]}, "101 speakers"),
    ],
)
def test_what_is_wrong_is_named(body: Any, named: str) -> None:
    with pytest.raises((Problem, Permanent)) as caught:
        parsed(body)
    assert named in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"masks":"\xff"}', b'{"masks":' + b"[" * 63, b"[" * 64])
def test_what_is_no_json_is_named(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        observation(body)
    assert (caught.value.status, caught.value.kind) == (400, "invalid-body")


JSON_VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["masks", "intervals", "ts_ms", "clock"]), inner),
)


@given(st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_no_input_is_a_failure_of_ours(body: bytes) -> None:
    with suppress(Problem, Permanent):
        observed = observation(body)
        assert observed.covered_from_ms <= observed.covered_to_ms
        assert all(
            observed.covered_from_ms <= each.start_ms < each.end_ms <= observed.covered_to_ms
            for each in observed.activities
        )
