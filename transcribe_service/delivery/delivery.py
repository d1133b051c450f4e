"""Delivery put together: its handlers, its sweep and its routes, over what the service stands on."""

from dataclasses import dataclass

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
class Delivery:
    """What the application takes from here."""

    handlers: Handlers
    sweep: DeliverySweep
    routes: Blueprint


def delivery(
    settings: TranscribeSettings,
    *,
    webhooks: WebhookStore,
    deliveries: DeliveryStore,
    stored: StoredMeetings,
    dead_letters: DeadLetters,
    publisher: Publisher,
    tokens: TokenVerifier,
    clock: Clock,
    drain: Drain,
) -> Delivery:
    """Build it."""
    receivers = Receivers(settings, webhooks, clock)
    orders = Orders(deliveries, receivers, publisher, clock)
    completion = Completion(orders, stored, stored.streams, clock)
    content = Content(stored)
    places = ReceiverPlaces(settings.delivery_threads, clock)
    to_webhooks = WebhookSender(webhooks, content, BoundedPoster(allow_private=settings.webhook_allow_private), clock)
    courier = Courier(
        deliveries=deliveries,
        engine=EngineSender(
            settings.engine_api_url, settings.engine_api_token, content, BoundedPoster(allow_private=True), clock
        ),
        webhook=to_webhooks,
        health=WebhookHealth(webhooks, receivers, clock),
        given_up=GivenUp(dead_letters, clock),
        places=places,
        publisher=publisher,
        clock=clock,
        drain=drain,
    )
    desk = WebhookDesk(
        webhooks, deliveries, receivers, to_webhooks, places, clock, allow_private=settings.webhook_allow_private
    )
    return Delivery(
        handlers={
            TranscriptUpdated: Updates(orders, completion, stored.meetings, clock).handle,
            DeliveriesDue: courier.handle,
            DeliveryWanted: courier.want_again,
        },
        sweep=DeliverySweep(deliveries, completion, publisher, clock),
        routes=webhooks_blueprint(desk, tokens),
    )
