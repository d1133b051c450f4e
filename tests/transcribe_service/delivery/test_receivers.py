from msgspec.structs import replace

from tests.clocks import FakeClock
from tests.memory_ports import FakeWebhooks
from tests.transcribe_service.delivery.orders_of_tests import webhook
from tests.transcribe_service.fakes import settings
from transcribe_service.delivery.receivers import COMPLETED, ENGINE, REMEMBERED_S, SEGMENT, Receivers


def ids(receivers: Receivers, tenant: str = "default") -> list[str]:
    return [each.receiver_id for each in receivers.of(tenant)]


def test_what_others_change_is_seen_after_a_few_seconds_and_what_is_changed_here_at_once() -> None:
    webhooks, clock = FakeWebhooks(), FakeClock()
    receivers = Receivers(settings(), webhooks, clock)
    assert ids(receivers) == []
    webhooks.create(webhook())
    assert ids(receivers) == []
    receivers.forget("default")
    assert ids(receivers) == ["wh_1"]
    webhooks.delete("default", "wh_1")
    clock.advance(REMEMBERED_S)
    assert ids(receivers) == []


def test_the_store_is_asked_once_for_many_updates() -> None:
    webhooks, clock = FakeWebhooks(webhook()), FakeClock()
    receivers = Receivers(settings(), webhooks, clock)
    assert ids(receivers) == ["wh_1"]
    webhooks.faults.before.append(AssertionError("asked again"))
    assert ids(receivers) == ["wh_1"]


def test_each_wants_what_it_asked_for() -> None:
    webhooks = FakeWebhooks(
        webhook("all", provisional=True),
        webhook("ends", events=(COMPLETED,)),
        webhook("off", enabled=False),
        webhook("theirs", tenant="other"),
    )
    said = replace(settings(), engine_api_url="http://engine", engine_tenants=" default ,")
    receivers = Receivers(said, webhooks, FakeClock())
    wanting = {
        (kind, final): [each.receiver_id for each in receivers.of("default") if each.wants(kind, final=final)]
        for kind, final in ((SEGMENT, True), (SEGMENT, False), (COMPLETED, True))
    }
    assert wanting == {
        (SEGMENT, True): [ENGINE, "all"],
        (SEGMENT, False): [ENGINE, "all"],
        (COMPLETED, True): ["all", "ends"],
    }
    assert ids(receivers, "other") == ["theirs"]
