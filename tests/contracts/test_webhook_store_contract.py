"""What every webhook store promises."""

from concurrent.futures import ThreadPoolExecutor

import msgspec

from common.ports.webhook_store import Webhook, WebhookStore

WEBHOOK = Webhook(
    tenant="acme",
    webhook_id="wh_1",
    url="https://example.org/höök?a=b",
    events=("transcript.segment", "meeting.completed"),
    provisional=True,
    created_at_ms=1000,
    secret="whsec_AAAA",
    previous_secret="whsec_BBBB",
    previous_until_ms=5,
    failing_since_ms=7,
    given_up=2,
)


def test_a_webhook_is_kept_whole_and_stays_as_it_was_created_first(webhooks: WebhookStore) -> None:
    webhooks.create(WEBHOOK)
    webhooks.create(msgspec.structs.replace(WEBHOOK, url="https://example.org/other"))
    assert webhooks.get("acme", "wh_1") == WEBHOOK
    assert webhooks.get("acme", "wh_2") is None
    assert webhooks.get("other", "wh_1") is None


def test_a_tenant_s_webhooks_come_in_the_order_in_which_they_were_created(webhooks: WebhookStore) -> None:
    for webhook_id, created_at_ms, tenant in (("a", 3, "acme"), ("c", 2, "acme"), ("b", 2, "acme"), ("d", 1, "other")):
        webhooks.create(
            msgspec.structs.replace(WEBHOOK, webhook_id=webhook_id, created_at_ms=created_at_ms, tenant=tenant)
        )
    assert [each.webhook_id for each in webhooks.of_tenant("acme")] == ["b", "c", "a"]
    assert webhooks.of_tenant("nobody") == []


def test_no_change_is_lost_among_writers(webhooks: WebhookStore) -> None:
    webhooks.create(msgspec.structs.replace(WEBHOOK, given_up=0))

    def count(_: int) -> None:
        webhooks.change("acme", "wh_1", lambda each: msgspec.structs.replace(each, given_up=each.given_up + 1))

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(count, range(4)))
    found = webhooks.get("acme", "wh_1")
    assert found is not None
    assert found.given_up == 4


def test_what_is_not_there_is_not_changed_and_a_deleted_one_is_gone(webhooks: WebhookStore) -> None:
    assert webhooks.change("acme", "wh_1", lambda each: each) is None
    webhooks.create(WEBHOOK)
    webhooks.delete("acme", "wh_1")
    webhooks.delete("acme", "wh_1")
    assert webhooks.get("acme", "wh_1") is None
    assert webhooks.of_tenant("acme") == []


def test_it_can_be_reached(webhooks: WebhookStore) -> None:
    webhooks.check()
