"""Where each object lies in the bucket. Pure; the only place that builds or parses object names.

Names start with a hash of the connection, because Cloud Storage scales by name prefix, and numbers are zero-padded, because
listings come in the order of names. Everything that is kept of one connection lies under one folder of each root:

    {raw}/{hash}/{tenant}/{connection}/stream.json                  what the first chunk said about the connection
    {raw}/{hash}/{tenant}/{connection}/chunks/{seq:08d}             bytes as uploaded
    {raw}/{hash}/{tenant}/{connection}/speakers/{end_ms:014d}-{id}  one observation of speaker activity
    {raw}/{hash}/{tenant}/{connection}/end.json                     the uploader's end of stream
    {raw}/{hash}/{tenant}/{connection}/upload.json                  what a resumable upload is to become; its bytes are the chunks
    {raw}/{hash}/{tenant}/{connection}/quarantine/{id}              what could not be read, with its reason
    {raw}/{hash}/{tenant}/{connection}/faults/{kind}[-{hash}]       what was wrong with an accepted request, and how it was taken
    {raw}/quarantine/{id}                                           pushes that are no readable event
    {raw}/dead-letters/{tenant}/{published_ms:014d}-{hash}          a message that failed too often, with the reason
    {raw}/unregistered/{tenant}/{connection}                        a connection that the segmenter may not know of yet
    {segments}/{hash}/{tenant}/{connection}/final/{channel}/{start_ms:010d}.flac
    {segments}/{hash}/{tenant}/{connection}/provisional/{channel}/{start_ms:010d}.{revision:06d}.flac
    {segments}/{hash}/{tenant}/{connection}/events/{channel}/{start_ms:010d}-{hash}  the event of a final segment, where it is long
    {segments}/{hash}/{tenant}/{connection}/relabelled/{channel}/{start_ms:010d}/{labels:06d}  who spoke in a final segment, known late
    {segments}/{hash}/{tenant}/{connection}/gaps/{from_seq:08d}     chunks that were given up
    {segments}/standing-by/{due_ms:014d}-{hash}                     a segment that may have to be transcribed after all
    {segments}/{hash}/{tenant}/{connection}/checkpoints/{next_seq:08d}
    {segments}/{hash}/{tenant}/{connection}/anchors/{seq:08d}       where decoding can start, for formats with large packets
    {segments}/{hash}/{tenant}/{connection}/g{generation}/…         all of that again, since the connection was replayed from its chunks
"""

import hashlib
import re
from dataclasses import dataclass

from common.errors import Permanent
from common.ids import InvalidId, checked_id

MAX_SEQ = 99_999_999
_LATEST_MS = 10**14 - 1
_DEAD_LETTER_ID = re.compile(r"[0-9]{14}-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class ConnectionObjects:
    """The object names of one connection. `raw_root` and `segments_root` are RAW_AUDIO_PATH and SEGMENTS_PATH.

    What the segmenter makes has names of its own for each `generation` (how often the connection was replayed): who sleeps through a
    replay writes where nobody looks any more.
    """

    tenant: str
    connection_id: str
    raw_root: str = "raw"
    segments_root: str = "segments"
    generation: int = 0

    @property
    def _owner(self) -> str:
        digest = hashlib.sha256(f"{self.tenant}/{self.connection_id}".encode()).hexdigest()
        return f"{digest[:4]}/{self.tenant}/{self.connection_id}"

    @property
    def raw_prefix(self) -> str:
        """Prefix (ending in a slash) of everything that the uploader sent."""
        return f"{self.raw_root}/{self._owner}/"

    @property
    def all_segments_prefix(self) -> str:
        """Prefix (ending in a slash) of everything that the segmenter ever made."""
        return f"{self.segments_root}/{self._owner}/"

    @property
    def segments_prefix(self) -> str:
        """Prefix (ending in a slash) of everything that the segmenter made in this generation, and, of the first, of all later ones."""
        return f"{self.all_segments_prefix}g{self.generation}/" if self.generation else self.all_segments_prefix

    @property
    def stream(self) -> str:
        """The connection's description, written with its first chunk."""
        return f"{self.raw_prefix}stream.json"

    @property
    def unregistered(self) -> str:
        """Says that the segmenter may not know of the connection. Outside its folder, so that one listing finds all of them."""
        return f"{unregistered_prefix(self.raw_root)}{self.tenant}/{self.connection_id}"

    @property
    def end(self) -> str:
        """The uploader's end of stream."""
        return f"{self.raw_prefix}end.json"

    @property
    def upload(self) -> str:
        """What a resumable upload is to become, written before its first byte."""
        return f"{self.raw_prefix}upload.json"

    @property
    def chunks_prefix(self) -> str:
        """Prefix of all chunks; the names below it sort by seq."""
        return f"{self.raw_prefix}chunks/"

    @property
    def speakers_prefix(self) -> str:
        """Prefix of all speaker observations; the names below it sort by the end of what they cover."""
        return f"{self.raw_prefix}speakers/"

    @property
    def checkpoints_prefix(self) -> str:
        """Prefix of the segmenter's checkpoints; the names below it sort by the next seq."""
        return f"{self.segments_prefix}checkpoints/"

    @property
    def gaps_prefix(self) -> str:
        """Prefix of the gaps; the names below it sort by their first seq."""
        return f"{self.segments_prefix}gaps/"

    def chunk(self, seq: int) -> str:
        """Chunk `seq`, 0 to 99,999,999."""
        return f"{self.chunks_prefix}{seq:08d}"

    def speakers(self, covered_to_ms: int, observation_id: str) -> str:
        """One observation, by the end of the window that it covers (on its own clock) and its content's hash."""
        return f"{self.speakers_prefix}{covered_to_ms:014d}-{observation_id}"

    @property
    def quarantine_prefix(self) -> str:
        """Prefix of everything of the connection that could not be read."""
        return f"{self.raw_prefix}quarantine/"

    def quarantine(self, item_id: str) -> str:
        """Something that could not be read; its metadata carries the reason."""
        return f"{self.quarantine_prefix}{item_id}"

    @property
    def faults_prefix(self) -> str:
        """Prefix of everything that was wrong with requests and accepted all the same."""
        return f"{self.raw_prefix}faults/"

    def fault(self, item_id: str) -> str:
        """One such fault; its metadata carries the reason, its content what could not be used."""
        return f"{self.faults_prefix}{item_id}"

    @property
    def finals_prefix(self) -> str:
        """Prefix of the final segments of all channels; the names of one channel sort by start."""
        return f"{self.segments_prefix}final/"

    def final_segment(self, channel: int, start_ms: int) -> str:
        """The audio of a final segment. Creating it is the decision where the segment ends."""
        return f"{self.finals_prefix}{channel}/{start_ms:010d}.flac"

    def segment_event(self, channel: int, start_ms: int, event: bytes) -> str:
        """The event of a final segment, by its content: two writers that decide differently do not meet here."""
        digest = hashlib.sha256(event).hexdigest()[:16]
        return f"{self.segments_prefix}events/{channel}/{start_ms:010d}-{digest}"

    @property
    def relabellings_prefix(self) -> str:
        """Prefix of all that became known late about who spoke in final segments."""
        return f"{self.segments_prefix}relabelled/"

    def relabellings_of(self, channel: int, start_ms: int) -> str:
        """Prefix of what became known late about one final segment; the names below it sort by number."""
        return f"{self.relabellings_prefix}{channel}/{start_ms:010d}/"

    def relabelling(self, channel: int, start_ms: int, labels: int) -> str:
        """Who spoke in a final segment, as it was known for the `labels`-th time."""
        return f"{self.relabellings_of(channel, start_ms)}{labels:06d}"

    def provisional_segment(self, channel: int, start_ms: int, revision: int) -> str:
        """The audio of a provisional revision."""
        return f"{self.segments_prefix}provisional/{channel}/{start_ms:010d}.{revision:06d}.flac"

    def gap(self, from_seq: int) -> str:
        """A range of chunks that did not come before the gap deadline."""
        return f"{self.gaps_prefix}{from_seq:08d}"

    def anchor(self, seq: int) -> str:
        """A reader's state before chunk `seq`, where it is too large for the hot state."""
        return f"{self.segments_prefix}anchors/{seq:08d}"

    def checkpoint(self, next_seq: int) -> str:
        """The segmenter's state before chunk `next_seq`."""
        return f"{self.checkpoints_prefix}{next_seq:08d}"


def quarantined_push(raw_root: str, body: bytes) -> str:
    """A push whose event could not be read: it belongs to no connection that could be trusted."""
    return f"{raw_root}/quarantine/{hashlib.sha256(body).hexdigest()}"


def dead_letter_id(published_ms: int, identity: bytes) -> str:
    """Id of a dead letter: ids sort by when the message was published (epoch); `identity` is what makes two messages the same."""
    return f"{min(max(published_ms, 0), _LATEST_MS):014d}-{hashlib.sha256(identity).hexdigest()[:32]}"


def checked_dead_letter_id(value: str) -> str:
    """Return `value` if it is the id of a dead letter; raise `InvalidId` if not."""
    if not _DEAD_LETTER_ID.fullmatch(value):
        raise InvalidId("id", "is not the id of a dead letter: 14 digits, a hyphen, 32 hexadecimal digits")
    return value


def dead_letters_prefix(raw_root: str, tenant: str) -> str:
    """Prefix of a tenant's dead letters; the names below it are their ids."""
    return f"{raw_root}/dead-letters/{tenant}/"


def dead_letter(raw_root: str, tenant: str, letter_id: str) -> str:
    """One dead letter; its metadata carries the reason."""
    return f"{dead_letters_prefix(raw_root, tenant)}{letter_id}"


def standing_by_prefix(segments_root: str) -> str:
    """Prefix of what stands for segments that may have to be transcribed after all; the names below it sort by when they are due."""
    return f"{segments_root}/standing-by/"


def standing_by(segments_root: str, due_ms: int, identity: str) -> str:
    """One such segment, to be looked at from `due_ms` (epoch) on; `identity` tells it from others."""
    digest = hashlib.sha256(identity.encode()).hexdigest()[:32]
    return f"{standing_by_prefix(segments_root)}{min(max(due_ms, 0), _LATEST_MS):014d}-{digest}"


def standing_by_due_ms(name: str) -> int:
    """When the segment of a name below `standing_by_prefix` is due. Raises `Permanent` when it is not one."""
    due_ms = name.rpartition("/")[2].partition("-")[0]
    if len(due_ms) != 14 or not (due_ms.isascii() and due_ms.isdecimal()):
        raise Permanent("object name is not that of a segment that stands by", reason="invalid_object_name")
    return int(due_ms)


def unregistered_prefix(raw_root: str) -> str:
    """Prefix of what stands for the connections that the segmenter may not know of yet."""
    return f"{raw_root}/unregistered/"


def unregistered_connection(name: str) -> tuple[str, str]:
    """`(tenant, connection_id)` of a name below `unregistered_prefix`. Raises `Permanent` when it is not one."""
    parts = name.split("/")
    if len(parts) < 4 or parts[-3] != "unregistered":
        raise Permanent("object name is not that of an unregistered connection", reason="invalid_object_name")
    return checked_id(parts[-2], "tenant"), checked_id(parts[-1], "connection_id")


def channel_and_start_of(final_name: str) -> tuple[int, int]:
    """`(channel, start_ms)` of a final segment's name. Raises `Permanent` when it is not one."""
    folder, _, tail = final_name.rpartition("/")
    channel, start_ms = folder.rpartition("/")[2], tail.removesuffix(".flac")
    if not (channel.isdecimal() and start_ms.isdecimal()):
        raise Permanent("object name is not that of a final segment", reason="invalid_object_name")
    return int(channel), int(start_ms)


def relabelling_of(name: str) -> tuple[int, int, int]:
    """`(channel, start_ms, labels)` of a relabelling's name. Raises `Permanent` when it is not one."""
    parts = name.split("/")
    if len(parts) < 4 or parts[-4] != "relabelled" or not all(part.isdecimal() for part in parts[-3:]):
        raise Permanent("object name is not that of a relabelling", reason="invalid_object_name")
    return int(parts[-3]), int(parts[-2]), int(parts[-1])


def seq_of(name: str) -> int:
    """The seq at the end of a chunk's, gap's or checkpoint's name. Raises `Permanent` when there is none."""
    tail = name.rsplit("/", 1)[-1]
    if len(tail) != 8 or not (tail.isascii() and tail.isdecimal()):
        raise Permanent("object name does not end in a seq of 8 digits", reason="invalid_object_name")
    return int(tail)


def connection_of(stream_name: str) -> tuple[str, str]:
    """`(tenant, connection_id)` of a `stream.json` name. Raises `Permanent` when it is not one."""
    parts = stream_name.split("/")
    if len(parts) < 4 or parts[-1] != "stream.json":
        raise Permanent("object name is not a stream.json", reason="invalid_object_name")
    return checked_id(parts[-3], "tenant"), checked_id(parts[-2], "connection_id")
