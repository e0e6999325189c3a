"""Overridden DocTypes on every store: what other apps add is stored, served, checked and guarded like the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from framework_m import Controller, DocType, Field
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
BOSS = RequestContext(Principal("boss", frozenset({"Administrator"})))


class Stop(DocType):
    place: str = ""

    class Meta:
        is_child_table = True


class Tour(DocType):
    """A tour, which knows nothing of what others add."""

    title: str = ""
    stops: list[Stop] = []

    class Meta:
        permissions = {action: {"Clerk": "all"} for action in ("read", "create", "write")}


class TourController(Controller[Tour]):
    async def before_insert(self) -> None:
        self.doc.stops.append(Stop(place="home"))


class GuidedTour(Tour):
    guide: str | None = Field(default=None, index=True)
    fee: int = Field(default=7, permlevel=1)

    class Meta:
        overrides = True
        field_levels = {1: {"read": ["Cashier"]}}


class TimedStop(Stop):
    minutes: int = Field(default=5, ge=0)

    class Meta:
        overrides = True


class GuidedTourController(Controller[GuidedTour]):
    async def validate(self) -> None:
        if self.doc.guide == "nobody":
            raise ValidationError("a guide is expected")


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Stop, Tour, GuidedTour, TimedStop):
        builder.add_doctype(doctype, "office")
    for controller in (TourController, GuidedTourController):
        builder.add_controller(controller)
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


async def test_added_fields_are_stored_filtered_and_given_to_rows_that_the_base_makes(office: Wired) -> None:
    made = await office.documents.create(CLERK, "Tour", {"guide": "Ada", "stops": [{"place": "park", "minutes": 9}]})
    wanted = [{"field": "guide", "operator": "eq", "value": "Ada"}]
    [found] = (await office.queries.list(CLERK, "Tour", ListRequest(filters=wanted, fields=("guide", "stops")))).items
    assert found["id"] == made["id"]
    assert [(row["place"], row["minutes"]) for row in found["stops"]] == [("park", 9), ("home", 5)]


async def test_what_an_override_checks_and_guards_holds(office: Wired) -> None:
    with pytest.raises(ValidationError, match="a guide is expected"):
        await office.documents.create(CLERK, "Tour", {"guide": "nobody"})
    for wrong in ({"fee": 0}, {"stops": [{"minutes": -1}]}):
        with pytest.raises(ValidationError):
            await office.documents.create(CLERK, "Tour", wrong)
    made = await office.documents.create(BOSS, "Tour", {})
    seen: Any = await office.documents.get(CLERK, "Tour", made["id"])
    assert (made["fee"], "fee" in seen) == (7, False)
