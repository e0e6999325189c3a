"""Samples keep every constraint that their fields declare, or the field is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.fields.values import from_json
from framework_m_testing.apps import AppClient, open_app
from framework_m_testing.conformance import DocTypeConformance
from framework_m_testing.harness import build_sample_registry
from framework_m_testing.samples.bodies import SampleDocuments
from framework_m_testing.samples.fields import NoSampleError, SampleValues
from tests.errors import assert_names

APP = '''"""A DocType with each constraint, and one that nobody can satisfy."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from framework_m import DocType, Field


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Line(DocType):
    code: str = Field(pattern=r"^[A-Z]{3}$")
    share: Decimal = Field(gt=0, lt=1, scale=2)

    class Meta:
        is_child_table = True


class Bounded(DocType):
    a: str = Field(max_length=1)
    title: str = Field(max_length=5)
    remark: str = Field(min_length=40)
    email_of_owner: str = Field(max_length=12)
    vat: str = Field(pattern=r"^[A-Z]{2}\\d{9}$", unique=True)
    digits: Annotated[str, StringConstraints(pattern=r"^\\d+$", min_length=8, max_length=8)]
    slug: str | None = Field(pattern="^[a-z-]+$", max_length=6)
    year: int = Field(ge=1990, le=2100)
    low: int = Field(lt=-5)
    dozen: int = Field(gt=10, multiple_of=12)
    few: int = Field(ge=3, le=5)
    ratio: float = Field(gt=0, lt=1)
    rate: float = Field(ge=0.25, multiple_of=0.25)
    price: Decimal = Field(gt=0, lt=1, scale=2)
    whole: Decimal = Field(ge=1000, scale=0, multiple_of=50)
    state: Literal["open", "shut"] = Field(unique=True)
    colour: Colour
    born: date = Field(lt=date(2020, 1, 1))
    due: datetime = Field(gt=datetime(2040, 1, 1, tzinfo=UTC))
    key: bytes = Field(min_length=8, max_length=8)
    tags: list[Annotated[str, Field(max_length=3)]] = Field(min_length=2)
    scores: dict[str, int] = Field(min_length=1)
    lines: list[Line] = Field(min_length=2)


class Fine(DocType):
    share: Decimal = Field(unique=True, scale=17)


class Step(DocType):
    to: UUID = Field(link="Route")

    class Meta:
        is_child_table = True


class Route(DocType):
    steps: list[Step] = []


class Closed(DocType):
    vat: str = Field(pattern=r"^(?P<first>[A-Z])\\b\\B$")
    name_of_row: str
'''


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppClient]:
    """The app above, on the in-memory store."""
    (tmp_path / "bounds.py").write_text(APP)
    entry = '[project.entry-points."framework_m.apps"]\nbounds = "bounds"\n'
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "bounds"\nversion = "1"\n{entry}')
    async with open_app(tmp_path) as opened:
        yield opened


def test_a_sample_of_every_field_is_accepted() -> None:
    for plan in build_sample_registry().doctypes.values():
        samples = SampleValues(plan.name, plan.model, plan.fields)
        sent = {name: samples.make(name, 7) for name, spec in plan.fields.items() if spec.is_scalar}
        values = {name: from_json(plan.fields[name], raw) for name, raw in sent.items()}
        document = plan.model.model_validate(values)
        assert document.model_fields_set >= values.keys()


def test_another_number_is_another_text() -> None:
    plan = build_sample_registry().get("Thing")
    samples = SampleValues(plan.name, plan.model, plan.fields)
    assert samples.make("text", 1) != samples.make("text", 2)


async def test_made_documents_keep_all_constraints(app: AppClient) -> None:
    made = [await app.make("Bounded", state=state) for state in ("open", "shut")]
    assert made[0]["vat"] != made[1]["vat"]
    assert len(made[0]["lines"]) == 2


async def test_samples_of_a_unique_pattern_differ(app: AppClient) -> None:
    samples = [await app.sample("Bounded") for _ in range(30)]
    assert len({sample["vat"] for sample in samples}) == len(samples)
    assert {sample["few"] for sample in samples} == {3, 4, 5}


async def test_conformance_makes_documents_of_all_constraints(app: AppClient) -> None:
    samples = SampleDocuments(app.application, make_system_context("a test", source="cli"), {})
    made = [(await samples.create("Bounded"))[1] for _ in range(2)]
    assert len({document["vat"] for document in made}) == len({document["state"] for document in made}) == 2


async def test_samples_of_a_unique_decimal_with_few_whole_digits_differ(app: AppClient) -> None:
    samples = SampleDocuments(app.application, make_system_context("a test", source="cli"), {})
    made = [(await samples.create("Fine"))[1]["share"] for _ in range(15)]
    assert len({*made}) == len(made)
    chosen = [(await app.sample("Fine"))["share"] for _ in range(15)]
    assert len({*chosen}) == len(chosen)


async def test_rows_that_link_to_documents_with_such_rows_end(app: AppClient) -> None:
    samples = SampleDocuments(app.application, make_system_context("a test", source="cli"), {})
    made = (await samples.create("Route"))[1]
    (step,) = made["steps"]
    target = await app.system.get("Route", step["to"])
    assert (target["id"] != made["id"], [*target["steps"]]) == (True, [])


async def test_a_field_without_a_sample_is_named(app: AppClient) -> None:
    with pytest.raises(NoSampleError) as refused:
        await app.sample("Closed")
    assert_names(str(refused.value), "Closed.vat", "pattern")
    assert (await app.sample("Closed", vat="given"))["vat"] == "given"


async def test_conformance_names_the_field_that_no_sample_fits(app: AppClient) -> None:
    class Ours(DocTypeConformance):
        apps = ("bounds",)

    samples: Any = SampleDocuments(app.application, make_system_context("a test", source="cli"), Ours.bodies)
    with pytest.raises(NoSampleError) as refused:
        await samples.create("Closed")
    assert_names(str(refused.value), "Closed.vat", "pattern")
