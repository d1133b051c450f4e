"""`python3 -m cloudbuild.rollout`: its options, and with which status it ends."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from cloudbuild.rollout.clock import SystemClock
from cloudbuild.rollout.errors import RolloutError, Stopped
from cloudbuild.rollout.gcloud import Gcloud
from cloudbuild.rollout.images import checked_commit, parse_images
from cloudbuild.rollout.monitoring import API
from cloudbuild.rollout.rollout import Rollout, Settings, go_back
from cloudbuild.rollout.services import IMAGES
from cloudbuild.rollout.turns import wait_for_turn

EXIT_FAILED: Final = 1
LONGEST_CANARY_MIN: Final = 30.0
"""Four of them, with everything around, end within deploy.yaml's timeout."""


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m cloudbuild.rollout",
        description="Bring a commit's images to an environment.",
        allow_abbrev=False,
    )
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--project", required=True, help="the environment's project")
    where.add_argument("--region", required=True, help="where its services are")
    where.add_argument("--prefix", default="", help="what the names of its services begin with")
    commands = parser.add_subparsers(dest="command", required=True)

    deploy = commands.add_parser("deploy", parents=[where], help="move all services, or leave all as they were")
    deploy.add_argument("--commit", required=True, help="full hash that the images were built from")
    deploy.add_argument("--images", required=True, type=Path, metavar="FILE", help="record of the images, by the build")
    deploy.add_argument("--account", required=True, metavar="EMAIL", help="service account that this runs as")
    deploy.add_argument("--canary-percent", type=int, default=10, help="traffic of a canary; 0: no canary")
    deploy.add_argument("--canary-minutes", type=float, default=10, help="how long it is watched; 0: no canary")
    deploy.add_argument("--max-error-percent", type=float, default=5, help="5xx above those of the revision beside it")
    deploy.add_argument("--min-requests", type=int, default=20, help="fewer of them say nothing about a canary")
    deploy.add_argument("--heartbeat-seconds", type=float, default=120, help="longest wait for a heartbeat")
    deploy.add_argument("--poll-seconds", type=float, default=15, help="pause between two looks")
    deploy.add_argument("--recording", type=Path, metavar="FILE", help="what is transcribed at the end")
    deploy.add_argument("--token-secret", default="", metavar="NAME", help="secret with the token to send it with")
    deploy.add_argument(
        "--build", default="", metavar="ID", help="Cloud Build's id of this build: others are waited for"
    )
    deploy.add_argument("--build-project", default="", help="where it runs")
    deploy.add_argument("--build-region", default="", help="where it runs")
    deploy.add_argument("--turn-seconds", type=float, default=3600, help="longest wait for other builds")

    commands.add_parser("undo", parents=[where], help="take back a rollout that died before it ended")
    return parser


def _settings(chosen: argparse.Namespace) -> Settings:
    if not 0 <= chosen.canary_percent < 100:
        raise RolloutError("--canary-percent is from 0 to 99")
    if not 0 <= chosen.canary_minutes <= LONGEST_CANARY_MIN:
        raise RolloutError(f"--canary-minutes is from 0 to {LONGEST_CANARY_MIN:g}")
    recording = chosen.recording if chosen.token_secret else None
    if recording and not recording.is_file():
        raise RolloutError(f"there is no recording {recording}")
    try:
        record = chosen.images.read_text()
    except OSError as error:
        raise RolloutError(f"the record of images can't be read: {error}") from error
    return Settings(
        project=chosen.project,
        region=chosen.region,
        prefix=chosen.prefix,
        commit=checked_commit(chosen.commit),
        images=parse_images(record, IMAGES),
        account=chosen.account,
        canary_percent=chosen.canary_percent,
        canary_s=60 * chosen.canary_minutes,
        max_error_percent=chosen.max_error_percent,
        min_requests=chosen.min_requests,
        heartbeat_s=chosen.heartbeat_seconds,
        poll_s=chosen.poll_seconds,
        # Where gcloud would look, too.
        monitoring_api=os.environ.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING", API),
        recording=recording,
        token_secret=chosen.token_secret,
    )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # Once: the way back is not to be interrupted too.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped("the build was asked to end")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 only if everything is where it should be."""
    chosen = _options().parse_args(arguments)
    cloud, clock = Gcloud(chosen.project, chosen.region), SystemClock()
    signal.signal(signal.SIGTERM, _stop)
    try:
        if chosen.command == "undo":
            lines = go_back(cloud, chosen.prefix)
            print("\n".join(lines))
            return EXIT_FAILED if any("NOT BROUGHT BACK" in line for line in lines) else 0
        settings = _settings(chosen)
        if chosen.build:
            wait_for_turn(
                cloud,
                chosen.build,
                chosen.build_project,
                chosen.build_region,
                within_s=chosen.turn_seconds,
                poll_s=chosen.poll_seconds,
                clock=clock,
            )
        Rollout(settings, cloud, clock).run()
    except RolloutError as error:
        print(f"\nFAILED: {error}", file=sys.stderr, flush=True)
        return EXIT_FAILED
    print(f"\n{settings.commit} is in {settings.project}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
