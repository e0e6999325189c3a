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

from framework_m_testing.permission_proof.declared import Documents, Request, Who
from framework_m_testing.permission_proof.generators import NOW, World, callers, worlds
from framework_m_testing.permission_proof.performer import comparable
from framework_m_testing.permission_proof.reference import Answer, Reference
from framework_m_testing.permission_proof.requests import requests

from .proof_stores import Stores
from .proving import SEEDS, ids_of, many, performers, running, seed_id

BATCH, WORLDS = 40, 25

type Case = tuple[Who, Request]


@dataclass(frozen=True)
class Batch:
    """A world, and callers with requests for it."""

    world: World
    cases: list[Case]

    def __repr__(self) -> str:
        return f"Batch of {len(self.cases)}"


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    world = draw(worlds())
    one = st.tuples(callers(), requests(world))
    return Batch(world, draw(st.lists(one, min_size=BATCH, max_size=BATCH)))


@pytest.mark.slow
@pytest.mark.parametrize("number", SEEDS, ids=seed_id)
def test_every_store_answers_as_the_reference_does(number: int, tmp_path: Path, empty_postgres_url: str) -> None:
    met: Counter[int] = Counter()

    with running(tmp_path, empty_postgres_url) as (run, stores):

        @seed(number)
        @many(WORLDS)
        @given(batch=batches())
        def prove(batch: Batch) -> None:
            met.update(run(_compare(stores, batch.world, batch.cases)))

        prove()
    assert met.total() >= BATCH * WORLDS
    assert {200, 400, 401, 403, 404, 409} <= met.keys()


async def _compare(stores: Stores, world: World, cases: Iterable[Case]) -> list[int]:
    """The statuses of all cases; fails where a store answers otherwise than the reference."""
    reference, statuses, known = Reference(world.declared, world.stored, NOW), [], ids_of(world.stored)
    performing = performers(stores, world)
    for performer in performing.values():
        await performer.put(world.stored)
    for who, request in cases:
        right, stored = reference.answer(who, request), world.stored[request.doctype]
        expected = _seen(right, request, stored, known)
        for name, performer in performing.items():
            answer, told = await performer.answer(who, request)
            found = _seen(answer, request, stored, known)
            assert found == expected, _told(name, world, who, request, found, expected, told)
        statuses.append(right.status)
    return statuses


def _seen(answer: Answer, request: Request, stored: Documents, known: frozenset[UUID]) -> dict[str, Any]:
    """The answer in a form that compares; of what is left, the documents that are gone or not as before."""
    left = stored if request.verb in {"get", "list"} else answer.left
    changed = {id: document for id, document in left.items() if stored.get(id) != document}
    gone = sorted(stored.keys() - left.keys())
    return {"status": answer.status, **comparable({"served": answer.served, "changed": changed, "gone": gone}, known)}


def _told(
    store: str, world: World, who: Who, request: Request, found: dict[str, Any], expected: dict[str, Any], error: str
) -> str:
    """The case alone, with what differs of the answer: all that is needed to repeat it."""
    parts = [name for name in found if found[name] != expected[name]]
    differing = [f"  {name}: {found[name]}\n  not {expected[name]}" for name in parts]
    documents = [f"  {one}" for one in world.stored[request.doctype].values()]
    declared = f"{world.declared[request.doctype]}\n{who}\n{request}"
    return "\n".join([f"{store} differs, error {error!r}:", *differing, declared, *documents])
