"""A contender: a server, its database, and who may ask it what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from benchmarks.dataset import Order
from benchmarks.load.plan import Plan, Principal
from benchmarks.server import Server
from benchmarks.stores.postgres import PostgresDatabase
from benchmarks.stores.sqlite import SqliteDatabase
from benchmarks.works import Work

__all__ = ["Contender", "Database", "Links", "Workplace", "make_plan"]

_READ_SAMPLE = 20_000

type Database = PostgresDatabase | SqliteDatabase


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a run keeps its files, and how large its tables are."""

    folder: Path
    rows: int


@dataclass(frozen=True, slots=True)
class Links:
    """Ids of the documents that invoices point to."""

    customers: Sequence[str] = ()
    items: Sequence[str] = ()


class Contender(Protocol):
    """What the measuring needs to know of a contender."""

    @property
    def key(self) -> str:
        """What figures call it."""

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def works(self) -> Sequence[Work]:
        """What it can do."""

    @property
    def table(self) -> str:
        """Where its orders are."""

    @property
    def guarded(self) -> bool:
        """Whether it asks who is calling and what they may do."""

    @property
    def database(self) -> Database:
        """Its store."""

    @property
    def server(self) -> Server:
        """Its process."""

    @property
    def links(self) -> Links:
        """What its invoices point to."""

    @property
    def rows(self) -> Sequence[Order]:
        """What GET and LIST read, in the order of their numbers."""

    def prepare(self) -> None:
        """Make the schema, start the server, fill the tables."""

    def principals(self) -> Sequence[Principal]:
        """The users, each with a header that is good for the next minutes."""

    def list_path(self, owner: str) -> str:
        """Path and query of the first page of `owner`'s open orders, newest first."""


def make_plan(contender: Contender, prefix: str) -> Plan:
    """The plan for the next window; versions are read anew, as windows change them."""
    principals = contender.principals()
    step = max(1, len(contender.rows) // _READ_SAMPLE)
    updates: list[tuple[UUID, str, int]] = contender.database.versions(contender.table)
    return Plan(
        principals=principals,
        reads=[(row.owner, row.id) for row in contender.rows[::step]],
        list_paths=[contender.list_path(user.owner) for user in principals],
        updates=updates,
        customers=contender.links.customers,
        items=contender.links.items,
        prefix=prefix,
    )
