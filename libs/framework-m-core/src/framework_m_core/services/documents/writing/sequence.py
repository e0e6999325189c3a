"""`steps_of`: the stages of a registry that an operation on a DocType runs, without those that have nothing to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.documents.naming import FieldNaming, SeriesNaming
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.write_stages import PlacedStage
from framework_m_core.services.documents.writing.write import AMEND, DocumentWrite, Operation

__all__ = ["StageRun", "WriteSequence", "may_change", "steps_of"]

type StageRun = Callable[[DocumentWrite], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WriteSequence:
    """The stages of one operation on one DocType, before and after the check whether there is anything to store."""

    before: tuple[StageRun, ...]
    after: tuple[StageRun, ...]


def steps_of(plan: CompiledDocType, operation: Operation, registry: RegistryView) -> list[PlacedStage]:
    """Return the stages of an operation on a DocType, with the steps between them, in order."""
    return [*_steps(plan, operation, registry)]


def may_change(plan: CompiledDocType, operation: Operation, registry: RegistryView) -> bool:
    """Return whether hooks or declared stages may change a document between its parsing and its validation."""
    early = registry.stages[: [*registry.stages].index("validate")]
    declared = any(not isinstance(stage, str) and stage.takes_part(operation.name, plan.name) for stage in early)
    return declared or not plan.hooks.isdisjoint(operation.before)


def _steps(plan: CompiledDocType, operation: Operation, registry: RegistryView) -> Iterator[PlacedStage]:
    """Yield the stages that have something to do, in order, with the steps between them."""
    present = [
        stage for stage in registry.stages if isinstance(stage, str) or stage.takes_part(operation.name, plan.name)
    ]
    late, changes = present[present.index("store") :], may_change(plan, operation, registry)
    follows = [stage for stage in late if not isinstance(stage, str) or _has_hooks(stage, plan, operation)]
    for stage in present:
        if follows and stage is follows[0]:
            yield "flush"
        if stage == "link_guards":
            applies = _guards_links(plan, operation, registry)
        else:
            applies = not isinstance(stage, str) or _applies(stage, plan, operation, may_change=changes)
        if applies:
            yield from _with_steps(stage, operation, may_change=changes)
    if follows:
        yield "read_again"


def _with_steps(stage: PlacedStage, operation: Operation, *, may_change: bool) -> Iterator[PlacedStage]:
    if stage == "parse":
        if may_change and operation.name != "delete":
            yield "note_kept"
        return
    if stage == "store" and operation.name == "update":
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
        case "compute":
            return plan.has_computed and not is_delete
        case "validate":
            return may_change and not is_delete
        case "number":
            renamed = FieldNaming if operation is AMEND else (SeriesNaming, FieldNaming)
            return may_change and operation.name == "create" and isinstance(plan.naming, renamed)
        case "scope":
            return not is_delete
    return True


def _guards_links(plan: CompiledDocType, operation: Operation, registry: RegistryView) -> bool:
    """Return whether links to or from the document can refuse the operation."""
    if operation.name == "cancel":
        return any(one.refuses_cancelled for one in registry.referrers.get(plan.name, ()))
    if operation.name == "restore":
        return plan.has_links
    return operation.name == "delete" or plan.name in registry.guarded_links


def _has_hooks(stage: str, plan: CompiledDocType, operation: Operation) -> bool:
    hooks = {"before_hooks": operation.before, "after_hooks": operation.after}.get(stage, ())
    return not plan.hooks.isdisjoint(hooks)
