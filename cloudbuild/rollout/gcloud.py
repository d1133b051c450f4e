"""The gcloud commands that a rollout runs: one method each, with a bound on its time."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudbuild.rollout.errors import RolloutError
from cloudbuild.rollout.traffic import ServiceState, parse_service

READ_TIMEOUT_S: Final = 120
CHANGE_TIMEOUT_S: Final = 600
"""Cloud Run gives a revision's first instance at most 240 s to start; traffic moves in seconds."""


class GcloudFailed(RolloutError):
    """gcloud ended with an error, or not in time."""


class Gcloud:
    """gcloud, for one environment's project and region."""

    def __init__(self, project: str, region: str) -> None:
        self._project = project
        self._region = region

    def describe(self, service: str) -> ServiceState:
        """Raises `GcloudFailed`, also where there is no such service."""
        return parse_service(self._json("run", "services", "describe", service, *self._where()))

    def deploy(self, service: str, image: str, *, traffic: bool) -> None:
        """Make a revision of `image` with everything else as it is, and wait until it is ready.

        Neither tag nor name is given to it here: gcloud would then write the revision's name into the service, and Terraform's next change
        would ask for another revision of the same name, which Cloud Run refuses.
        """
        options = () if traffic else ("--no-traffic",)
        self._change("run", "deploy", service, f"--image={image}", *options, "--quiet", *self._where())

    def update_traffic(self, service: str, *changes: str) -> None:
        """`changes` are options of `gcloud run services update-traffic`."""
        self._change("run", "services", "update-traffic", service, *changes, "--quiet", *self._where())

    def identity_token(self, audience: str, account: str) -> str:
        """Signed for `audience`. Cloud Build's metadata server gives none, so `account` impersonates itself."""
        return self._run(
            (
                "auth",
                "print-identity-token",
                f"--audiences={audience}",
                f"--impersonate-service-account={account}",
                "--include-email",
                "--quiet",
            ),
            READ_TIMEOUT_S,
        ).strip()

    def access_token(self) -> str:
        """For Google's APIs."""
        return self._run(["auth", "print-access-token", "--quiet"], READ_TIMEOUT_S).strip()

    def secret(self, name: str) -> str:
        """The newest version of a secret."""
        command = ["secrets", "versions", "access", "latest", f"--secret={name}", f"--project={self._project}"]
        return self._run([*command, "--quiet"], READ_TIMEOUT_S).strip()

    def ongoing_builds(self, project: str, region: str) -> Sequence[Mapping[str, Any]]:
        """Builds that are under way where this one runs."""
        builds: Sequence[Mapping[str, Any]] = self._json(
            "builds", "list", "--ongoing", f"--project={project}", f"--region={region}", "--format=json"
        )
        return builds

    def _where(self) -> tuple[str, ...]:
        return (f"--project={self._project}", f"--region={self._region}", "--format=json")

    def _json(self, *arguments: str) -> Any:
        said = self._run(arguments, READ_TIMEOUT_S)
        try:
            return json.loads(said)
        except ValueError as error:
            raise GcloudFailed(f"gcloud {' '.join(arguments[:3])}: no JSON: {error}") from error

    def _change(self, *arguments: str) -> None:
        print("+ gcloud", *arguments, flush=True)
        self._run(arguments, CHANGE_TIMEOUT_S)

    @staticmethod
    def _run(arguments: Sequence[str], timeout_s: float) -> str:
        named = "gcloud " + " ".join(arguments[:3])
        try:
            done = subprocess.run(  # noqa: S603 - names and options, no shell
                ["gcloud", *arguments],  # noqa: S607 - wherever the image has it
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GcloudFailed(f"{named}: no answer within {timeout_s:g} s") from error
        except OSError as error:
            raise GcloudFailed(f"{named}: {error}") from error
        if done.returncode:
            raise GcloudFailed(f"{named}: status {done.returncode}\n{done.stderr.strip()[-3000:]}")
        return done.stdout
