"""`/push/dead-letters`: one last try with a service's ordinary handlers; what fails again is kept, with the reason of this failure.

Pub/Sub moves a message that failed too often to a dead-letter topic and does not say why. This try does.
"""

from collections.abc import Callable
from typing import Any

from common.clock import Clock
from common.dead_letters import DeadLetters, as_dead_letter, reason_of
from common.errors import Backpressure, Permanent, Retryable
from common.events import Event
from common.logs import get_logger
from common.push import Handlers, event_time_ms, pushed_in_hand
from common.trace import record_error

log = get_logger(__name__)


def last_tries(handlers: Handlers, dead_letters: DeadLetters, clock: Clock) -> Handlers:
    """Handlers for `push_blueprint`'s `dead_letters`.

    They return when the event is handled, or durably kept; `Permanent` goes on to quarantine as ever. They raise `Retryable`
    when it can't be kept, so that the message comes again.
    """

    def last_try(handle: Callable[[Any], None]) -> Callable[[Event], None]:
        def handle_or_keep(event: Event) -> None:
            try:
                handle(event)
            except (Retryable, Backpressure) as error:
                _keep(event, error)
            except Permanent:
                raise
            except Exception as error:
                log.exception("push_failed", error_type=type(error).__name__)
                _keep(event, error)
            else:
                log.info("dead_letter_healed", event_type=event.TYPE)

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
        record_error(error)
        letter_id = dead_letters.keep(event, letter, error, published_ms=event_time_ms() or 0)
        log.error("dead_letter", letter_id=letter_id, event_type=event.TYPE, reason=reason_of(error))

    return {event_type: last_try(handle) for event_type, handle in handlers.items()}
