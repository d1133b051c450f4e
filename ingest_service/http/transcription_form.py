"""The fields of OpenAI's transcription request as one checked struct. Pure.

What can't be done here is refused by name, so that nobody takes an answer for something that it is not. `temperature` is the
exception: clients send it by default, and an answer without it is still the transcript of the audio.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta
from werkzeug.datastructures import MultiDict

from common.events import StreamOptions
from ingest_service.intake.requests import invalid, stream_options

File = TypeVar("File")
ResponseFormat = Literal["json", "text", "srt", "vtt", "verbose_json", "diarized_json"]
MAX_PROMPT_CHARACTERS: Final = 800
"""Whisper looks at so much of it, and it lies in the metadata of every chunk."""
UNSUPPORTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "include[]": "is not supported: probabilities of tokens are not kept. Words have theirs in the meeting's transcript",
        "keywords[]": "is not supported: tell them to Whisper in prompt",
        "languages[]": "is not supported: name one in language, or leave it out to have it detected",
        "known_speaker_names[]": "is not supported: nobody is recognised by the voice. Name channels in channel_speakers",
        "known_speaker_references[]": "is not supported: nobody is recognised by the voice. Name channels in channel_speakers",
    }
)
"""Fields of OpenAI's that are refused."""


class TranscriptionFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields besides `file`. `channels` and `channel_speakers` are this server's own."""

    model: Annotated[
        str, Meta(min_length=1, max_length=200, description="Required by OpenAI. The installation's own model answers.")
    ]
    language: Annotated[str, Meta(description="Language code, such as en. Without it, it is detected.")] = ""
    prompt: Annotated[
        str,
        Meta(
            description=(
                f"What Whisper is told before the audio: names, terms, a style. Its last {MAX_PROMPT_CHARACTERS} characters count."
            )
        ),
    ] = ""
    response_format: Annotated[
        ResponseFormat,
        Meta(
            description=(
                "json: text and length. text: the text alone. srt, vtt: captions. verbose_json: segments or words with times. "
                "diarized_json: segments with speakers, where channels are kept apart."
            )
        ),
    ] = "json"
    temperature: Annotated[
        float,
        Meta(ge=0, le=1, description="Accepted for compatibility. Has no effect: the same audio gives the same words."),
    ] = 0.0
    timestamp_granularities: Annotated[
        tuple[Literal["word", "segment"], ...],
        Meta(description="Which of segments and words verbose_json has; segment where it is not given."),
    ] = msgspec.field(default=(), name="timestamp_granularities[]")
    stream: Annotated[
        Literal["false"], Meta(description="Answers come whole; for live transcripts use /v1/stream.")
    ] = "false"
    chunking_strategy: Annotated[
        Literal["auto"], Meta(description="Audio is always cut at pauses, found by voice activity.")
    ] = "auto"
    channels: Annotated[
        Literal["mix", "separate"], Meta(description="separate: every audio channel is a speaker of its own.")
    ] = "mix"
    channel_speakers: Annotated[
        str, Meta(description="Names of the channels' speakers, separated by commas. Needs channels=separate.")
    ] = ""

    def options(self, content_type: str) -> StreamOptions:
        """What the recording's connection is told. Raises a 400 `Problem`."""
        said = {
            name: value for name in ("language", "channels", "channel_speakers") if (value := str(getattr(self, name)))
        }
        return msgspec.structs.replace(stream_options(said, content_type), prompt=self.prompt[-MAX_PROMPT_CHARACTERS:])

    @property
    def with_words(self) -> bool:
        """Whether verbose_json has words."""
        return "word" in self.timestamp_granularities

    @property
    def with_segments(self) -> bool:
        """Whether verbose_json has segments."""
        return "segment" in self.timestamp_granularities or not self.with_words


class TranscriptionForm(TranscriptionFields, frozen=True, kw_only=True):
    """The whole form, for who wants to know what to send."""

    file: Annotated[
        str,
        Meta(
            description="The recording, as a file part with a file name: WebM, MP4, Ogg, FLAC, WAV, MP3 or AAC.",
            min_length=1,
            extra_json_schema={"contentMediaType": "application/octet-stream"},
        ),
    ]


def transcription_fields(form: "MultiDict[str, str]") -> TranscriptionFields:
    """The form's fields. Raises a 400 `Problem` that names the field."""
    hints = get_type_hints(TranscriptionFields, include_extras=True)
    known = {each.encode_name: each for each in msgspec.structs.fields(TranscriptionFields)}
    values: dict[str, Any] = {}
    for name, given in form.lists():
        if name not in known:
            raise invalid(
                name[:80], UNSUPPORTED.get(name, f"is no field of this route; it knows file, {', '.join(known)}")
            )
        kind = hints[known[name].name]
        is_list = name.endswith("[]")
        if len(given) > 1 and not is_list:
            raise invalid(name, "is given more than once")
        values[known[name].name] = _converted(name, given if is_list else given[0], kind)
    if "model" not in values:
        raise invalid("model", "is missing")
    fields = TranscriptionFields(**values)
    if fields.timestamp_granularities and fields.response_format != "verbose_json":
        raise invalid("timestamp_granularities[]", "needs response_format=verbose_json")
    return fields


def _converted(name: str, given: str | list[str], kind: Any) -> Any:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        choices = _choices(kind)
        if not choices:
            raise invalid(name, f"is wrong: {error}") from error
        raise invalid(name, f"must be {' or '.join(choices)}") from error


def _choices(kind: Any) -> tuple[str, ...]:
    """The values that a `Literal` inside `kind` allows."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((found for inner in get_args(kind) if (found := _choices(inner))), ())


def the_file(files: "MultiDict[str, File]") -> File:
    """The form's one file. Raises a 400 `Problem` where there is none, or more."""
    for name, given in files.lists():
        if name != "file":
            raise invalid(name[:80], UNSUPPORTED.get(name, "is no file of this route; it takes one, called file"))
        if len(given) > 1:
            raise invalid("file", "is given more than once")
    if "file" not in files:
        raise invalid("file", "is missing; it must be sent as a file, with a file name")
    return files["file"]
