"""The kinds of work that are measured."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["POSTGRES_WORKS", "SQLITE_WORKS", "Work"]


class Work(StrEnum):
    """One kind of request, or the mix of them; the value is what the Lua script calls it."""

    GET = "get"
    LIST = "list"
    POST = "post"
    PUT = "put"
    INVOICE = "invoice"
    MIXED = "mixed"

    @property
    def caption(self) -> str:
        """What the reports call it."""
        return _CAPTIONS[self]


_CAPTIONS = {
    Work.GET: "GET by id",
    Work.LIST: "LIST 20",
    Work.POST: "POST",
    Work.PUT: "PUT",
    Work.INVOICE: "POST invoice, 10 rows",
    Work.MIXED: "mixed 70/20/5/5",
}

POSTGRES_WORKS = tuple(Work)
SQLITE_WORKS = (Work.GET, Work.POST)
