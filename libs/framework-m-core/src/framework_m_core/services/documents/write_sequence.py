"""Compiles the stages of a registry into what an operation on a DocType runs, without those that do nothing there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from framework_m_core.domain.documents.naming import SeriesNaming
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.write_stages import DeclaredStage, PlacedStage
from framework_m_core.services.documents.write import CREATE, UPDATE, DocumentWrite, Operation

__all__ = ["StageRun", "StageRuns", "WriteSequence", "compile_sequence"]

type StageRun = Callable[[DocumentWrite], Awaitable[None]]


class StageRuns(Protocol):
    """The code of the stages, as `WritePipeline` has it."""

    def stage(self, name: str, operation: Operation) -> StageRun:
        """Return the code of one of the framework's stages, or of a step between them."""
        ...

    def declared(self, stage: DeclaredStage, *, is_final: bool) -> StageRun:
        """Return the code that calls a declared stage; the document `is_final` where changes to it no longer count."""
        ...


@dataclass(frozen=True, slots=True)
class WriteSequence:
    """What one operation on one DocType runs before and after the decision that there is something to store."""

    before: tuple[StageRun, ...]
    after: tuple[StageRun, ...]


def compile_sequence(
    plan: CompiledDocType, operation: Operation, placed: Sequence[PlacedStage], runs: StageRuns
) -> WriteSequence:
    """Return what an operation on a DocType runs of the stages of its registry."""
    steps = [*_steps(plan, operation, placed)]
    at = steps.index("store")
    final_from = steps.index("validate") if "validate" in steps else 0
    compiled = [
        runs.stage(step, operation) if isinstance(step, str) else runs.declared(step, is_final=place >= final_from)
        for place, step in enumerate(steps)
    ]
    return WriteSequence(tuple(compiled[:at]), tuple(compiled[at:]))


def _steps(plan: CompiledDocType, operation: Operation, placed: Sequence[PlacedStage]) -> Iterator[PlacedStage]:
    """Yield what has something to do, in order, with the steps between the stages that they depend on."""
    present = [stage for stage in placed if isinstance(stage, str) or stage.takes_part(operation.name, plan.name)]
    early, late = present[: present.index("validate")], present[present.index("store") :]
    may_change = not plan.hooks.isdisjoint(operation.before) or any(not isinstance(stage, str) for stage in early)
    follows = [stage for stage in late if not isinstance(stage, str) or _has_hooks(stage, plan, operation)]
    for stage in present:
        if follows and stage is follows[0]:
            yield "flush"
        if not isinstance(stage, str) or _applies(stage, plan, operation, may_change=may_change):
            yield from _with_steps(stage, plan, operation, may_change=may_change)
    if follows:
        yield "read_again"


def _with_steps(
    stage: PlacedStage, plan: CompiledDocType, operation: Operation, *, may_change: bool
) -> Iterator[PlacedStage]:
    if stage == "parse":
        if may_change and operation.name != "delete":
            yield "note_kept"
        return
    if stage == "store" and operation is UPDATE:
        yield "compare"
    yield stage
    if stage == "links" and may_change:
        yield "note_links"


def _applies(stage: str, plan: CompiledDocType, operation: Operation, *, may_change: bool) -> bool:
    is_delete = operation.name == "delete"
    match stage:
        case "authorize" | "load":
            return False
        case "links":
            return plan.has_links and not is_delete
        case "before_hooks" | "after_hooks":
            return _has_hooks(stage, plan, operation)
        case "validate":
            return may_change and not is_delete
        case "linked":
            return is_delete
        case "number":
            return may_change and operation is CREATE and isinstance(plan.naming, SeriesNaming)
        case "scope":
            return not is_delete
    return True


def _has_hooks(stage: str, plan: CompiledDocType, operation: Operation) -> bool:
    hooks = {"before_hooks": operation.before, "after_hooks": operation.after}.get(stage, ())
    return not plan.hooks.isdisjoint(hooks)
