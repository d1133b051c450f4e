"""Tenants' tokens."""

from common.ports.token_store import TokenRecord, TokenStore
from tests.memory_ports.faults import Faults


class FakeTokens(TokenStore):
    def __init__(self, *records: TokenRecord) -> None:
        self.records = {each.token_hash: each for each in records}
        self.asked: list[str] = []
        self.faults = Faults()

    def put(self, record: TokenRecord) -> None:
        self.faults.strike_before()
        self.records[record.token_hash] = record
        self.faults.strike_after()

    def by_hash(self, token_hash: str) -> TokenRecord | None:
        self.asked.append(token_hash)
        self.faults.strike_before()
        return self.records.get(token_hash)

    def by_id(self, tenant: str, token_id: str) -> TokenRecord | None:
        return next((each for each in self.of_tenant(tenant) if each.token_id == token_id), None)

    def of_tenant(self, tenant: str) -> list[TokenRecord]:
        self.faults.strike_before()
        own = [each for each in self.records.values() if each.tenant == tenant]
        return sorted(own, key=lambda each: (each.created_at_ms, each.token_id))

    def of_user(self, tenant: str, user_id: str) -> list[TokenRecord]:
        return [each for each in self.of_tenant(tenant) if each.user_id == user_id]

    def check(self) -> None:
        self.faults.strike_before()
