"""A rollout as Cloud Build runs it, against a gcloud and services of the tests' own."""

import pytest

from tests.cloudbuild.cloud import NEW, OLD, SERVICES, Cloud, reference

pytestmark = pytest.mark.slow  # whole processes: another Python shows nothing else in them
ALL_OLD = {name: {OLD: 100} for name in SERVICES}
ALL_NEW = {name: {NEW: 100} for name in SERVICES}


def test_every_service_moves_in_order_and_follows_the_latest_revision_afterwards(cloud: Cloud) -> None:
    ended = cloud.rollout()
    assert ended.status == 0, ended.said
    assert cloud.serving() == ALL_NEW
    assert all(cloud.follows_latest(name) for name in SERVICES), "Terraform's next revision would get no traffic"
    assert cloud.tags() == {}
    deployed = [call.split()[2] for call in cloud.calls("run deploy")]
    assert deployed == ["dev-segmenter", "dev-transcribe", "dev-api", "dev-ingest"]


def test_a_new_revision_is_asked_at_its_own_address_before_it_gets_a_tenth_and_then_all(cloud: Cloud) -> None:
    ended = cloud.rollout(NEW, "--canary-percent=10")
    assert ended.status == 0, ended.said
    of_ingest = [call for call in cloud.calls("dev-ingest") if "describe" not in call and "builds" not in call]
    steps = [
        next(
            option
            for option in call.split()
            if option.startswith(("--update-tags", "--no-traffic", "--to-", "--remove-tags"))
        )
        for call in of_ingest
    ]
    assert steps == [
        "--update-tags=before=dev-ingest-00001",
        "--no-traffic",
        "--update-tags=candidate=dev-ingest-00002",
        "--to-revisions=dev-ingest-00001=90,dev-ingest-00002=10",
        "--to-latest",
        "--remove-tags=before,candidate",
    ]


def test_a_revision_gets_no_name_from_gcloud_which_terraform_would_ask_for_again(cloud: Cloud) -> None:
    cloud.rollout()
    assert all("--tag" not in call and "--revision-suffix" not in call for call in cloud.calls("run deploy"))


@pytest.mark.parametrize(
    ("image", "wrong", "named"),
    [
        ("segmenter", {"ready": False}, "/health/ready answers 503"),
        ("ingest", {"ready": False}, '"bucket": "unreachable"'),
        ("transcribe", {"says": OLD}, f"names revision '{OLD}' instead of {NEW}"),
        ("transcribe", {"crashes": True}, "container failed to start"),
        ("ingest", {"errors": 30}, "30 of 100 (30.0%) of its answers were 5xx, against 0 of 100 (0.0%)"),
        ("segmenter", {"errors": 6}, "the canary dev-segmenter-00002 is not well"),
    ],
)
def test_where_one_service_is_not_well_all_are_back_where_they_were(
    cloud: Cloud, image: str, wrong: dict[str, object], named: str
) -> None:
    cloud.image_is(image, **wrong)
    ended = cloud.rollout()
    assert ended.status == 1
    assert named in ended.said
    assert cloud.serving() == ALL_OLD
    assert cloud.tags() == {}, "a rollout that has ended leaves no tags"


def test_a_private_service_that_may_not_be_asked_is_named_as_such(cloud: Cloud) -> None:
    ended = cloud.rollout(NEW, "--account=somebody-else@a-project.iam.gserviceaccount.com")
    assert ended.status == 1
    assert (
        "dev-segmenter: no heartbeat within 0.5 s: /health/ready answers 403: the account of this build may not"
        in ended.said
    )
    assert cloud.serving() == ALL_OLD


def test_the_log_says_of_each_service_what_became_of_it(cloud: Cloud) -> None:
    cloud.image_is("ingest", ready=False)
    said = cloud.rollout().said
    for name in SERVICES:
        assert f"dev-{name}: back at dev-{name}-00001" in said
    assert f"rollout of {NEW} failed: dev-ingest: no heartbeat within 0.5 s" in said


def test_what_had_not_begun_is_not_touched(cloud: Cloud) -> None:
    cloud.image_is("segmenter", ready=False)
    ended = cloud.rollout()
    assert "dev-ingest: was not touched" in ended.said
    assert [call for call in cloud.calls("dev-ingest") if "describe" not in call] == []
    assert cloud.follows_latest("ingest")


def test_errors_that_the_old_revision_has_too_are_not_the_new_ones_fault(cloud: Cloud) -> None:
    cloud.image_is("transcribe", errors=30)
    cloud.image_is("transcribe", OLD, errors=28)
    ended = cloud.rollout()
    assert ended.status == 0, ended.said
    assert cloud.serving() == ALL_NEW


def test_without_canary_the_heartbeat_alone_decides(cloud: Cloud) -> None:
    cloud.image_is("ingest", errors=100)
    ended = cloud.rollout(NEW, "--canary-percent=0")
    assert ended.status == 0, ended.said
    assert cloud.calls("--to-revisions") == []


def test_a_canary_that_nobody_can_watch_is_taken_back(cloud: Cloud) -> None:
    cloud.fault("print-access-token", "fails", times=3)
    ended = cloud.rollout()
    assert ended.status == 1
    assert "can't be watched, 3 times in a row" in ended.said
    assert cloud.serving() == ALL_OLD


def test_one_look_that_fails_is_not_a_canary_that_fails(cloud: Cloud) -> None:
    cloud.fault("print-access-token", "fails", times=2)
    ended = cloud.rollout()
    assert ended.status == 0, ended.said


@pytest.mark.parametrize(
    "where",
    [
        "run deploy dev-transcribe",
        "--update-tags=candidate=dev-transcribe-00002",
        "--to-revisions=dev-segmenter-00001=90",
        "update-traffic dev-segmenter --to-latest",
        "update-traffic dev-api --remove-tags",
    ],
)
def test_killed_anywhere_and_started_again_it_ends_as_if_nothing_had_been(cloud: Cloud, where: str) -> None:
    cloud.fault(where, "kills")
    assert cloud.rollout().status == -9
    ended = cloud.rollout()
    assert ended.status == 0, ended.said
    assert cloud.serving() == ALL_NEW
    assert cloud.tags() == {}
    assert len(cloud.calls("run deploy")) == len(SERVICES), "a revision was made twice"


def test_killed_and_started_again_it_still_knows_the_way_back_of_what_had_moved_before(cloud: Cloud) -> None:
    cloud.fault("run deploy dev-transcribe", "kills")
    cloud.rollout()
    assert cloud.serving()["segmenter"] == {NEW: 100}
    cloud.image_is("ingest", ready=False)
    assert cloud.rollout().status == 1
    assert cloud.serving() == ALL_OLD


def test_a_dead_rollout_can_be_taken_back(cloud: Cloud) -> None:
    cloud.fault("--to-revisions=dev-transcribe-00001=90", "kills")
    cloud.rollout()
    assert cloud.serving()["transcribe"] == {OLD: 90, NEW: 10}
    ended = cloud.run("undo")
    assert ended.status == 0, ended.said
    assert cloud.serving() == ALL_OLD
    assert cloud.tags() == {}


def test_undo_without_a_rollout_changes_nothing(cloud: Cloud) -> None:
    before = cloud.read()["services"]
    assert cloud.run("undo").status == 0
    assert cloud.read()["services"] == before


def test_a_canary_of_a_dead_rollout_is_not_what_another_commit_goes_back_to(cloud: Cloud) -> None:
    cloud.fault("--to-revisions=dev-segmenter-00001=90", "kills")
    cloud.rollout()
    other = "3" * 40
    with cloud.changed() as state:
        for image in set(SERVICES.values()):
            state["images"][reference(image, other)] = {"commit": other, "ready": image != "ingest"}
    assert cloud.rollout(other).status == 1
    assert cloud.serving() == ALL_OLD


def test_a_build_that_is_cancelled_goes_back(cloud: Cloud) -> None:
    cloud.fault("run deploy dev-transcribe", "asks to end")
    ended = cloud.rollout()
    assert ended.status == 1
    assert "the build was asked to end" in ended.said
    assert cloud.serving() == ALL_OLD


def test_a_service_that_can_t_be_brought_back_is_named_and_keeps_no_other_from_it(cloud: Cloud) -> None:
    cloud.image_is("ingest", ready=False)
    cloud.fault("update-traffic dev-transcribe --to-revisions=dev-transcribe-00001=100", "fails")
    ended = cloud.rollout()
    assert ended.status == 1
    assert "dev-transcribe: NOT BROUGHT BACK" in ended.said
    assert {name: share for name, share in cloud.serving().items() if OLD not in share} == {"transcribe": {NEW: 100}}
    assert cloud.run("undo").status == 0
    assert cloud.serving() == ALL_OLD


def test_what_terraform_makes_meanwhile_gets_no_traffic_unseen(cloud: Cloud) -> None:
    cloud.fault("update-traffic dev-api --to-revisions", "terraform")
    ended = cloud.rollout()
    assert ended.status == 1
    assert "dev-api-00003 was made meanwhile" in ended.said
    assert cloud.serving() == ALL_OLD


def test_the_images_that_terraform_began_with_are_found_in_place(cloud: Cloud) -> None:
    ended = cloud.rollout(OLD)
    assert ended.status == 0, ended.said
    assert cloud.calls("run deploy") == []
    assert cloud.serving() == ALL_OLD
    assert cloud.tags() == {}


def never_ready(cloud: Cloud) -> None:
    """Terraform has made the services, but their first revisions did not start."""
    with cloud.changed() as state:
        for service in state["services"].values():
            service["latest_ready"] = ""


def test_the_first_revision_ever_that_is_ready_gets_all_traffic(cloud: Cloud) -> None:
    never_ready(cloud)
    ended = cloud.rollout()
    assert ended.status == 0, ended.said
    assert cloud.serving() == ALL_NEW
    assert cloud.tags() == {}


def test_where_nothing_served_before_there_is_nothing_to_go_back_to_and_the_log_says_so(cloud: Cloud) -> None:
    never_ready(cloud)
    cloud.image_is("segmenter", ready=False)
    ended = cloud.rollout()
    assert ended.status == 1
    assert "dev-segmenter: nothing served before, so there is nothing to go back to" in ended.said
    assert "dev-ingest: was not touched" in ended.said


def test_an_environment_that_does_not_exist_is_found_out_before_anything_changes(cloud: Cloud) -> None:
    with cloud.changed() as state:
        del state["services"]["dev-ingest"]
    ended = cloud.rollout()
    assert ended.status == 1
    assert "Cannot find service [dev-ingest]" in ended.said
    assert cloud.calls("run deploy") == []
    assert cloud.tags() == {}


def test_after_a_failed_rollout_the_next_one_goes_through(cloud: Cloud) -> None:
    cloud.image_is("transcribe", ready=False)
    assert cloud.rollout().status == 1
    cloud.image_is("transcribe", ready=True)
    ended = cloud.rollout()
    assert ended.status == 0, ended.said
    assert cloud.serving() == ALL_NEW
    assert all(cloud.follows_latest(name) for name in SERVICES)


def test_an_earlier_commit_is_rolled_out_like_any_other(cloud: Cloud) -> None:
    assert cloud.rollout(NEW).status == 0
    ended = cloud.rollout(OLD, "--canary-minutes=0")
    assert ended.status == 0, ended.said
    assert cloud.serving() == ALL_OLD


RECORDING = ("--recording=turnscribe/demo/conversation.webm", "--token-secret=check")


def test_a_recording_goes_in_and_its_words_come_back(cloud: Cloud) -> None:
    ended = cloud.rollout(NEW, *RECORDING)
    assert ended.status == 0, ended.said
    assert "conversation.webm was transcribed: 2 words" in ended.said
    assert "the-token" not in ended.said


def test_where_no_words_come_back_all_services_go_back(cloud: Cloud) -> None:
    with cloud.changed() as state:
        state["transcript"] = ""
    ended = cloud.rollout(NEW, *RECORDING)
    assert ended.status == 1
    assert "the recording was not transcribed" in ended.said
    assert cloud.serving() == ALL_OLD


def build(name: str, started: str | None, trigger: str = "t1") -> dict[str, str]:
    return {"id": name, "buildTriggerId": trigger} | ({"startTime": started} if started else {})


def test_a_rollout_waits_for_the_one_before_it(cloud: Cloud) -> None:
    mine, earlier = build("mine", "2026-01-01T10:00:05Z"), build("earlier", "2026-01-01T10:00:00Z")
    with cloud.changed() as state:
        state["builds"] = [[mine, earlier], [mine]]
    ended = cloud.rollout(NEW, "--build=mine", "--build-project=builds", "--build-region=global")
    assert ended.status == 0, ended.said
    assert "waiting for build earlier" in ended.said
    assert cloud.serving() == ALL_NEW


def test_a_rollout_that_would_wait_too_long_changes_nothing(cloud: Cloud) -> None:
    with cloud.changed() as state:
        state["builds"] = [[build("mine", "2026-01-01T10:00:05Z"), build("earlier", "2026-01-01T10:00:00Z")]]
    ended = cloud.rollout(NEW, "--build=mine", "--build-project=builds", "--build-region=global", "--turn-seconds=0.3")
    assert ended.status == 1
    assert "build earlier has not ended" in ended.said
    assert cloud.calls("run ") == []
