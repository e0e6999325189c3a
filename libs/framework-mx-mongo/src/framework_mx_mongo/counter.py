"""`MongoCounter`: port `CounterProtocol`."""

from __future__ import annotations

from framework_m_core.spi import RequestContext, retry
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.operations import increase_in
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoCounter"]


class MongoCounter:
    """Counters, each increased by one atomic operation."""

    def __init__(self, mongo_store: MongoStore) -> None:
        self._store = mongo_store

    async def allocate(self, context: RequestContext, prefix: str, n: int = 1) -> int:
        """Reserve `n` numbers and return the first."""
        counters = self._store.driver_for(context).get_collection("m_counter")

        async def increase() -> int:
            with translate_errors():
                return await increase_in(counters, prefix, "value", n)

        return await retry(increase) - n + 1
