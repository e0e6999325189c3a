"""The named stages of a write, and where the stages that apps and packages declare run among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from framework_m_core.controllers.write_stage import WRITE_OPERATIONS, StageFunction, StageMark
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["STAGES", "DeclaredStage", "PlacedStage", "arrange_stages", "check_stage"]

STAGES: Final = (
    "authorize",
    "load",
    "parse",
    "links",
    "before_hooks",
    "validate",
    "compute",
    "link_guards",
    "number",
    "scope",
    "store",
    "record",
    "after_hooks",
)
"""The framework's stages in their order; each operation has those that apply to it."""

_EARLY: Final = STAGES[: STAGES.index("parse")]


@dataclass(frozen=True, slots=True)
class DeclaredStage:
    """A function with the mark that says where and when it runs."""

    function: StageFunction
    mark: StageMark

    def takes_part(self, operation: str, doctype: str) -> bool:
        """Return whether the stage runs in an operation on a DocType."""
        return operation in self.mark.operations and (self.mark.doctypes is None or doctype in self.mark.doctypes)


type PlacedStage = str | DeclaredStage
"""A stage of the framework by its name, or a declared one."""


def arrange_stages(declared: Sequence[DeclaredStage]) -> tuple[PlacedStage, ...]:
    """Return the framework's stages with the declared ones in their places; those at one place go by name.

    Names must be unique. Stages that depend on each other in a cycle, or on a stage that is not there, are left out.
    """
    before: dict[str, list[DeclaredStage]] = {}
    after: dict[str, list[DeclaredStage]] = {}
    for stage in sorted(declared, key=lambda stage: stage.mark.name):
        if stage.mark.before is not None:
            before.setdefault(stage.mark.before, []).append(stage)
        elif stage.mark.after is not None:
            after.setdefault(stage.mark.after, []).append(stage)

    def around(stage: PlacedStage) -> Iterator[PlacedStage]:
        name = stage if isinstance(stage, str) else stage.mark.name
        for one in before.get(name, ()):
            yield from around(one)
        yield stage
        for one in after.get(name, ()):
            yield from around(one)

    return tuple(placed for stage in STAGES for placed in around(stage))


def check_stage(
    stage: DeclaredStage, named: Mapping[str, DeclaredStage], placed: Sequence[PlacedStage], doctypes: Sequence[str]
) -> Iterator[str]:
    """Yield the errors in a stage's mark, given all declared stages by name, the arranged ones and the DocTypes."""
    mark, known = stage.mark, (*STAGES, *sorted(named))
    errors = [*_check_name(stage, named), *_check_place(mark, known)]
    yield from errors
    if not errors and stage not in placed:
        yield f"@write_stage({mark.name!r}): its position depends on itself, {_cycle(stage, named)}"
    for operation in mark.operations:
        if operation not in WRITE_OPERATIONS:
            yield f"@write_stage({mark.name!r}): expected operations of {_list(WRITE_OPERATIONS)}, got {operation!r}"
    for doctype in mark.doctypes or ():
        if doctype not in doctypes:
            meant = did_you_mean(doctype, doctypes)
            yield f"@write_stage({mark.name!r}): expected names of DocTypes, got {doctype!r}{meant}"


def _check_name(stage: DeclaredStage, named: Mapping[str, DeclaredStage]) -> Iterator[str]:
    name = stage.mark.name
    if name in STAGES:
        yield f"@write_stage({name!r}): the framework already has a stage with this name: choose another"
    elif named[name] is not stage:
        other = named[name].function
        yield f"@write_stage({name!r}): declared by {other.__module__}.{other.__qualname__}: choose another name"


def _check_place(mark: StageMark, known: Sequence[str]) -> Iterator[str]:
    if (mark.before is None) == (mark.after is None):
        given = "neither" if mark.before is None else "both"
        yield f"@write_stage({mark.name!r}): expected either before= or after=, got {given}"
        return
    place = mark.before if mark.before is not None else str(mark.after)
    if place not in known:
        meant = did_you_mean(place, known)
        yield f"@write_stage({mark.name!r}): expected a stage of {_list(known)}, got {place!r}{meant}"
    elif place in _EARLY or mark.before == "parse":
        yield f"@write_stage({mark.name!r}): expected a position after 'parse', since there is no document before it"


def _cycle(stage: DeclaredStage, named: Mapping[str, DeclaredStage]) -> str:
    names = [stage.mark.name]
    while True:
        mark = named[names[-1]].mark
        place = str(mark.before if mark.before is not None else mark.after)
        if place in names or place not in named:
            return " - ".join([*names, place])
        names.append(place)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
