"""One environment's rollout: each service in turn, and all of them back if one is not well."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cloudbuild.rollout.canary import Counts, objection
from cloudbuild.rollout.clock import Clock
from cloudbuild.rollout.end_to_end import transcribe
from cloudbuild.rollout.errors import RolloutError
from cloudbuild.rollout.gcloud import Gcloud, GcloudFailed
from cloudbuild.rollout.heartbeat import Unwell, check, wait_until_well
from cloudbuild.rollout.monitoring import CountsUnknown, counts_by_revision
from cloudbuild.rollout.services import ROLLOUT_ORDER, Service
from cloudbuild.rollout.traffic import BEFORE, CANDIDATE, ServiceState, canary_split, revision_before, runs_already

MISSES: Final = 3
"""So many looks at a canary may fail in a row; one may be the network's fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a rollout is told."""

    project: str
    region: str
    prefix: str
    commit: str
    images: Mapping[str, str]
    account: str
    """Service account that it runs as."""
    canary_percent: int
    canary_s: float
    max_error_percent: float
    """By so many percentage points a canary's share of 5xx may be above that of the revision beside it."""
    min_requests: int
    heartbeat_s: float
    poll_s: float
    monitoring_api: str
    recording: Path | None = None
    """What is transcribed at the end; nothing where None."""
    token_secret: str = ""
    """Secret with the token that the recording is sent with."""


class Rollout:
    """Moves the services to the images of one commit."""

    def __init__(self, settings: Settings, cloud: Gcloud, clock: Clock) -> None:
        self._settings = settings
        self._cloud = cloud
        self._clock = clock

    def run(self) -> None:
        """Raises `RolloutError` once everything is back where it was, or with what could not be brought back."""
        states = [self._cloud.describe(self._full_name(service)) for service in ROLLOUT_ORDER]
        for state in states:
            print(f"{state.name}: {revision_before(state) or 'nothing'} serves")
        try:
            for service in ROLLOUT_ORDER:
                self._move(service)
            self._transcribe_something()
        except Exception as failure:  # whatever it was, the way back comes first
            reason = str(failure) if isinstance(failure, RolloutError) else repr(failure)
            lines = [
                f"rollout of {self._settings.commit} failed: {reason}",
                *go_back(self._cloud, self._settings.prefix),
            ]
            raise RolloutError("\n".join(lines)) from failure
        self._forget()

    def _forget(self) -> None:
        try:
            for service in ROLLOUT_ORDER:
                self._cloud.update_traffic(self._full_name(service), f"--remove-tags={BEFORE},{CANDIDATE}")
        except GcloudFailed as error:
            raise RolloutError(
                f"all services have moved and are well, but their tags are still there ({error}); start the rollout again"
            ) from error

    def _full_name(self, service: Service) -> str:
        return self._settings.prefix + service.name

    def _move(self, service: Service) -> None:
        name = self._full_name(service)
        try:
            self._move_by_degrees(service, name)
        except RolloutError as error:
            raise RolloutError(f"{name}: {error}") from error

    def _move_by_degrees(self, service: Service, name: str) -> None:
        state = self._cloud.describe(name)
        before = revision_before(state)
        if before:
            # First of all, so that whoever dies from here on leaves behind where the way back leads.
            self._cloud.update_traffic(name, f"--update-tags={BEFORE}={before}")
        image = self._settings.images[service.image]
        if not runs_already(state, image):
            self._cloud.deploy(name, image, traffic=before is None)
            state = self._cloud.describe(name)
        candidate = state.latest_created
        if before and state.shares == {candidate: 100} and state.follows_latest:
            print(f"{name}: {candidate} has this image and all traffic already")
        else:
            self._cloud.update_traffic(name, f"--update-tags={CANDIDATE}={candidate}")
            state = self._cloud.describe(name)
            self._await_heartbeat(service, state, self._address(state))
            if before and before != candidate:
                self._watch_canary(service, state, before, candidate)
            self._all_traffic(name, candidate)
        state = self._cloud.describe(name)
        if state.shares != {candidate: 100}:
            raise RolloutError(f"traffic goes to {dict(state.shares)} instead of {candidate}: somebody else moved it")
        self._await_heartbeat(service, state, state.url)
        print(f"{name}: {candidate} has all traffic")

    def _all_traffic(self, name: str, candidate: str) -> None:
        """To whatever is latest rather than to the candidate by name, so that Terraform's later revisions get traffic."""
        newest = self._cloud.describe(name).latest_created
        if newest != candidate:
            raise RolloutError(f"{newest} was made meanwhile, by Terraform or by hand; start the rollout again")
        self._cloud.update_traffic(name, "--to-latest")

    def _address(self, state: ServiceState) -> str:
        target = state.tagged(CANDIDATE)
        if target is None or not target.url:
            raise RolloutError("the new revision has no address of its own")
        return target.url

    def _token(self, service: Service, state: ServiceState) -> str:
        # The audience is the service's address whichever tag is asked.
        return "" if service.public else self._cloud.identity_token(state.url, self._settings.account)

    def _await_heartbeat(self, service: Service, state: ServiceState, url: str) -> None:
        wait_until_well(
            url,
            lambda: self._token(service, state),
            self._settings.commit,
            within_s=self._settings.heartbeat_s,
            poll_s=self._settings.poll_s,
            clock=self._clock,
        )

    def _watch_canary(self, service: Service, state: ServiceState, before: str, candidate: str) -> None:
        settings = self._settings
        if not settings.canary_percent or not settings.canary_s:
            return
        split = canary_split(before, candidate, settings.canary_percent)
        self._cloud.update_traffic(state.name, f"--to-revisions={split}")
        since = self._clock.now()
        end = since + timedelta(seconds=settings.canary_s)
        misses = 0
        while True:
            self._clock.sleep(settings.poll_s)
            over = self._clock.now() >= end
            try:
                check(self._address(state), self._token(service, state), settings.commit)
                now = self._clock.now()
                token = self._cloud.access_token()
                counts = counts_by_revision(
                    settings.monitoring_api, settings.project, settings.region, state.name, token, since, now
                )
            except (Unwell, CountsUnknown, GcloudFailed) as problem:
                misses += 1
                print(f"{state.name}: {problem}", flush=True)
                if misses >= MISSES:
                    raise RolloutError(f"the canary can't be watched, {MISSES} times in a row: {problem}") from problem
                continue
            misses = 0
            its, other = counts.get(candidate, Counts()), counts.get(before, Counts())
            against = objection(
                its, other, max_error_percent=settings.max_error_percent, min_requests=settings.min_requests
            )
            if against:
                raise RolloutError(f"the canary {candidate} is not well: {against}")
            if over:
                print(f"{state.name}: canary {candidate}: {its} 5xx; beside it {other}", flush=True)
                if its.requests < settings.min_requests:
                    print(f"{state.name}: too few requests to judge by; its heartbeat alone has decided", flush=True)
                return

    def _transcribe_something(self) -> None:
        if self._settings.recording is None:
            return
        ingest = self._cloud.describe(self._full_name(ROLLOUT_ORDER[-1]))
        text = transcribe(ingest.url, self._cloud.secret(self._settings.token_secret), self._settings.recording)
        print(f"{self._settings.recording.name} was transcribed: {len(text.split())} words", flush=True)


def go_back(cloud: Gcloud, prefix: str) -> list[str]:
    """Give all traffic back to the revisions that served before, last moved first. Returns what became of each service.

    What can't be brought back is named with the command that does it, and keeps nobody else from being brought back.
    """
    lines = []
    for service in reversed(ROLLOUT_ORDER):
        name = prefix + service.name
        try:
            state = cloud.describe(name)
            before = revision_before(state)
            if not state.tagged(BEFORE):
                began = bool(state.tagged(CANDIDATE))
                lines.append(
                    f"{name}: {'nothing served before, so there is nothing to go back to' if began else 'was not touched'}"
                )
            elif state.follows_latest and state.shares == {before: 100}:
                cloud.update_traffic(name, f"--remove-tags={BEFORE},{CANDIDATE}")
                lines.append(f"{name}: still at {before}")
            else:
                cloud.update_traffic(name, f"--to-revisions={before}=100", f"--remove-tags={BEFORE},{CANDIDATE}")
                lines.append(f"{name}: back at {before}, which traffic stays at until the next rollout")
        except RolloutError as error:
            lines.append(
                f"{name}: NOT BROUGHT BACK ({error}); by hand: gcloud run services update-traffic {name} "
                "--to-revisions=REVISION=100, with the revision tagged `before`"
            )
    return lines
