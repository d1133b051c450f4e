"""What the commands that send recordings have in common: what can be said about a recording."""

import argparse
from datetime import datetime

from turnscribe.upload_identity import UploadOptions


class BadUsage(Exception):
    """Options that don't fit together. The message is for a person."""


def epoch_ms(text: str) -> int:
    """An option's time in ISO 8601 as milliseconds since the epoch; local time without an offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2025-07-01T09:00:00+02:00") from error
    return round(at.timestamp() * 1000)


def add_recording_options(command: argparse.ArgumentParser) -> None:
    """`--language`, `--source`, `--started-at`, `--channels`, `--channel-speakers`, `--content-type` and what a connection is."""
    command.add_argument(
        "--language", default="", metavar="CODE", help="spoken language, such as en (default: detected)"
    )
    command.add_argument("--source", default="", metavar="NAME", help="where it was recorded, such as zoom")
    command.add_argument(
        "--started-at",
        type=epoch_ms,
        metavar="TIME",
        help="when the recording began (ISO 8601; local time without an offset)",
    )
    command.add_argument(
        "--channels", choices=("mix", "separate"), default="mix", help="separate: each audio channel is one speaker"
    )
    command.add_argument("--channel-speakers", default="", metavar="A,B", help="the names of the channels' speakers")
    add_connection_options(command)
    command.add_argument(
        "--content-type",
        default="",
        metavar="TYPE",
        help="of samples without a header: audio/pcm;rate=16000;channels=1",
    )


def add_connection_options(command: argparse.ArgumentParser) -> None:
    """`--connections` and `--participant`: what a connection is among those of its meeting."""
    command.add_argument(
        "--connections",
        choices=("shared", "per_participant"),
        default="shared",
        help="what the meeting's recordings are: each hears all of it (default), or each is one person's own audio",
    )
    command.add_argument("--participant", default="", metavar="NAME", help="who is at this one")


def recording_options(chosen: argparse.Namespace) -> UploadOptions:
    """What these options say. Raises `BadUsage`."""
    if chosen.channel_speakers and chosen.channels != "separate":
        raise BadUsage("--channel-speakers needs --channels separate")
    return UploadOptions(
        content_type=chosen.content_type,
        source=chosen.source,
        language=chosen.language,
        channels=chosen.channels,
        channel_speakers=tuple(chosen.channel_speakers.split(",")) if chosen.channel_speakers else (),
        started_at_ms=chosen.started_at,
        connections=chosen.connections,
        participant=chosen.participant,
    )
