"""What `work.lua` replays: users, paths and bodies, as lines of tab-separated fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks.dataset import (
    INVOICE_PATH,
    ORDER_PATH,
    VARIANTS,
    as_json,
    business,
    change_body,
    invoice_body,
)

__all__ = ["Plan", "Principal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who sends requests."""

    owner: str
    """What the store has in the owner column of this user's documents."""
    header: tuple[str, str]
    """The request header that says or proves who this is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one window of load may send to one contender."""

    principals: Sequence[Principal]
    reads: Sequence[tuple[str, UUID]]
    """Owner and id of the documents to get."""
    list_paths: Sequence[str]
    """One for each principal, in their order."""
    updates: Sequence[tuple[UUID, str, int]]
    """Id, owner and version of the documents to put."""
    customers: Sequence[str]
    items: Sequence[str]
    prefix: str
    """What the names of posted documents start with."""

    def write(self, path: Path) -> None:
        """Write the plan for the Lua script."""
        path.write_text("".join("\t".join(line) + "\n" for line in self._lines()))

    def _lines(self) -> list[tuple[str, ...]]:
        number = {user.owner: str(n) for n, user in enumerate(self.principals, start=1)}
        lines: list[tuple[str, ...]] = [("prefix", self.prefix)]
        lines += [("user", *user.header) for user in self.principals]
        lines += [("get", number[owner], f"{ORDER_PATH}/{key}") for owner, key in self.reads]
        lines += [("list", str(n), path) for n, path in enumerate(self.list_paths, start=1)]
        lines += [("post", ORDER_PATH, as_json(business(n))[1:]) for n in range(VARIANTS)]
        lines += [("change", as_json(change_body(n))[1:]) for n in range(VARIANTS)]
        lines += [
            ("put", number[owner], f"{ORDER_PATH}/{key}", str(key), str(version))
            for key, owner, version in self.updates
        ]
        if self.customers:
            lines += [
                ("invoice", str(n % len(self.principals) + 1), INVOICE_PATH, self._invoice(n)) for n in range(VARIANTS)
            ]
        return lines

    def _invoice(self, number: int) -> str:
        return as_json(invoice_body(number, self.customers, self.items))
