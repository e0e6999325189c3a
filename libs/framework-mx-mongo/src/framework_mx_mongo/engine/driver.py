"""`MongoDriver`: the client and the database that all adapters of a process share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern

from framework_m_core.spi import ConfigurationError, IntegrityError, TransientError, retry, run_shielded
from framework_mx_mongo.engine.error_translation import AWAY, translate_errors
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.settings import MongoSettings

__all__ = ["BsonDocument", "MongoDriver"]

type BsonDocument = dict[str, Any]

_OPTIONS: CodecOptions[BsonDocument] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
_MAJORITY = WriteConcern("majority", j=True)


class MongoDriver:
    """A client of one database, open from `open` to `close`, on one event loop.

    Everything is read from the primary and written to the journals of the majority, whatever the address says, so that
    what was acknowledged survives a failover and is read back.
    """

    def __init__(self, settings: MongoSettings) -> None:
        self._settings = settings
        self._client: AsyncMongoClient[BsonDocument] | None = None

    def __repr__(self) -> str:
        return f"<MongoDriver of {self._settings.database!r}>"

    @property
    def sync_schema(self) -> bool | None:
        """The setting `[mongo] sync_schema`."""
        return self._settings.sync_schema

    @property
    def heavy_reads(self) -> int:
        """The number of heavy reads that leave connections for all others."""
        return max(1, self._settings.pool_size // 2)

    async def open(self) -> None:
        """Connect. Raises TransientError if no server responds, ConfigurationError if it has no transactions."""
        settings = self._settings
        milliseconds = int(settings.connect_timeout_seconds * 1000)
        self._client = AsyncMongoClient(
            settings.url,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            socketTimeoutMS=int(settings.statement_timeout_seconds * 1000),
            maxPoolSize=settings.pool_size,
            appname="framework-m",
        )
        try:
            with translate_errors():
                hello = await self._client.admin.command("hello")
        except BaseException:
            await self.close()
            raise
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            await self.close()
            raise ConfigurationError(
                "expected a MongoDB replica set or sharded cluster, got a standalone server, which has no "
                "transactions: start it with --replSet and run rs.initiate()"
            )

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ping(self) -> None:
        """Raise an error while the server does not respond."""
        with translate_errors():
            await self._connected.admin.command("ping")

    @property
    def database(self) -> AsyncDatabase[BsonDocument]:
        """The database of the app."""
        return self._connected.get_database(
            self._settings.database, _OPTIONS, ReadPreference.PRIMARY, _MAJORITY, ReadConcern("majority")
        )

    def get_collection(self, name: str) -> AsyncCollection[BsonDocument]:
        """Return a collection of the database."""
        return self.database[name]

    async def begin(self) -> Transaction:
        """Begin a transaction, whose snapshot is that of its first operation."""
        session = self._connected.start_session()
        await session.start_transaction(ReadConcern("snapshot"), _MAJORITY, ReadPreference.PRIMARY)
        return Transaction(self.database, session)

    async def within[R](self, work: Callable[[Transaction], Awaitable[R]]) -> R:
        """Do work in one transaction, again after a conflict; two that insert the same id at once conflict, too."""
        return await retry(lambda: self._once(work), TransientError, IntegrityError)

    async def _once[R](self, work: Callable[[Transaction], Awaitable[R]]) -> R:
        transaction = await self.begin()
        try:
            result = await work(transaction)
        except BaseException:
            await run_shielded(transaction.rollback())
            raise
        await run_shielded(transaction.commit())
        return result

    @property
    def _connected(self) -> AsyncMongoClient[BsonDocument]:
        if self._client is None:
            raise TransientError(AWAY)
        return self._client
