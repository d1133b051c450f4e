import msgspec
import pytest

from common.log_metrics import decode_log_metrics, log_metrics

BUCKETS = {"few": [1, 2]}
COUNTED = {"event": "swept", "services": ["segmenter"], "description": "Sweeps."}


def document(**changes: object) -> bytes:
    return msgspec.json.encode({"buckets": BUCKETS, "metrics": {"sweeps": COUNTED | changes}})


def test_the_file_is_valid() -> None:
    assert log_metrics().metrics


def test_a_metric_reads_every_field_that_it_names() -> None:
    found = decode_log_metrics(
        document(
            value={"field": "took_ms", "unit": "ms", "buckets": "few"},
            where={"final": True},
            labels={"why": {"field": "reason", "description": "Why."}},
        )
    )
    assert set(found.metrics["sweeps"].fields()) == {"took_ms", "final", "reason"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"value": {"field": "took_ms", "unit": "ms", "buckets": "many"}}, "no buckets many"),
        ({"services": ["whisper"]}, "Invalid enum value"),
        ({"services": []}, "length >= 1"),
        ({"event": "Swept away"}, "matching regex"),
        ({"lables": {}}, "unknown field"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        decode_log_metrics(document(**changes))


def test_bounds_ascend() -> None:
    with pytest.raises(ValueError, match="few: bounds do not ascend"):
        decode_log_metrics(msgspec.json.encode({"buckets": {"few": [1, 1]}, "metrics": {}}))
