"""Proof by cases: two databases that differ only in what a caller may not see answer that caller alike.

Statuses, documents, counts, cursors and the texts of errors are compared, for random requests on every store. What no
store can keep secret is listed in `tests.permission_proof.noninterference`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, seed
from hypothesis import strategies as st

from tests.permission_proof.declared import Request, Stored, Who
from tests.permission_proof.executor import Executor, to_comparable
from tests.permission_proof.generators import Setup, callers, setups
from tests.permission_proof.noninterference import hidden_variants
from tests.permission_proof.requests import requests

from .proof_stores import Stores
from .proving import SEEDS, ids_of, many, performers, running, seed_id

BATCH, WORLDS = 40, 20


@dataclass(frozen=True)
class Pair:
    """A world and its disguise for a caller, with requests."""

    setup: Setup
    disguise: Setup
    who: Who
    requests: list[Request]

    def __repr__(self) -> str:
        return f"Pair for {self.who}"


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Two setups that differ, in what the caller may not see, and what the caller asks of both."""
    setup, who = draw(setups()), draw(callers())
    disguise = draw(hidden_variants(setup, who))
    assume(disguise.stored != setup.stored)
    return Pair(setup, disguise, who, [draw(requests(setup)) for _ in range(BATCH)])


@pytest.mark.slow
@pytest.mark.parametrize("number", SEEDS[: len(SEEDS) // 5], ids=seed_id)
def test_what_is_hidden_changes_no_answer(number: int, tmp_path: Path, empty_postgres_url: str) -> None:
    met: Counter[object] = Counter()

    with running(tmp_path, [empty_postgres_url]) as (run, stores):

        @seed(number)
        @many(WORLDS)
        @given(pair=pairs())
        def prove(pair: Pair) -> None:
            met["differing"] += 1
            met.update(run(_compare(stores, pair)))

        prove()
    assert met["differing"] >= WORLDS // 2
    assert {200, 400, 403, 404} <= met.keys()


async def _compare(stores: Stores, pair: Pair) -> list[int]:
    """The statuses of all requests; fails where what is hidden makes a difference."""
    statuses = []
    for name, executor in performers(stores, pair.setup).items():
        seen = await _responses(executor, pair, pair.setup.stored)
        disguised = await _responses(executor, pair, pair.disguise.stored)
        for request, one, other in zip(pair.requests, seen, disguised, strict=True):
            assert one == other, _told(name, pair, request, one, other)
            statuses.append(one["status"])
    return statuses


async def _responses(executor: Executor, pair: Pair, stored: Stored) -> list[dict[str, Any]]:
    await executor.put(stored)
    known, found = ids_of(pair.setup.stored) | ids_of(pair.disguise.stored), []
    for request in pair.requests:
        response, detail = await executor.respond(pair.who, request)
        found.append({"status": response.status, "error": detail, "served": to_comparable(response.served, known)})
    return found


def _told(store: str, pair: Pair, request: Request, one: dict[str, Any], other: dict[str, Any]) -> str:
    """The case alone: all that is needed to repeat it."""
    doctype = request.doctype
    before, after = pair.setup.stored[doctype], pair.disguise.stored[doctype]
    ids = [id for id in {**before, **after} if before.get(id) != after.get(id)]
    changed = [f"  {before.get(id)}\n  {after.get(id)}" for id in ids]
    declared = f"{pair.setup.declared[doctype]}\n{pair.who}\n{request}"
    return "\n".join([f"{store} differs, error:", f"  {one}", f"  {other}", declared, *changed])
