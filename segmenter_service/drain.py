"""The drain: take the lease, move everything contiguous out of the mailbox, cut what is ready, commit, look again.

One pass takes a bounded number of chunks and ends in one commit. Everything that a pass led to in the world (segments, events,
gaps, the account) is durable before its commit and harmless to repeat, so a pass that dies is simply done again.
"""

from typing import Final

import redis

from common.errors import Retryable
from common.events import Event, SpeakersObserved
from common.logs import get_logger
from common.object_names import ConnectionObjects
from common.ports.stream_registry import StreamRecord
from common.push import event_time_ms
from segmenter_service.closing import account, close, flush, open_again, time_to_close, time_to_flush
from segmenter_service.cutter import cut_what_is_ready, show_open_segments
from segmenter_service.decoding import move_anchors
from segmenter_service.erasure import erase
from segmenter_service.feeding import drain_chunk, next_chunk
from segmenter_service.holding import Holding, Surroundings
from segmenter_service.late_chunks import fill_gaps, header_came_late, note_late
from segmenter_service.mail import Item, Mail, drained, field_and_value, read_mail
from segmenter_service.mailbox import Lease, Mailbox, MayWait, Scripts
from segmenter_service.observations import adopt_from_bucket, take_in, take_in_large
from segmenter_service.pcm_window import PcmCache, PcmWindow
from segmenter_service.recovery import forget_what_was_given_up, rebuilt, write_checkpoint
from segmenter_service.relabelling import relabel
from segmenter_service.replaying import NO_STATE, begin_anew
from segmenter_service.resting import MOST_WAITING, rest_of
from segmenter_service.state import ConnectionState, decode_state, encode_state
from segmenter_service.tenant_streams import TenantStreams
from segmenter_service.unannounced import is_quiet, late_in_bucket, unannounced

log = get_logger(__name__)
CHUNKS_A_PASS: Final = 64
PASS_S: Final = 5.0
"""No chunk is begun after so long: what a pass has done counts only once it is committed, and a process may be killed before."""
PUSH_S: Final = 30.0
"""No pass is begun after so long in one push, which has 60 s before it comes again."""
ENDED_MS: Final = 600_000
"""How long the state of a stream that its uploader has ended is kept: what was on its way comes meanwhile, and a day of ended streams would
fill Redis. Whatever comes later finds everything in the bucket, as after a flush."""
CLOSED_MS: Final = 3_600_000
"""The same where it was closed for its silence: its uploader may come back."""
CHECKPOINT_EVERY_SAMPLES: Final = 60 * 16_000


class Drainer:
    """Drains connections of one instance. Safe to call from many threads."""

    def __init__(self, around: Surroundings, client: redis.Redis) -> None:
        self._around = around
        self._redis = client
        self._scripts = Scripts(client)
        self._pcm = PcmCache(around.settings.pcm_cache_mib << 20)
        self._ttl_ms = round(around.settings.hot_state_ttl_sec * 1000)
        self._tenants = TenantStreams(client, around.clock, most=around.settings.tenant_streams, ttl_ms=self._ttl_ms)

    def mailbox(self, tenant: str, connection_id: str) -> Mailbox:
        """The mailbox of a connection."""
        return Mailbox(self._redis, self._scripts, tenant, connection_id, ttl_ms=self._ttl_ms)

    def is_full(self, tenant: str) -> bool:
        """Whether a new stream of this tenant would wait now. Raises `Retryable`."""
        return self._tenants.is_full(tenant)

    def deliver(self, event: Item) -> None:
        """Put an event into its mailbox and drain it, unless somebody else is at it: they will see it before they leave.

        An observation that would lead to nothing yet is left there for whoever comes next (`segmenter_service.resting`).

        Hours of audio that are handed over at once take longer than a push may: the rest is done by the same event, published again.
        """
        mailbox = self.mailbox(event.tenant, event.connection_id)
        lease = mailbox.take(*field_and_value(event, event_time_ms()), _may_wait(event))
        until_s = self._around.clock.monotonic_s() + PUSH_S
        if not self._while_held(event, mailbox, lease, looking=False, until_s=until_s):
            self._around.publisher.publish(event)

    def look_after(self, record: StreamRecord, *, until_s: float) -> bool:
        """Drain a connection, and take in what no event told of where the stream is quiet. What the sweep does.

        False when there was no time for the rest: no pass is begun after `until_s` on the monotonic clock.
        """
        mailbox = self.mailbox(record.tenant, record.connection_id)
        return self._while_held(record, mailbox, mailbox.acquire(), looking=True, until_s=until_s)

    def _while_held(
        self, of: Event | StreamRecord, mailbox: Mailbox, lease: Lease | None, *, looking: bool, until_s: float
    ) -> bool:
        if lease is None:
            return True
        try:
            while not self._pass(of, mailbox, lease, looking=looking):
                if self._around.clock.monotonic_s() >= until_s:
                    lease.abandon()
                    return False
        except BaseException:
            _give_back(lease)
            raise
        return True

    def _pass(self, of: Event | StreamRecord, mailbox: Mailbox, lease: Lease, *, looking: bool) -> bool:
        """One pass. True when the lease has been given back because nothing was left to do."""
        contents = lease.contents()
        state = decode_state(contents.state) if contents.state is not None else None
        mail = read_mail(contents.mail)
        known = self._registered(of, state, mail)
        if known is not None and known.without_audio:
            return self._erase(known, lease, contents.bell)
        if state is None and known is None and not self._tenants.admit(of.tenant, of.connection_id):
            log.warning("stream_waits", tenant=of.tenant, connection_id=of.connection_id)
            return lease.erase(contents.bell)  # its mark in the bucket stays, by which the sweep finds it
        if state is None:
            self._rebuild(of, mailbox, lease, known)
            return False
        if known is not None and state.generation < known.generation:
            begin_anew(lease, state.generation, known.generation)
            return False
        objects = self._objects(of.tenant, of.connection_id, state.generation)
        if header_came_late(state, mail.chunks):
            forget_what_was_given_up(self._around.blobs, objects)
            lease.commit(NO_STATE, (), swept=False)
            return False
        key = (of.tenant, of.connection_id)
        window = self._pcm.get(key)
        if window is None or window.to_sample != state.decoded_samples:
            window = PcmWindow(state.decoded_samples, state.decoded_samples)
        holding = Holding(of.tenant, of.connection_id, objects, lease, state, window, self._around)
        if looking and is_quiet(holding):
            if _deposit_unannounced(holding, mailbox, mail):
                return False
            adopt_from_bucket(holding)
            holding.looked = True
        was_closed, checkpoint_sample = state.closed, state.checkpoint_sample
        if was_closed and known is not None and known.summary is None:
            state.account_due = True  # whoever was to store it has died
        done = _move(holding, mail)
        relabel(holding)
        state.account_due &= state.closed
        goes_on = was_closed and not state.closed
        if goes_on:
            open_again(self._around.streams, of.tenant, of.connection_id)
        if goes_on or state.checkpoint_sample != checkpoint_sample:
            self._tenants.keep(of.tenant, of.connection_id)
        if state.closed:
            self._pcm.forget(key)
        else:
            self._pcm.put(key, holding.window)
        fields = drained(contents.mail, state.next_seq)
        last_ttl_ms = _last_ttl_ms(state)
        if state.account_due:
            if not self._store_account(holding, fields, contents.bell, last_ttl_ms):
                return False
            fields = []
        encoded = encode_state(state)
        if encoded == contents.state and not contents.mail:
            return done and lease.release(contents.bell)
        swept = not state.closed
        if not done:
            lease.commit(encoded, fields, swept=swept, last_ttl_ms=last_ttl_ms)
            return False
        rest = rest_of(state, waits_for_speakers=holding.waits_for_speakers)
        return lease.settle(encoded, fields, contents.bell, swept=swept, rest=rest, last_ttl_ms=last_ttl_ms)

    def _store_account(self, holding: Holding, fields: list[bytes], bell_seen: bytes, last_ttl_ms: int | None) -> bool:
        """Commit, then close the stream: whoever finds the account in the registry finds nothing left to be done here either.

        False where mail came in meanwhile: as long as that is not seen, the registry has the stream as open, and the sweep comes.
        """
        encoded = encode_state(holding.state)
        if not holding.lease.commit(encoded, fields, bell_seen, swept=False, last_ttl_ms=last_ttl_ms):
            return False
        self._around.streams.close(holding.tenant, holding.connection_id, account(holding))
        holding.state.account_due = False
        self._tenants.keep(holding.tenant, holding.connection_id, last_ttl_ms)
        return True

    def _registered(self, of: Event | StreamRecord, state: ConnectionState | None, mail: Mail) -> StreamRecord | None:
        """What the registry says of the stream, where there may be news for its holder; None where it has none, or was not asked."""
        knows_more = isinstance(of, StreamRecord) and (
            of.without_audio or (state and (state.closed or of.generation > state.generation))
        )
        if state is None or mail.asks_registry or knows_more:
            return self._around.streams.get(of.tenant, of.connection_id)
        return None

    def _erase(self, record: StreamRecord, lease: Lease, bell_seen: bytes) -> bool:
        self._pcm.forget((record.tenant, record.connection_id))
        objects = self._objects(record.tenant, record.connection_id, record.generation)
        until_s = self._around.clock.monotonic_s() + PASS_S
        erased = erase(self._around, objects, lease, bell_seen, until_s=until_s)
        if erased:
            self._tenants.forget(record.tenant, record.connection_id)
        return erased

    def _rebuild(self, of: Event | StreamRecord, mailbox: Mailbox, lease: Lease, known: StreamRecord | None) -> None:
        objects = self._objects(of.tenant, of.connection_id, known.generation if known else 0)
        state, uploaded = rebuilt(self._around.blobs, objects, of.meeting_id, self._around.clock.now_ms())
        record = StreamRecord(
            tenant=of.tenant,
            meeting_id=state.meeting_id,
            connection_id=of.connection_id,
            opened_at_ms=state.opened_at_ms,
            options=state.options,
        )
        if known is None:
            self._around.streams.open(record)
        else:
            self._tenants.keep(of.tenant, of.connection_id)
        if known is not None and known.summary is not None:
            open_again(self._around.streams, of.tenant, of.connection_id)
        # What lies in the mailbox of a stream that is not open, nobody would look after.
        mailbox.deposit_all(dict(field_and_value(event) for event in uploaded))
        self._around.meetings.open(of.tenant, state.meeting_id, state.opened_at_ms)
        self._around.blobs.delete(objects.unregistered)
        lease.commit(encode_state(state), (), swept=True)

    def _objects(self, tenant: str, connection_id: str, generation: int) -> ConnectionObjects:
        settings = self._around.settings
        return ConnectionObjects(tenant, connection_id, settings.raw_audio_path, settings.segments_path, generation)


def _deposit_unannounced(holding: Holding, mailbox: Mailbox, mail: Mail) -> bool:
    """Put into the mailbox what no event told of. False where there is nothing of the kind."""
    found = list(unannounced(holding, mail))
    if found:
        log.warning("unannounced_found", items=len(found), next_seq=holding.state.next_seq)
        holding.lease.renew()
        mailbox.deposit_all(dict(field_and_value(item) for item in found))
    return bool(found)


def _move(holding: Holding, mail: Mail) -> bool:
    """Apply the mail to the state. True when nothing is left that could be moved now."""
    state = holding.state
    if mail.end is not None:
        state.last_seq, state.observations_sent = mail.end.last_seq, mail.end.observations
    for observation in mail.observations:
        take_in(holding, observation)
    take_in_large(holding, mail.large_observations)
    for seq in mail.chunks:
        if seq < state.next_seq:
            note_late(holding, seq)
    until_s = holding.around.clock.monotonic_s() + PASS_S
    for _ in range(CHUNKS_A_PASS):
        if holding.around.clock.monotonic_s() >= until_s:
            return False
        chunk = next_chunk(holding, mail.chunks)
        if chunk is None:
            break
        drain_chunk(holding, chunk)
        holding.still_mine()
        cut_what_is_ready(holding)
        move_anchors(holding)
    else:
        return False
    closing = time_to_close(holding)
    if closing:
        for chunk_stored in list(late_in_bucket(holding, mail)):
            note_late(holding, chunk_stored.seq)
        if header_came_late(state, mail.chunks):
            return False
    fill_gaps(holding, closing=closing)
    if closing:
        close(holding)
    else:
        cut_what_is_ready(holding)
        if time_to_flush(holding):
            flush(holding)
        show_open_segments(holding)
    if state.decoded_samples - state.checkpoint_sample >= CHECKPOINT_EVERY_SAMPLES:
        write_checkpoint(holding.around.blobs, holding.objects, state)
    return True


def _last_ttl_ms(state: ConnectionState) -> int | None:
    """How long everything in Redis lives that is kept of a closed stream; None where it lives as usual."""
    if not state.closed:
        return None
    return CLOSED_MS if state.ended_at_ms is None else ENDED_MS


def _may_wait(event: Item) -> MayWait | None:
    if isinstance(event, SpeakersObserved):
        return MayWait(event.clock, event.covered_from_ms, MOST_WAITING)
    return None


def _give_back(lease: Lease) -> None:
    try:
        lease.abandon()
    except Retryable:
        log.warning("lease_left_to_expire")
