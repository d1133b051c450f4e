import pytest

from common.clock import SystemClock
from common.oidc import OidcAuth
from common.pipeline_settings import PipelineSettings, PushedSettings
from common.push import SharedTokenAuth
from common.push_auth import NoAuth, push_auth_of
from common.settings import SettingsError, load

GOOGLE = {"GCS_BUCKET": "audio", "GOOGLE_CLOUD_PROJECT": "a-project"}
OIDC = {"PUSH_AUDIENCE": "https://segmenter.example", "PUSH_SERVICE_ACCOUNTS": "push@a.example, sweep@a.example"}
ON_CLOUD_RUN = {"K_SERVICE": "segmenter"}


def read(**environ: str) -> PushedSettings:
    return load(PushedSettings, {"API_TOKEN": "t", **environ})


def refused(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(**environ)
    return caught.value.problems


@pytest.mark.parametrize(
    ("environ", "auth"),
    [
        ({"PUSH_TOKEN": "p"}, SharedTokenAuth),
        ({"PUSH_TOKEN": "p", "PUSH_AUTH": "token", **GOOGLE}, SharedTokenAuth),
        ({"PUSH_AUTH": "none", **GOOGLE}, NoAuth),
        ({**GOOGLE, **OIDC}, OidcAuth),
        ({**GOOGLE, **OIDC, **ON_CLOUD_RUN}, OidcAuth),
        ({"PUSH_AUTH": "oidc", **OIDC}, OidcAuth),
    ],
)
def test_each_stack_has_its_proof(environ: dict[str, str], auth: type) -> None:
    assert type(push_auth_of(read(**environ), SystemClock())) is auth


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, ["PUSH_TOKEN"]),
        (GOOGLE, ["PUSH_AUDIENCE", "PUSH_SERVICE_ACCOUNTS"]),
        ({**GOOGLE, **OIDC, "PUSH_SERVICE_ACCOUNTS": " , "}, ["PUSH_SERVICE_ACCOUNTS"]),
        ({**GOOGLE, **ON_CLOUD_RUN, "PUSH_AUTH": "none"}, ["PUSH_AUTH"]),
        ({**GOOGLE, **ON_CLOUD_RUN, "PUSH_AUTH": "token", "PUSH_TOKEN": "p"}, ["PUSH_AUTH"]),
        ({**ON_CLOUD_RUN, "PUSH_TOKEN": "p"}, ["GCS_BUCKET", "PUSH_AUTH"]),
        ({"PUSH_AUTH": "maybe"}, ["PUSH_AUTH"]),
        ({**GOOGLE, **OIDC, "PUSH_SIGNATURE": "cloud_run"}, ["PUSH_SIGNATURE"]),
        ({"GCS_BUCKET": "audio", "PUSH_AUTH": "none"}, ["GOOGLE_CLOUD_PROJECT"]),
    ],
)
def test_what_is_missing_or_would_let_anybody_push_is_named(environ: dict[str, str], named: list[str]) -> None:
    assert [problem.partition(":")[0] for problem in refused(**environ)] == named


def test_accounts_come_with_commas() -> None:
    assert read(**GOOGLE, **OIDC).push_accounts == {"push@a.example", "sweep@a.example"}


def test_who_is_not_pushed_to_needs_no_proof() -> None:
    settings = load(PipelineSettings, {"API_TOKEN": "t", **GOOGLE, **ON_CLOUD_RUN})
    assert (settings.gcs_bucket, settings.k_service) == ("audio", "segmenter")
