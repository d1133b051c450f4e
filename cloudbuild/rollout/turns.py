"""One rollout to an environment at a time: a build waits until those that began before it are done."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from cloudbuild.rollout.clock import Clock
from cloudbuild.rollout.errors import RolloutError
from cloudbuild.rollout.gcloud import Gcloud


def ahead_of(build_id: str, builds: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """Ids of the builds of the same trigger that started before `build_id`."""
    started = {
        build["id"]: (build["startTime"], build["id"], build.get("buildTriggerId"))
        for build in builds
        if "startTime" in build
    }
    if build_id not in started:
        raise RolloutError(f"build {build_id} is not among those under way, so it can't be known whether it is alone")
    mine = started[build_id]
    return sorted(other for other, its in started.items() if its[2] == mine[2] and its < mine)


def wait_for_turn(
    cloud: Gcloud, build_id: str, project: str, region: str, *, within_s: float, poll_s: float, clock: Clock
) -> None:
    """Raises `RolloutError` where another build has not ended within the time."""
    end = clock.now() + timedelta(seconds=within_s)
    while ahead := ahead_of(build_id, cloud.ongoing_builds(project, region)):
        if clock.now() >= end:
            raise RolloutError(
                f"build {', '.join(ahead)} has not ended within {within_s:g} s; start this one again later"
            )
        print(f"waiting for build {', '.join(ahead)}", flush=True)
        clock.sleep(poll_s)
