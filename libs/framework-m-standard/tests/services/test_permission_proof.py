"""Proof by cases: the compiled path answers as a plain reading of architecture section 5 does, on every store.

20,000 random cases, each a set of declarations with documents, a caller and a request. A seed always gives the same
cases; `pytest -k "seed3"` repeats those of one. `PROOF_SEEDS=100-199` tries others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from tests.permission_proof.declared import Documents, Request, Who
from tests.permission_proof.executor import to_comparable
from tests.permission_proof.generators import NOW, Setup, callers, setups
from tests.permission_proof.reference import Reference, Response
from tests.permission_proof.requests import requests

from .proof_stores import Stores
from .proving import FIRST, SEEDS, ids_of, many, performers, running, seed_id

BATCH, WORLDS = 40, 25

type Case = tuple[Who, Request]


@dataclass(frozen=True)
class Batch:
    """A world, and callers with requests for it."""

    setup: Setup
    cases: list[Case]

    def __repr__(self) -> str:
        return f"Batch of {len(self.cases)}"


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    setup = draw(setups())
    one = st.tuples(callers(), requests(setup))
    return Batch(setup, draw(st.lists(one, min_size=BATCH, max_size=BATCH)))


@pytest.mark.slow
@pytest.mark.parametrize("number", SEEDS, ids=seed_id)
def test_every_store_answers_as_the_reference_does(
    number: int, tmp_path: Path, mongodb_address: str, empty_server_urls: list[str]
) -> None:
    """MariaDB, and MongoDB whose server for tests takes its time, answer the first seed."""
    met: Counter[int] = Counter()
    is_first = number == FIRST

    with running(tmp_path, empty_server_urls[: 2 if is_first else 1], mongodb_address if is_first else None) as (
        run,
        stores,
    ):

        @seed(number)
        @many(WORLDS)
        @given(batch=batches())
        def prove(batch: Batch) -> None:
            met.update(run(_compare(stores, batch.setup, batch.cases)))

        prove()
    assert met.total() >= BATCH * WORLDS
    assert {200, 400, 401, 403, 404, 409} <= met.keys()


async def _compare(stores: Stores, setup: Setup, cases: Iterable[Case]) -> list[int]:
    """The statuses of all cases; fails where a store answers otherwise than the reference."""
    reference, statuses, known = Reference(setup.declared, setup.stored, NOW), [], ids_of(setup.stored)
    executors = performers(stores, setup)
    for executor in executors.values():
        await executor.put(setup.stored)
    for who, request in cases:
        right, stored = reference.respond(who, request), setup.stored[request.doctype]
        expected = _seen(right, request, stored, known)
        for name, executor in executors.items():
            response, detail = await executor.respond(who, request)
            found = _seen(response, request, stored, known)
            assert found == expected, _told(name, setup, who, request, found, expected, detail)
        statuses.append(right.status)
    return statuses


def _seen(response: Response, request: Request, stored: Documents, known: frozenset[UUID]) -> dict[str, Any]:
    """The answer in a form that compares; of what is left, the documents that are gone or not as before."""
    left = stored if request.verb in {"get", "list"} else response.left
    changed = {id: document for id, document in left.items() if stored.get(id) != document}
    gone = sorted(stored.keys() - left.keys())
    return {
        "status": response.status,
        **to_comparable({"served": response.served, "changed": changed, "gone": gone}, known),
    }


def _told(
    store: str, setup: Setup, who: Who, request: Request, found: dict[str, Any], expected: dict[str, Any], error: str
) -> str:
    """The case alone, with what differs of the answer: all that is needed to repeat it."""
    parts = [name for name in found if found[name] != expected[name]]
    differing = [f"  {name}: {found[name]}\n  not {expected[name]}" for name in parts]
    documents = [f"  {one}" for one in setup.stored[request.doctype].values()]
    declared = f"{setup.declared[request.doctype]}\n{who}\n{request}"
    return "\n".join([f"{store} differs, error {error!r}:", *differing, declared, *documents])
