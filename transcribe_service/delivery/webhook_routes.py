"""`/v1/webhooks`: make webhooks, see, change, try and delete them. Routes only translate; `webhooks` decides.

A secret is in one answer alone, and in no log.
"""

import secrets
import socket
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
from flask import Blueprint, Response, request

from common.auth import TokenVerifier, principal, require_bearer
from common.clock import Clock
from common.errors import Backpressure
from common.json_input import UNREADABLE_JSON, decoded_json
from common.limited_body import limited_body
from common.openapi.described import Answer, Parameter, described, json_answer, json_body, named
from common.ports.delivery_store import DeliveryStore
from common.ports.token_store import Scope
from common.ports.webhook_store import Webhook, WebhookStore
from common.problems import Problem
from transcribe_service.delivery.addresses import Lookup
from transcribe_service.delivery.places import Entry, ReceiverPlaces
from transcribe_service.delivery.receivers import Receivers
from transcribe_service.delivery.senders import WebhookSender
from transcribe_service.delivery.signatures import new_secret
from transcribe_service.delivery.webhook_messages import MESSAGES, ping_body
from transcribe_service.delivery.webhooks import (
    NewWebhook,
    PingResult,
    ShownWebhook,
    WebhookList,
    WebhookPatch,
    WebhookWithSecret,
    create,
    patched,
    refuse_url,
    shown,
    shown_with_secret,
    with_new_secret,
)

MAX_BODY_BYTES: Final = 16 * 1024
ID_BYTES: Final = 8
WEBHOOK: Final = named(Parameter("webhook_id", str, "The webhook's id, which is no secret.", where="path"))
_ADMIN: Final = (Scope.ADMIN,)
T = TypeVar("T")


@dataclass(frozen=True)
class WebhookDesk:
    """What the routes stand on."""

    webhooks: WebhookStore
    deliveries: DeliveryStore
    receivers: Receivers
    sender: WebhookSender
    places: ReceiverPlaces
    clock: Clock
    allow_private: bool
    lookup: Lookup = socket.getaddrinfo


def webhooks_blueprint(desk: WebhookDesk, tokens: TokenVerifier) -> Blueprint:
    """Everything below `/v1/webhooks`, for bearers of a token with the scope admin."""
    routes = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks")
    routes.before_request(require_bearer(tokens, Scope.ADMIN))

    @routes.post("")
    @described(
        "Have a tenant's transcripts sent somewhere",
        description="What is sent, and how it is signed: docs/delivery.md.",
        body=json_body(NewWebhook),
        answers={201: json_answer(WebhookWithSecret, "The only answer that has this secret.")},
        problems=(409, 413),
        scopes=_ADMIN,
        components=MESSAGES,
    )
    def create_webhook() -> Response:
        wanted = _body(NewWebhook)
        refuse_url(wanted.url, allow_private=desk.allow_private, lookup=desk.lookup)
        webhook = create(
            desk.webhooks,
            principal().tenant,
            wanted,
            webhook_id=f"wh_{secrets.token_hex(ID_BYTES)}",
            secret=new_secret(secrets.token_bytes),
            now_ms=desk.clock.now_ms(),
        )
        desk.receivers.forget(webhook.tenant)
        return _json(shown_with_secret(webhook), 201)

    @routes.get("")
    @described(
        "A tenant's webhooks",
        answers={200: json_answer(WebhookList, "In the order in which they were made, without their secrets.")},
        scopes=_ADMIN,
    )
    def list_webhooks() -> Response:
        return _json(WebhookList(tuple(map(shown, desk.webhooks.of_tenant(principal().tenant)))))

    @routes.get("/<webhook_id>")
    @described(
        "One webhook",
        parameters=WEBHOOK,
        answers={200: json_answer(ShownWebhook, "Without its secret.")},
        scopes=_ADMIN,
    )
    def show(webhook_id: str) -> Response:
        return _json(shown(_found(webhook_id)))

    @routes.patch("/<webhook_id>")
    @described(
        "Change a webhook",
        description="Enabled again, it begins anew; what it has missed lies among the dead letters.",
        parameters=WEBHOOK,
        body=json_body(WebhookPatch),
        answers={200: json_answer(ShownWebhook, "As it is now.")},
        problems=(413,),
        scopes=_ADMIN,
    )
    def change(webhook_id: str) -> Response:
        patch = _body(WebhookPatch)
        if isinstance(patch.url, str):
            refuse_url(patch.url, allow_private=desk.allow_private, lookup=desk.lookup)
        changed = _known(desk.webhooks.change(principal().tenant, webhook_id, lambda found: patched(found, patch)))
        desk.receivers.forget(changed.tenant)
        return _json(shown(changed))

    @routes.post("/<webhook_id>/secret")
    @described(
        "Give a webhook a new secret",
        description="For a day, messages are signed with both: change the receiver's within it.",
        parameters=WEBHOOK,
        answers={200: json_answer(WebhookWithSecret, "The only answer that has this secret.")},
        scopes=_ADMIN,
    )
    def rotate(webhook_id: str) -> Response:
        secret, now_ms = new_secret(secrets.token_bytes), desk.clock.now_ms()
        changed = desk.webhooks.change(
            principal().tenant, webhook_id, lambda found: with_new_secret(found, secret, now_ms)
        )
        return _json(shown_with_secret(_known(changed)))

    @routes.delete("/<webhook_id>")
    @described(
        "Delete a webhook",
        description="With everything that it waits for.",
        parameters=WEBHOOK,
        answers={204: Answer("It gets nothing more.")},
        scopes=_ADMIN,
    )
    def delete(webhook_id: str) -> Response:
        webhook = _found(webhook_id)
        desk.webhooks.delete(webhook.tenant, webhook_id)
        desk.receivers.forget(webhook.tenant)
        desk.deliveries.forget_receiver(webhook.tenant, webhook_id)
        return Response(status=204)

    @routes.post("/<webhook_id>/test")
    @described(
        "Try a webhook",
        description="Sends a message of type `ping`, once, and waits for what becomes of it; also where the webhook is not enabled.",
        parameters=WEBHOOK,
        answers={200: json_answer(PingResult, "How it ended.")},
        problems=(429,),
        scopes=_ADMIN,
    )
    def ping(webhook_id: str) -> Response:
        webhook = _found(webhook_id)
        now_ms = desk.clock.now_ms()
        receiver = webhook.tenant, f"ping {webhook_id}"
        if desk.places.enter(receiver) is not Entry.TAKEN:
            raise Backpressure("Too many attempts are being made already.", reason="deliveries_busy", retry_after_s=5)
        try:
            message_id = f"msg_{secrets.token_hex(16)}"
            outcome = desk.sender.send(webhook, message_id, ping_body(webhook_id, now_ms))
        finally:
            desk.places.leave_anyway(receiver)
        return _json(PingResult(delivered=outcome.kind == "delivered", reason=outcome.reason))

    def _found(webhook_id: str) -> Webhook:
        return _known(desk.webhooks.get(principal().tenant, webhook_id))

    return routes


def _known(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise Problem(404, "unknown-webhook", "There is no webhook with this id.")
    return webhook


def _body(kind: type[T]) -> T:
    body = limited_body(request, MAX_BODY_BYTES)
    try:
        return decoded_json(body, kind)
    except UNREADABLE_JSON as error:
        raise Problem(400, "invalid-body", f"The body is no such JSON: {error}") from error


def _json(document: ShownWebhook | WebhookList | PingResult, status: int = 200) -> Response:
    response = Response(msgspec.json.encode(document), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
