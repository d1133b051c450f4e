"""What the transcribe service reads from the environment."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from common.ids import DEFAULT_TENANT
from common.pipeline_settings import PipelineSettings, PushedSettings
from common.settings import SECONDS, Secret


class TranscribeSettings(PushedSettings, frozen=True, kw_only=True):
    """Whisper's address and limits. The defaults fit a subscription with an acknowledgement deadline of 60 s."""

    REQUIRED: ClassVar[tuple[str, ...]] = ()
    """What must be set depends on the role; see `problems`."""

    transcribe_role: Annotated[
        Literal["all", "worker", "api"],
        Meta(
            description=(
                "What this process does. `worker`: pushes and sweeps, that is recognition and delivery; no route for people, and no need of "
                "API_TOKEN. `api`: transcripts, live events, audio, search, the web page, and all that is administered at /v1; nothing is "
                "pushed to it, PUSH_… is ignored, and it has no need of WHISPER_SERVICE_URL. `all`: both."
            )
        ),
    ] = "all"
    whisper_service_url: Annotated[
        str,
        Meta(
            pattern="^https?://[^/]",
            description=(
                "Whisper server; must be set but with TRANSCRIBE_ROLE=api. In the OpenAI dialect its base URL, /v1/audio/transcriptions is added "
                "where it is missing; in the plain one the URL as it is."
            ),
        ),
    ] = ""
    whisper_dialect: Annotated[
        Literal["openai", "plain"],
        Meta(
            description=(
                "How the Whisper server is spoken to: `openai` (multipart form, verbose_json) or `plain` (the audio as the body; prefix, "
                "language and task in the query)."
            )
        ),
    ] = "openai"
    whisper_auth: Annotated[
        Literal["token", "google"],
        Meta(
            description=(
                "How the Whisper server is told who asks: by WHISPER_API_TOKEN, or by an identity token of Google's for this process's "
                "service account, as a Cloud Run service wants that not everybody may invoke."
            )
        ),
    ] = "token"
    whisper_audience: Annotated[
        str,
        Meta(
            description="Audience of the identity token. Empty: scheme and host of WHISPER_SERVICE_URL. WHISPER_AUTH=google only."
        ),
    ] = ""
    whisper_api_token: Annotated[Secret, Meta(description="Bearer token of the Whisper server, if it wants one.")] = (
        Secret()
    )
    whisper_model_name: Annotated[
        str, Meta(min_length=1, description="Model to ask the Whisper server for; servers with one model ignore it.")
    ] = "whisper-1"
    whisper_language: Annotated[
        str,
        Meta(
            pattern="^([A-Za-z]{2,3}(-[A-Za-z0-9]+)*)?$",
            description="Language of meetings and connections that name none, e.g. en. Empty: Whisper detects it.",
        ),
    ] = ""
    whisper_detect_language: Annotated[
        Literal["meeting", "segment"],
        Meta(
            description=(
                "How often Whisper detects a language that nobody names: once, in a meeting's first clear speech, or for each `segment`, "
                "where people change between languages."
            )
        ),
    ] = "meeting"
    whisper_carry_text: Annotated[
        bool,
        Meta(
            description=(
                "Tell Whisper what was said just before a segment. It helps reading aloud and hurts meetings (measured: word error rate 13.4 "
                "to 15.8%), and a transcript then depends on the order of arrival."
            )
        ),
    ] = False
    whisper_circuit_failures: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="After so many failed attempts in a row Whisper is left alone for WHISPER_CIRCUIT_SEC; 0: never.",
        ),
    ] = 5
    whisper_circuit_sec: Annotated[
        float, SECONDS, Meta(description="How long Whisper is left alone before one attempt tries whether it is back.")
    ] = 15.0
    whisper_timeout_sec: Annotated[float, SECONDS, Meta(description="Longest wait for one answer of Whisper.")] = 40.0
    whisper_budget_sec: Annotated[
        float, SECONDS, Meta(description="Longest time for one segment at Whisper, all attempts and waits included.")
    ] = 50.0
    processing_threads: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Segments that one process has at Whisper at a time; the queue keeps the others.",
        ),
    ] = 2
    processing_wait_sec: Annotated[
        float,
        Meta(ge=0, description="How long a final segment waits for one of these places before the queue gets it back."),
    ] = 5.0
    provisional_max_age_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description="Live revisions whose audio was accepted longer ago than this are not transcribed, and none are while final ones come so late."
        ),
    ] = 15.0
    republish_after_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description=(
                "A closed stream may miss transcripts for so long; then the sweep publishes their segments again. Later sweeps take "
                "longer and longer pauses, so that a backlog at Whisper does not grow by it."
            )
        ),
    ] = 300.0
    live_readers: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description=(
                "Readers of live meetings that one process serves at a time; more are answered 429. Each holds one of GUNICORN_THREADS, of "
                "which eight (or half, where there are few) stay free of them."
            ),
        ),
    ] = 250
    live_poll_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description=(
                "How often a watched meeting's store is asked for what other processes have stored. What this one stores is seen at once."
            )
        ),
    ] = 0.5
    live_max_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description="How long one answer of live events lasts; readers then come again. Cloud Run ends it after 3,600 s at the latest."
        ),
    ] = 3_300.0
    take_over_sec: Annotated[
        float,
        SECONDS,
        Meta(
            description=(
                "Where several connections hear one meeting: how far the one that is transcribed may lag behind the others, and how long their "
                "segments wait for it before they are transcribed in its place."
            )
        ),
    ] = 30.0
    ingest_public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[A-Za-z0-9.\[\]:-]+/?)?$",
            description=(
                "Where browsers reach ingest, as scheme://host[:port]: the web page records there, and ingest must allow the page's origin in "
                "CORS_ALLOWED_ORIGINS. Empty: under the page's own address, as the local runner has it."
            ),
        ),
    ] = ""
    engine_api_url: Annotated[
        str,
        Meta(
            pattern="^(https?://[^/?#]+[^?#]*)?$",
            description=(
                "Base URL of an Engine API: segments, live ones too, are posted to /api/transcripts/segments/{source}/{meeting_id} below it. "
                "Empty: there is none."
            ),
        ),
    ] = ""
    engine_api_token: Annotated[Secret, Meta(description="Bearer token of the Engine API.")] = Secret()
    engine_tenants: Annotated[
        str,
        Meta(description="Tenants whose transcripts the Engine API gets, separated by commas."),
    ] = DEFAULT_TENANT
    webhook_allow_private: Annotated[
        bool,
        Meta(
            description=(
                "Let webhooks be http, and on this machine or in a private network. Only where everybody with an admin token may reach "
                "everything that this service reaches."
            )
        ),
    ] = False
    delivery_threads: Annotated[
        int,
        Meta(
            ge=2,
            le=256,
            description=(
                "Attempts to deliver that one process makes at a time: at most two at one receiver, and half of them at receivers that "
                "did not answer last time. Each holds one of GUNICORN_THREADS for up to 15 s."
            ),
        ),
    ] = 8
    retention_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description=(
                "Days for which meetings are kept, audio and transcript, where a tenant has not said otherwise at /v1/retention; 0: for ever."
            ),
        ),
    ] = 0
    push_ack_deadline_sec: Annotated[
        float,
        Meta(
            ge=10, le=600, description="Acknowledgement deadline of the segments subscription (also its push timeout)."
        ),
    ] = 60.0

    @property
    def engine_tenant_names(self) -> frozenset[str]:
        """Whose transcripts the Engine API gets; nobody's where there is none."""
        names = (name.strip() for name in self.engine_tenants.split(","))
        return frozenset(name for name in names if name and self.engine_api_url)

    @property
    def answers_people(self) -> bool:
        """Whether it has routes for them, and so needs to know their token."""
        return self.transcribe_role != "worker"

    @property
    def push_proof(self) -> Literal["token", "oidc", "none", "refused"]:
        """As elsewhere; nobody pushes to an `api`."""
        return "refused" if self.transcribe_role == "api" else super().push_proof

    def problems(self) -> Iterator[str]:
        """Adds: each role needs its own, and one segment must be done, or given back, before its push times out."""
        if self.answers_people and not self.api_token:
            yield "API_TOKEN: must be set, unless TRANSCRIBE_ROLE is worker"
        if self.transcribe_role == "api":  # of what it does not use nothing can be wrong
            yield from PipelineSettings.problems(self)
            return
        yield from super().problems()
        if not self.whisper_service_url:
            yield "WHISPER_SERVICE_URL: must be set, unless TRANSCRIBE_ROLE is api"
        if self.processing_wait_sec + self.whisper_budget_sec >= self.push_ack_deadline_sec:
            yield (
                "WHISPER_BUDGET_SEC: together with PROCESSING_WAIT_SEC it must stay below PUSH_ACK_DEADLINE_SEC "
                f"({self.push_ack_deadline_sec:g}), or the queue delivers a segment again while it is being worked on"
            )
        if self.engine_api_token and not self.engine_api_url:
            yield "ENGINE_API_TOKEN: belongs to ENGINE_API_URL, which is not set"
        if self.whisper_auth == "google" and self.whisper_api_token:
            yield "WHISPER_API_TOKEN: is not sent with WHISPER_AUTH=google; leave one of them out"
        if self.whisper_timeout_sec > self.whisper_budget_sec:
            yield "WHISPER_TIMEOUT_SEC: must not be longer than WHISPER_BUDGET_SEC"
