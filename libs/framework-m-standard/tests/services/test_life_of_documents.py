"""Random lives of documents on each store, step by step beside a plain model: what is stored, told and refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.filters.tree import EVERYTHING
from framework_m_core.services.queries.parsing import ListRequest

from .shelf_model import CANCELLED, Kept, Model, shelf_registry
from .wiring import CONTEXT, Wired, wired

UNKNOWN = UUID(int=1, version=4)
WORDS = st.sampled_from(["a", "b", "c"])
PLACES = st.integers(0, 30)
VERSIONS = st.sampled_from([None, None, 0, -1])
"""What is added to the version that is given; None gives none."""

type Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Lives(RuleBasedStateMachine):
    """Does things to documents through the service and to the model, and compares."""

    run: Run
    shop: Wired

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.run(_emptied(self.shop))

    @rule(name=WORDS, label=WORDS)
    def add_shelf(self, name: str, label: str) -> None:
        values = {"name": name, "label": label}
        made = self._tried(self.model.errors_of_shelf(values), self._create("Shelf", values))
        if made:
            self._keep("Shelf", made, values)

    @rule(title=WORDS, shelf=st.none() | PLACES, rows=st.lists(st.none() | PLACES, max_size=3))
    def add_bill(self, title: str, shelf: int | None, rows: list[int | None]) -> None:
        lines: list[dict[str, Any]] = [{"text": title, "shelf": self._shelf(row)} for row in rows]
        values: dict[str, Any] = {"title": title, "note": "", "shelf": self._shelf(shelf), "lines": lines}
        links = {one["shelf"] for one in (values, *lines) if one["shelf"]}
        made = self._tried(self.model.errors_of_links(links), self._create("Bill", values))
        if made:
            self._keep("Bill", made, {**values, "lines": _with_ids(lines, made), "amended_from": None})

    @precondition(lambda self: self.model.of("Shelf"))
    @rule(place=PLACES, label=WORDS, version=VERSIONS)
    def relabel_shelf(self, place: int, label: str, version: int | None) -> None:
        shelf, body = self._at("Shelf", place), {"label": label}
        errors = [
            *self.model.errors_of_version(shelf, _given(shelf, version)),
            *self.model.errors_of_shelf(body, shelf),
        ]
        self._update(shelf, body, version, errors[:1])

    @precondition(lambda self: self.model.of("Bill"))
    @rule(place=PLACES, field=st.sampled_from(["title", "note"]), word=WORDS, version=VERSIONS)
    def reword_bill(self, place: int, field: str, word: str, version: int | None) -> None:
        bill, body = self._at("Bill", place), {field: word}
        errors = self.model.errors_of_update(bill, body, _given(bill, version))
        self._update(bill, body, version, [*errors][:1])

    @precondition(lambda self: self.model.of("Bill"))
    @rule(place=PLACES, kept=st.sets(st.integers(0, 2)), word=WORDS, added=st.none() | PLACES)
    def change_lines(self, place: int, kept: set[int], word: str, added: int | None) -> None:
        bill = self._at("Bill", place)
        lines = [{**row, "text": word} for number, row in enumerate(bill.values["lines"]) if number in kept]
        shelf = self._shelf(added)
        body = {"lines": [*lines, {"text": word, "shelf": shelf}], "shelf": shelf}
        new = {shelf} if shelf else set()
        errors = [*self.model.errors_of_update(bill, body, None), *self.model.errors_of_links(new)]
        self._update(bill, body, None, errors[:1])

    @precondition(lambda self: self.model.of("Bill"))
    @rule(place=PLACES, step=st.sampled_from(["submit", "submit", "cancel"]), version=VERSIONS)
    def step_bill(self, place: int, step: str, version: int | None) -> None:
        bill = self._at("Bill", place)
        given = _given(bill, version)
        change = getattr(self.shop.documents, step)(CONTEXT, "Bill", bill.id, _versioned({}, given))
        if self._tried([*self.model.errors_of_step(bill, step, given)][:1], change):
            self.model.step(bill, step)

    @precondition(lambda self: self.model.of("Bill"))
    @rule(place=PLACES, version=VERSIONS)
    def amend_bill(self, place: int, version: int | None) -> None:
        cancelled = [one for one in self.model.of("Bill") if one.status == CANCELLED]
        bill = cancelled[place % len(cancelled)] if cancelled else self._at("Bill", place)
        given = _given(bill, version)
        amending = self.shop.documents.amend(CONTEXT, "Bill", bill.id, _versioned({}, given))
        if made := self._tried([*self.model.errors_of_amending(bill, given)][:1], amending):
            lines = [{name: row[name] for name in ("text", "shelf")} for row in bill.values["lines"]]
            kept = {**bill.values, "lines": _with_ids(lines, made), "amended_from": bill.id}
            self._keep("Bill", made, {**kept, "name": str(made["id"])})

    @precondition(lambda self: self.model.kept)
    @rule(doctype=st.sampled_from(["Shelf", "Bill"]), place=PLACES, hard=st.booleans())
    def remove(self, doctype: str, place: int, hard: bool) -> None:
        if not self.model.of(doctype):
            return
        document = self._at(doctype, place)
        errors = [*self.model.errors_of_removal(document, hard=hard)][:1]
        removal = self.shop.documents.delete(CONTEXT, doctype, document.id, hard=hard)
        if self._tried(errors, removal) is not False:
            self.model.remove(document, hard=hard)

    @precondition(lambda self: self.model.kept)
    @rule(doctype=st.sampled_from(["Shelf", "Bill"]), place=PLACES)
    def restore(self, doctype: str, place: int) -> None:
        if not self.model.of(doctype):
            return
        document = self._at(doctype, place)
        errors = [*self.model.errors_of_restoring(document)]
        if self._tried(
            errors if document.is_deleted else errors[:1], self.shop.documents.restore(CONTEXT, doctype, document.id)
        ):
            self.model.restore(document)

    @invariant()
    def stored_as_it_should_be(self) -> None:
        assert self.run(_stored(self.shop)) == {
            one.id: {**one.values, "_version": one.version, "docstatus": one.status, "is_deleted": one.is_deleted}
            for one in self.model.kept.values()
            if not one.is_gone
        }

    def teardown(self) -> None:
        told = self.run(_told(self.shop))
        audited = {one.id: len(self.run(self.shop.audits(one.doctype, one.id))) for one in self.model.kept.values()}
        assert told == {one.id: one.told for one in self.model.kept.values()}
        assert audited == {one.id: len(one.told) for one in self.model.kept.values()}

    def _create(self, doctype: str, values: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        return self.shop.documents.create(CONTEXT, doctype, _travelling(values))

    def _update(self, document: Kept, body: dict[str, Any], version: int | None, errors: list[type[Exception]]) -> None:
        sent = _versioned(_travelling(body), _given(document, version))
        made = self._tried(errors, self.shop.documents.update(CONTEXT, document.doctype, document.id, sent))
        if made and {**document.values, **body} != document.values:
            document.values.update({**body, "lines": _with_ids(body["lines"], made)} if "lines" in body else body)
            document.change("updated")

    def _tried(self, errors: Iterator[type[Exception]] | list[type[Exception]], work: Coroutine[Any, Any, Any]) -> Any:
        """What the service gave; False where it refused, as it should."""
        right = tuple(errors)
        if not right:
            return self.run(work)
        with pytest.raises(right):
            self.run(work)
        return False

    def _keep(self, doctype: str, made: dict[str, Any], values: dict[str, Any]) -> None:
        named = {"name": str(made["id"])} | values
        self.model.kept[made["id"]] = Kept(doctype, made["id"], named)

    def _at(self, doctype: str, place: int) -> Kept:
        known = self.model.of(doctype)
        return known[place % len(known)]

    def _shelf(self, place: int | None) -> UUID | None:
        """A shelf, perhaps one that is gone, or none."""
        known = [*(one.id for one in self.model.of("Shelf")), UNKNOWN]
        return None if place is None else known[place % len(known)]


def _given(document: Kept, version: int | None) -> int | None:
    return None if version is None else document.version + version


def _versioned(body: dict[str, Any], version: int | None) -> dict[str, Any]:
    return body if version is None else {**body, "_version": version}


def _travelling(values: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON has them."""
    rows = {"lines": [_travelling(row) for row in values["lines"]]} if "lines" in values else {}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in {**values, **rows}.items()}


def _with_ids(lines: list[dict[str, Any]], made: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows with the ids that the new ones got; rows that had one keep it."""
    return [{"id": row["id"], **line} for line, row in zip(lines, made["lines"], strict=True)]


async def _emptied(shop: Wired) -> None:
    async with shop.adapters.units(CONTEXT) as unit:
        for id in sorted(await _bills(shop), reverse=True):  # amendments before what they amend
            await unit.repository("Bill").delete(id)
        await unit.flush()
        await unit.repository("Shelf").delete_where(EVERYTHING)
        await unit.commit()
    await _told(shop)


async def _bills(shop: Wired) -> list[UUID]:
    request = ListRequest(limit=500, fields=[], include_deleted=True)
    return [item["id"] for item in (await shop.documents.list(CONTEXT, "Bill", request)).items]


async def _told(shop: Wired) -> dict[UUID, list[tuple[str, int]]]:
    """The events that wait, by document; they wait no longer."""
    events = (await shop.adapters.outbox.read(0, 10_000, lambda _: True)).events
    await shop.adapters.outbox.prune(system_clock() + timedelta(days=1))
    told: dict[UUID, list[tuple[str, int]]] = {}
    for event in events:
        told.setdefault(event.document_id, []).append((event.type, event.version))
    return told


async def _stored(shop: Wired) -> dict[UUID, dict[str, Any]]:
    found = {}
    for doctype, names in (("Shelf", ["label"]), ("Bill", ["title", "note", "shelf", "lines", "amended_from"])):
        request = ListRequest(limit=500, fields=[*names, "docstatus"], include_deleted=True)
        for item in (await shop.documents.list(CONTEXT, doctype, request)).items:
            id, deleted_at = item.pop("id"), item.pop("deleted_at")
            found[id] = {**item, "is_deleted": deleted_at is not None}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_documents_live_as_the_model_says(number: int, database_url: str) -> None:
    with asyncio.Runner() as runner:
        opening = wired(database_url, shelf_registry())
        shop = runner.run(opening.__aenter__())
        machine = type("Machine", (Lives,), {"run": staticmethod(runner.run), "shop": shop})
        try:
            run_state_machine_as_test(seed(number)(machine), settings=_settings)
        finally:
            runner.run(opening.__aexit__(None, None, None))


_settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
