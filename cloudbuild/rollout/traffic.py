"""What Cloud Run says of a service, and what a rollout makes of it. Pure.

Two traffic tags are a rollout's memory. `before` stays on the revision that served when it began, `candidate` is on the new one. Both
go once every service is done, or went back. So whoever finds `before` on a service knows that a rollout has not ended, and where its way
back leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

BEFORE: Final = "before"
CANDIDATE: Final = "candidate"


@dataclass(frozen=True, slots=True)
class Target:
    """A revision's share of the traffic, or a tag on it."""

    revision: str
    percent: int
    tag: str
    url: str
    """Address of the tag; empty without one."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service as Cloud Run describes it."""

    name: str
    url: str
    image: str
    """Image of the newest revision's template."""
    latest_created: str
    latest_ready: str
    """Empty where no revision ever was ready."""
    targets: tuple[Target, ...]
    follows_latest: bool
    """Whether all traffic goes to the newest revision, whichever that is."""

    def tagged(self, tag: str) -> Target | None:
        """What bears this tag."""
        return next((target for target in self.targets if target.tag == tag), None)

    @property
    def shares(self) -> Mapping[str, int]:
        """Revisions that get traffic, with their share in percent."""
        shares: dict[str, int] = {}
        for target in self.targets:
            if target.percent and target.revision:
                shares[target.revision] = shares.get(target.revision, 0) + target.percent
        return shares


def parse_service(described: Mapping[str, Any]) -> ServiceState:
    """From `gcloud run services describe --format=json`."""
    status = described.get("status", {})
    spec = described["spec"]
    wanted = [target for target in spec.get("traffic", []) if target.get("percent")]
    return ServiceState(
        name=described["metadata"]["name"],
        url=status.get("url", ""),
        image=spec["template"]["spec"]["containers"][0]["image"],
        latest_created=status.get("latestCreatedRevisionName", ""),
        latest_ready=status.get("latestReadyRevisionName", ""),
        targets=tuple(
            Target(
                target.get("revisionName", ""), target.get("percent", 0), target.get("tag", ""), target.get("url", "")
            )
            for target in status.get("traffic", [])
        ),
        follows_latest=bool(wanted) and all(target.get("latestRevision", False) for target in wanted),
    )


def revision_before(state: ServiceState) -> str | None:
    """The revision that a failure leads back to; None where nothing serves yet.

    The one tagged `before`, as long as nobody has moved the traffic elsewhere since. Else the one with the largest share, a candidate
    that a dead rollout left being no choice while there is another.
    """
    before, candidate = state.tagged(BEFORE), state.tagged(CANDIDATE)
    of_a_rollout = {target.revision for target in (before, candidate) if target}
    if before and state.shares.keys() <= of_a_rollout:
        return before.revision
    others = {name: share for name, share in state.shares.items() if not candidate or name != candidate.revision}
    choice = others or state.shares
    return max(sorted(choice), key=lambda name: choice[name]) if choice else None


def runs_already(state: ServiceState, image: str) -> bool:
    """Whether the newest revision is ready and has this image, so that none need be made: a rollout that died made it, or Terraform."""
    return state.image == image and bool(state.latest_created) and state.latest_created == state.latest_ready


def canary_split(before: str, candidate: str, percent: int) -> str:
    """For `--to-revisions`."""
    return f"{before}={100 - percent},{candidate}={percent}"
