"""`/push/dead-letters`: one last try with a service's ordinary handlers; what fails again is kept, with the reason of this failure.

Pub/Sub moves a message that failed too often to a dead-letter topic and does not say why. This try does.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from common.clock import Clock
from common.dead_letters import DeadLetters, Origin, as_dead_letter, reason_of, source_subscription
from common.errors import Backpressure, Permanent, Retryable
from common.events import Event
from common.logs import get_logger
from common.push import Handlers, Pushed, RawHandler, event_time_ms, first_published_ms, pushed_in_hand
from common.trace import record_error

log = get_logger(__name__)


class RawSource(RawHandler, Protocol):
    """A raw handler whose messages may become dead letters."""

    @property
    def topic(self) -> str:
        """Where its messages are published, without the installation's prefix; its subscription bears the same name."""
        ...

    def origin(self, pushed: Pushed) -> Origin:
        """What a message is about. Raises `Permanent` for what it could never handle."""
        ...


def last_tries(handlers: Handlers, dead_letters: DeadLetters, clock: Clock) -> Handlers:
    """Handlers for `push_blueprint`'s `dead_letters`.

    They return when the event is handled, or durably kept; `Permanent` goes on to quarantine as ever. They raise `Retryable`
    when it can't be kept, so that the message comes again.
    """

    def last_try(handle: Callable[[Any], None]) -> Callable[[Event], None]:
        def handle_or_keep(event: Event) -> None:
            _try(lambda: handle(event), lambda error: _keep(event, error), event.TYPE)

        return handle_or_keep

    def _keep(event: Event, error: Exception) -> None:
        pushed = pushed_in_hand()
        if pushed is None:
            raise RuntimeError("a dead letter comes by push") from error
        letter = as_dead_letter(
            pushed.message,
            message_id=pushed.message_id,
            subscription=pushed.subscription,
            died_at_ms=clock.now_ms(),
        )
        letter_id = dead_letters.keep(event, letter, error, published_ms=event_time_ms() or 0)
        log.error("dead_letter", letter_id=letter_id, event_type=event.TYPE, reason=reason_of(error))

    return {event_type: last_try(handle) for event_type, handle in handlers.items()}


class RawLastTry:
    """The last try for messages that are no events of ours: a `RawHandler` for `/push/dead-letters` that stands for several."""

    def __init__(self, sources: Sequence[RawSource], dead_letters: DeadLetters, clock: Clock) -> None:
        self._sources = sources
        self._dead_letters = dead_letters
        self._clock = clock
        self.attributes: Collection[str] = frozenset(name for source in sources for name in source.attributes)

    def handle(self, pushed: Pushed) -> None:
        """As `last_tries`. Raises `Permanent` also where the message does not say where it comes from and none of the handlers knows it."""
        source, origin = self._source_of(pushed)
        _try(
            lambda: source.handle(pushed),
            lambda error: self._keep(pushed, source.topic, origin, error),
            source.topic,
        )

    def _source_of(self, pushed: Pushed) -> tuple[RawSource, Origin]:
        subscription = source_subscription(pushed.message)
        named = [source for source in self._sources if subscription.endswith(source.topic)]
        failed: Permanent | None = None
        for source in named or self._sources:
            try:
                return source, source.origin(pushed)
            except Permanent as error:
                failed = failed or error
        raise failed or Permanent("nothing is known about this message", reason="unknown_origin")

    def _keep(self, pushed: Pushed, topic: str, origin: Origin, error: Exception) -> None:
        letter = as_dead_letter(
            pushed.message,
            message_id=pushed.message_id,
            subscription=pushed.subscription,
            died_at_ms=self._clock.now_ms(),
            topic=topic,
        )
        letter_id = self._dead_letters.keep_message(origin, letter, error, published_ms=first_published_ms(pushed) or 0)
        log.error("dead_letter", letter_id=letter_id, event_type=origin.type, reason=reason_of(error))


def _try(handle: Callable[[], None], keep: Callable[[Exception], None], what: str) -> None:
    try:
        handle()
    except (Retryable, Backpressure) as error:
        record_error(error)
        keep(error)
    except Permanent:
        raise
    except Exception as error:
        log.exception("push_failed", error_type=type(error).__name__)
        record_error(error)
        keep(error)
    else:
        log.info("dead_letter_healed", event_type=what)
