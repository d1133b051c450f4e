"""Cloud Run's request counts, from Cloud Monitoring. They are up to three minutes late there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from cloudbuild.rollout.canary import Counts
from cloudbuild.rollout.web import NoAnswer, ask

API: Final = "https://monitoring.googleapis.com/"
TIMEOUT_S: Final = 30


class CountsUnknown(Exception):
    """Cloud Monitoring could not be asked. May pass."""


def counts_by_revision(
    api: str, project: str, region: str, service: str, token: str, since: datetime, until: datetime
) -> Mapping[str, Counts]:
    """Revision → its answers between the two times. Raises `CountsUnknown`."""
    query = urlencode(
        {
            "filter": (
                'metric.type="run.googleapis.com/request_count" resource.type="cloud_run_revision" '
                f'resource.labels.service_name="{service}" resource.labels.location="{region}"'
            ),
            "interval.startTime": since.isoformat(),
            "interval.endTime": until.isoformat(),
            "aggregation.alignmentPeriod": "60s",
            "aggregation.perSeriesAligner": "ALIGN_SUM",
            "aggregation.crossSeriesReducer": "REDUCE_SUM",
            "aggregation.groupByFields": ["resource.labels.revision_name", "metric.labels.response_code_class"],
        },
        doseq=True,
    )
    try:
        answer = ask(f"{api.rstrip('/')}/v3/projects/{project}/timeSeries?{query}", token=token, timeout_s=TIMEOUT_S)
    except NoAnswer as error:
        raise CountsUnknown(f"Cloud Monitoring: {error}") from error
    if answer.status != 200:
        raise CountsUnknown(f"Cloud Monitoring answers {answer.status}: {answer.body[:500].decode(errors='replace')}")
    return parse_time_series(answer.json() or {})


def parse_time_series(answer: Mapping[str, Any]) -> Mapping[str, Counts]:
    """Revision → its answers, summed over the points."""
    counts: dict[str, Counts] = {}
    for series in answer.get("timeSeries", []):
        revision = series["resource"]["labels"]["revision_name"]
        requests = sum(int(point["value"]["int64Value"]) for point in series["points"])
        errors = requests if series["metric"]["labels"]["response_code_class"] == "5xx" else 0
        counts[revision] = counts.get(revision, Counts()) + Counts(requests, errors)
    return counts
