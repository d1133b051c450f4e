"""`turnscribe retranscribe MEETING`: its segments are transcribed once more, and shown once all of them are."""

import argparse
import json
import time

import msgspec

from turnscribe.client import Client
from turnscribe.commands.command import EXIT_FAILED, Commands, server_options, with_client
from turnscribe.meeting_schema import Retranscription
from turnscribe.meetings import finished


def add(commands: Commands) -> None:
    """The command and its options."""
    command = commands.add_parser(
        "retranscribe",
        parents=[server_options()],
        help="transcribe a meeting's segments once more",
        description="With another model or in another language. The transcript that is there stays until the new one is complete.",
        epilog="Exit status: 0 it has begun, with --wait: it is shown; 1 something failed, 2 bad usage.",
    )
    command.add_argument("meeting", metavar="MEETING")
    command.add_argument("--model", default="", help="as the Whisper server calls it")
    command.add_argument("--language", default="", metavar="CODE", help="e.g. de")
    command.add_argument("--vocabulary", default="", metavar="A,B", help="names and terms to expect")
    command.add_argument("--wait", action="store_true", help="until it is what readers see")
    command.set_defaults(run=with_client(_retranscribe))


def _retranscribe(client: Client, chosen: argparse.Namespace) -> int:
    vocabulary = tuple(term.strip() for term in chosen.vocabulary.split(",") if term.strip())
    begun = client.meetings.retranscribe(
        chosen.meeting, model=chosen.model, language=chosen.language, vocabulary=vocabulary
    )
    done = begun
    if chosen.wait:
        done = finished(lambda: client.meetings.retranscription(chosen.meeting, begun.take), time.sleep)
    print(json.dumps(msgspec.to_builtins(done), ensure_ascii=False) if chosen.json else as_line(done))
    return EXIT_FAILED if done.state == "failed" else 0


def as_line(retranscription: Retranscription) -> str:
    """What is said of it. Pure."""
    named = f"{retranscription.meeting_id}: transcription {retranscription.take}"
    if retranscription.state == "complete":
        return f"{named} is what readers see, {retranscription.segments} segments."
    if retranscription.state == "failed":
        return f"{named} failed ({retranscription.reason}); the one before stays."
    return f"{named} is under way, {retranscription.segments} of {retranscription.segments_expected} segments."
