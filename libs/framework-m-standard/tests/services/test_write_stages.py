"""Stages that packages declare act on every write, on every store, where they are placed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from framework_m import Controller, DocType, FieldError, ValidationError, Write, write_stage
from framework_m_core.domain.errors import ControllerError
from framework_m_core.registry.compilation.builder import RegistryBuilder

from .wiring import CONTEXT, Wired, wired

type Stage = Callable[[Write], Awaitable[None]]

RAN: list[str] = []
ACTS: dict[str, Stage] = {}
"""What the stages of bills do, by stage."""


class Log(DocType):
    """What stages write beside a bill."""

    text: str = ""


class Bill(DocType):
    """Counts in a field what a stage stamps."""

    total: int = 0
    stamp: int = 0

    class Meta:
        submittable = True


class BillController(Controller[Bill]):
    async def before_save(self) -> None:
        RAN.append("before_save")

    async def after_save(self) -> None:
        RAN.append("after_save")


def _stage(name: str, **place: Any) -> Any:
    @write_stage(name, doctypes=["Bill"], **place)
    async def run(write: Write) -> None:
        RAN.append(name)
        if name in ACTS:
            await ACTS[name](write)

    return run


STAGES = (
    _stage("first", after="parse"),
    _stage("early", before="validate"),
    _stage("judging", after="scope"),
    _stage("recorded", after="record"),
    _stage("last", after="after_hooks"),
    _stage("submits_only", after="last", operations=["submit"]),
)
ALL = ["first", "before_save", "early", "judging", "recorded", "after_save", "last"]


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Log, Bill):
        builder.add_doctype(doctype, "desk")
    builder.add_controller(BillController)
    for stage in STAGES:
        builder.add_write_stage(stage)
    async with wired(database_url, builder.freeze()) as opened:
        RAN.clear()
        yield opened
    ACTS.clear()


async def test_every_operation_runs_its_stages_in_order(desk: Wired) -> None:
    bill = await desk.create("Bill")
    ran = [[*RAN]]
    for write in ("update", "submit", "cancel", "delete"):
        RAN.clear()
        body = [{"total": 1}] if write == "update" else []
        await getattr(desk.documents, write)(CONTEXT, "Bill", bill["id"], *body)
        ran.append([*RAN])
    no_before = [name for name in ALL if name != "before_save"]
    no_hooks = [name for name in no_before if name != "after_save"]
    assert ran == [ALL, ALL, [*ALL, "submits_only"], no_before, no_hooks]


async def test_other_doctypes_are_left_alone(desk: Wired) -> None:
    await desk.create("Log")
    assert RAN == []


async def test_a_stage_sees_the_write(desk: Wired) -> None:
    seen: list[Any] = []

    async def sees(write: Write) -> None:
        stored = write.stored and (write.stored.total, write.stored.docstatus)
        seen.append((write.operation, write.action, write.doctype, stored, write.document.total))
        assert write.context.principal == CONTEXT.principal

    ACTS["judging"] = sees
    bill = await desk.create("Bill", total=1)
    await desk.documents.update(CONTEXT, "Bill", bill["id"], {"total": 2})
    await desk.documents.submit(CONTEXT, "Bill", bill["id"])
    await desk.documents.cancel(CONTEXT, "Bill", bill["id"])
    await desk.documents.delete(CONTEXT, "Bill", bill["id"], hard=True)
    assert seen == [
        ("create", "create", "Bill", None, 1),
        ("update", "write", "Bill", (1, 0), 2),
        ("submit", "submit", "Bill", (2, 0), 2),
        ("cancel", "cancel", "Bill", (2, 1), 2),
        ("delete", "purge", "Bill", (2, 2), 2),
    ]


@pytest.mark.parametrize("stage", ["first", "early"])
async def test_what_a_stage_sets_before_validate_is_stored(desk: Wired, stage: str) -> None:
    async def stamps(write: Write) -> None:
        write.document.stamp += 1
        write.document.owner, write.document.docstatus = "somebody", 2

    ACTS[stage] = stamps
    bill = await desk.create("Bill")
    assert (bill["stamp"], bill["owner"], bill["docstatus"]) == (1, "somebody", 0)
    stamps_of = [
        (await desk.documents.update(CONTEXT, "Bill", bill["id"], {"total": 5}))["stamp"],
        (await desk.documents.submit(CONTEXT, "Bill", bill["id"]))["stamp"],
        (await desk.documents.cancel(CONTEXT, "Bill", bill["id"]))["stamp"],
    ]
    assert stamps_of == [2, 3, 4]
    assert (await desk.stored("Bill", bill["id"]))["stamp"] == 4


async def test_what_a_stage_sets_is_validated(desk: Wired) -> None:
    async def breaks(write: Write) -> None:
        vars(write.document)["total"] = "much"

    ACTS["early"] = breaks
    with pytest.raises(ValidationError) as refused:
        await desk.create("Bill")
    assert [error.field for error in refused.value.errors] == ["total"]


@pytest.mark.parametrize("stage", ["judging", "recorded", "last"])
async def test_what_a_stage_sets_later_raises_as_it_would_be_lost(desk: Wired, stage: str) -> None:
    async def stamps(write: Write) -> None:
        write.document.stamp = 7

    ACTS[stage] = stamps
    before = await desk.dump()
    with pytest.raises(ControllerError):
        await desk.create("Bill")
    assert await desk.dump() == before


@pytest.mark.parametrize("stage", ["first", "early", "judging", "recorded", "last"])
@pytest.mark.parametrize("operation", ["create", "update", "submit", "delete"])
async def test_a_stage_that_raises_undoes_the_write(desk: Wired, stage: str, operation: str) -> None:
    bill = await desk.create("Bill")
    before = await desk.dump()

    async def refuses(write: Write) -> None:
        await write.documents.create("Log", {})
        raise ValidationError("closed", [FieldError("*", "closed", "the period is closed")])

    ACTS[stage] = refuses
    arguments = {"create": ["Bill", {}], "update": ["Bill", bill["id"], {"total": 1}]}
    with pytest.raises(ValidationError, match="closed"):
        await getattr(desk.documents, operation)(CONTEXT, *arguments.get(operation, ["Bill", bill["id"]]))
    assert await desk.dump() == before


async def test_what_a_stage_writes_joins_the_write_and_is_answered(desk: Wired) -> None:
    async def writes_on(write: Write) -> None:
        if write.document.stamp == 0:
            await write.documents.create("Log", {"text": str(write.document.total)})
            await write.documents.update("Bill", write.document.id, {"stamp": 1})

    ACTS["last"] = writes_on
    bill = await desk.create("Bill", total=3)
    assert (bill["stamp"], bill["_version"]) == (1, 2)
    assert await desk.stored("Bill", bill["id"]) == bill
    assert await desk.count("Log") == 1


async def test_an_update_that_changes_nothing_ends_before_it_is_stored(desk: Wired) -> None:
    bill = await desk.create("Bill")
    RAN.clear()
    await desk.documents.update(CONTEXT, "Bill", bill["id"], {"total": 0})
    assert RAN == ["first", "before_save", "early", "judging"]


@pytest.mark.parametrize(("stage", "is_refused"), [("first", True), ("judging", True), ("recorded", False)])
async def test_a_stage_before_the_document_is_stored_that_writes_it_is_refused(
    desk: Wired, stage: str, is_refused: bool
) -> None:
    """Also where it can no longer assign; what a later one writes is in the answer."""
    bill = await desk.create("Bill")

    async def stamps(write: Write) -> None:
        del ACTS[stage]
        await write.documents.update("Bill", bill["id"], {"stamp": 7})

    ACTS[stage] = stamps
    if is_refused:
        with pytest.raises(ControllerError) as refused:
            await desk.documents.update(CONTEXT, "Bill", bill["id"], {"total": 1})
        assert refused.value.details["running"] == f"Bill, stage {stage},"
        assert (await desk.stored("Bill", bill["id"]))["_version"] == 1
    else:
        response = await desk.documents.update(CONTEXT, "Bill", bill["id"], {"total": 1})
        assert (response["total"], response["stamp"], response["_version"]) == (1, 7, 3)
