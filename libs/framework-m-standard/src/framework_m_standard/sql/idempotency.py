"""`SqlIdempotency`: port `IdempotencyProtocol`."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from framework_m_core.spi import RequestContext, StoredResponse
from framework_m_standard.sql.engine.statement import make_parameter
from framework_m_standard.sql.schema.tables import IDEMPOTENCY_SPECS
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlIdempotency"]


class SqlIdempotency:
    """Stored responses by idempotency key."""

    def __init__(self, sql_store: SqlStore) -> None:
        table = sql_store.framework_tables.idempotency
        self._store = sql_store
        key, expires = IDEMPOTENCY_SPECS["key"], IDEMPOTENCY_SPECS["expires"]
        live = table.c.expires > make_parameter(1, table.c.expires.type)
        mine = table.c.key == make_parameter(0, table.c.key.type)
        columns = [table.c[name] for name in IDEMPOTENCY_SPECS]
        self._find = sql_store.framework.compile(sa.select(*columns).where(mine, live), [key, expires])
        over = table.c.expires <= make_parameter(0, table.c.expires.type)
        self._prune = sql_store.framework.compile(sa.delete(table).where(over), [expires])
        self._decode_expires = sql_store.framework.make_decoders(IDEMPOTENCY_SPECS).get("expires")

    async def find(self, context: RequestContext, key: str) -> StoredResponse | None:
        """Return the response stored under a key, unless it has expired."""
        rows = await self._store.driver_for(context).fetch(self._find, (key, context.clock()))
        if not rows:
            return None
        key, body_hash, status, body, etag, location, expires = rows[0]
        expires = self._decode_expires(expires) if self._decode_expires else expires
        return StoredResponse(key, body_hash, status, body.encode(), etag, location, expires)

    async def prune(self, now: datetime) -> int:
        """Delete the expired responses of all tenants and return their number."""
        return sum([await driver.apply(self._prune, (now,)) for driver in self._store.list_drivers()])
