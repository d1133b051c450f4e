"""The parts of a rollout that decide, without gcloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudbuild.rollout.canary import Counts, objection
from cloudbuild.rollout.errors import RolloutError
from cloudbuild.rollout.images import checked_commit, parse_images
from cloudbuild.rollout.monitoring import parse_time_series
from cloudbuild.rollout.traffic import ServiceState, Target, canary_split, revision_before
from cloudbuild.rollout.turns import ahead_of

DIGEST = "sha256:" + "a" * 64
counted = st.integers(0, 1000).flatmap(lambda requests: st.builds(Counts, st.just(requests), st.integers(0, requests)))


def state(*targets: Target) -> ServiceState:
    return ServiceState("ingest", "https://ingest.example", "image", "new", "new", targets, follows_latest=False)


@pytest.mark.parametrize(
    ("targets", "before"),
    [
        ([], None),
        ([("old", 100, "")], "old"),
        ([("old", 90, ""), ("new", 10, ""), ("old", 0, "before"), ("new", 0, "candidate")], "old"),
        ([("new", 100, ""), ("old", 0, "before"), ("new", 0, "candidate")], "old"),
        ([("old", 40, ""), ("new", 60, ""), ("new", 0, "candidate")], "old"),
        ([("new", 100, ""), ("new", 0, "candidate")], "new"),
        ([("by hand", 100, ""), ("old", 0, "before"), ("new", 0, "candidate")], "by hand"),
        ([("a", 30, ""), ("b", 70, "")], "b"),
    ],
)
def test_the_way_back_leads_to_what_served_before(targets: list[tuple[str, int, str]], before: str | None) -> None:
    assert revision_before(state(*(Target(name, percent, tag, "") for name, percent, tag in targets))) == before


@given(st.integers(1, 99))
def test_a_canary_and_the_revision_beside_it_have_all_traffic(percent: int) -> None:
    shares = dict(pair.split("=") for pair in canary_split("old", "new", percent).split(","))
    assert shares["new"] == str(percent)
    assert sum(map(int, shares.values())) == 100


@given(counted, counted, st.floats(0, 100), st.integers(1, 100))
def test_a_canary_is_objected_to_only_for_more_errors_than_the_other_has(
    candidate: Counts, before: Counts, allowed: float, enough: int
) -> None:
    against = objection(candidate, before, max_error_percent=allowed, min_requests=enough)
    worse = candidate.error_percent - before.error_percent > allowed
    assert (against is not None) == (worse and candidate.requests >= enough)


@given(counted, st.floats(0, 100))
def test_a_canary_that_is_as_the_other_is_never_objected_to(counts: Counts, allowed: float) -> None:
    assert objection(counts, counts, max_error_percent=allowed, min_requests=1) is None


def test_counts_are_summed_over_points_and_classes() -> None:
    def series(revision: str, response_class: str, *values: int) -> dict[str, object]:
        return {
            "metric": {"labels": {"response_code_class": response_class}},
            "resource": {"labels": {"revision_name": revision}},
            "points": [{"value": {"int64Value": str(value)}} for value in values],
        }

    answer = {"timeSeries": [series("new", "2xx", 3, 4), series("new", "5xx", 2), series("old", "4xx", 1)]}
    assert parse_time_series(answer) == {"new": Counts(9, 2), "old": Counts(1, 0)}
    assert parse_time_series({}) == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nothing", "not JSON"),
        ("[]", "not an object"),
        (f'{{"ingest": "images.example/ingest@{DIGEST}"}}', "lacks segmenter"),
        (f'{{"ingest": "images.example/ingest:latest", "segmenter": "x@{DIGEST}"}}', "must be a reference by digest"),
    ],
)
def test_a_record_that_does_not_say_which_images_is_refused(text: str, named: str) -> None:
    with pytest.raises(RolloutError, match=named):
        parse_images(text, ["ingest", "segmenter"])


@pytest.mark.parametrize("commit", ["", "main", "abc1234", "A" * 40])
def test_a_commit_is_named_in_full(commit: str) -> None:
    with pytest.raises(RolloutError, match="full hash"):
        checked_commit(commit)


def build(name: str, started: str | None, trigger: str = "t1") -> dict[str, str]:
    return {"id": name, "buildTriggerId": trigger} | ({"startTime": started} if started else {})


def test_only_builds_of_the_same_trigger_that_began_earlier_are_waited_for() -> None:
    builds = [
        build("mine", "2026-01-01T10:00:05Z"),
        build("earlier", "2026-01-01T10:00:00Z"),
        build("later", "2026-01-01T10:00:09Z"),
        build("waits for approval", None),
        build("elsewhere", "2026-01-01T09:00:00Z", "t2"),
    ]
    assert ahead_of("mine", builds) == ["earlier"]
    assert ahead_of("earlier", builds) == []


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_of_builds_under_way_exactly_one_need_not_wait(seconds: list[int]) -> None:
    builds = [build(f"b{number}", f"2026-01-01T10:00:0{second}Z") for number, second in enumerate(seconds)]
    assert sum(ahead_of(its["id"], builds) == [] for its in builds) == 1
