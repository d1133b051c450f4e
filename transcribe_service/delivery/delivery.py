"""Delivery put together: its handlers, its sweep and its routes, over what the service stands on."""

from dataclasses import dataclass
from typing import Self

from flask import Blueprint

from common.auth import TokenVerifier
from common.clock import Clock
from common.dead_letters import DeadLetters
from common.events import DeliveriesDue, DeliveryWanted, TranscriptUpdated
from common.health import Drain
from common.ports.delivery_store import DeliveryStore
from common.ports.publisher import Publisher
from common.ports.webhook_store import WebhookStore
from common.push import Handlers
from transcribe_service.delivery.completion import Completion
from transcribe_service.delivery.content import Content
from transcribe_service.delivery.courier import Courier
from transcribe_service.delivery.delivery_sweep import DeliverySweep
from transcribe_service.delivery.given_up import GivenUp
from transcribe_service.delivery.orders import Orders
from transcribe_service.delivery.places import ReceiverPlaces
from transcribe_service.delivery.post import BoundedPoster
from transcribe_service.delivery.receivers import Receivers
from transcribe_service.delivery.senders import EngineSender, WebhookSender
from transcribe_service.delivery.updates import Updates
from transcribe_service.delivery.webhook_health import WebhookHealth
from transcribe_service.delivery.webhook_routes import WebhookDesk, webhooks_blueprint
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.settings import TranscribeSettings


@dataclass(frozen=True)
class Attempts:
    """What takes things to receivers."""

    handlers: Handlers
    sweep: DeliverySweep


@dataclass(frozen=True)
class Delivery:
    """Attempts and the webhooks' own routes, for a process that has one of them or both.

    Both share who is remembered as a receiver, so that a change counts at once in the process where it was made (and in others after
    `receivers.REMEMBERED_S`), and the places, so that messages that only try a webhook count among the attempts of a process.
    """

    settings: TranscribeSettings
    webhooks: WebhookStore
    deliveries: DeliveryStore
    stored: StoredMeetings
    clock: Clock
    receivers: Receivers
    content: Content
    places: ReceiverPlaces
    to_webhooks: WebhookSender

    @classmethod
    def over(
        cls,
        settings: TranscribeSettings,
        *,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
        stored: StoredMeetings,
        clock: Clock,
    ) -> Self:
        """Build what both share."""
        content = Content(stored)
        poster = BoundedPoster(allow_private=settings.webhook_allow_private)
        return cls(
            settings=settings,
            webhooks=webhooks,
            deliveries=deliveries,
            stored=stored,
            clock=clock,
            receivers=Receivers(settings, webhooks, clock),
            content=content,
            places=ReceiverPlaces(settings.delivery_threads, clock),
            to_webhooks=WebhookSender(webhooks, content, poster, clock),
        )

    def attempts(self, *, dead_letters: DeadLetters, publisher: Publisher, drain: Drain) -> Attempts:
        """The handlers of events, and the sweep."""
        settings, clock = self.settings, self.clock
        orders = Orders(self.deliveries, self.receivers, publisher, clock)
        completion = Completion(orders, self.stored, self.stored.streams, clock)
        poster = BoundedPoster(allow_private=True)
        courier = Courier(
            deliveries=self.deliveries,
            engine=EngineSender(settings.engine_api_url, settings.engine_api_token, self.content, poster, clock),
            webhook=self.to_webhooks,
            health=WebhookHealth(self.webhooks, self.receivers, clock),
            given_up=GivenUp(dead_letters, clock),
            places=self.places,
            publisher=publisher,
            clock=clock,
            drain=drain,
        )
        return Attempts(
            handlers={
                TranscriptUpdated: Updates(orders, completion, self.stored.meetings, clock).handle,
                DeliveriesDue: courier.handle,
                DeliveryWanted: courier.want_again,
            },
            sweep=DeliverySweep(self.deliveries, completion, publisher, clock),
        )

    def webhook_routes(self, tokens: TokenVerifier) -> Blueprint:
        """`/v1/webhooks`. The message that tries a webhook is sent by the process that is asked, while it is asked."""
        desk = WebhookDesk(
            self.webhooks,
            self.deliveries,
            self.receivers,
            self.to_webhooks,
            self.places,
            self.clock,
            allow_private=self.settings.webhook_allow_private,
        )
        return webhooks_blueprint(desk, tokens)
