"""Checks that each option has an effect where it stands; one without is refused with what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_json

from framework_m_core.domain.documents.meta import MetaOptions
from framework_m_core.domain.documents.naming import FieldNaming
from framework_m_core.domain.fields.constraints import split_constraints
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["check_effects", "check_pydantic_options"]

_OF_DOCUMENTS: Final = (
    "permissions", "rls_field", "naming", "allow_rename", "rename_with_field", "submittable", "indexes",
    "unique_together", "title_field", "order_by", "default_filters", "api_resource", "module",
)  # fmt: skip
"""Options of `Meta` that rows have with their parent."""

_WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    "exclude": "declare who reads the field by permlevel",
    "exclude_if": "declare who reads the field by permlevel",
    "frozen": "set read_only=True, or refuse the change in validate()",
    "init": "it is for dataclasses",
    "init_var": "it is for dataclasses",
    "kw_only": "it is for dataclasses",
}
"""Pydantic's keywords that nothing reads in a DocType, with what to do instead."""


_NUMBERS: Final = frozenset({FieldKind.INTEGER, FieldKind.FLOAT, FieldKind.DECIMAL, FieldKind.CUSTOM})
_ORDERED: Final = _NUMBERS | {FieldKind.DATE, FieldKind.DATETIME}
_SIZED: Final = frozenset({FieldKind.TEXT, FieldKind.BYTES, FieldKind.JSON, FieldKind.CHILDREN, FieldKind.CUSTOM})
_FITTING: Final[Mapping[str, frozenset[FieldKind]]] = {
    **dict.fromkeys(("gt", "ge", "lt", "le"), _ORDERED),
    "multiple_of": _NUMBERS,
    "allow_inf_nan": frozenset({FieldKind.FLOAT, FieldKind.DECIMAL}),
    **dict.fromkeys(("max_digits", "decimal_places"), frozenset({FieldKind.DECIMAL})),
    **dict.fromkeys(("min_length", "max_length"), _SIZED),
    **dict.fromkeys(("pattern", "coerce_numbers_to_str"), frozenset({FieldKind.TEXT})),
}
"""The kinds to which pydantic can apply a constraint; on others it fails at each value."""


def check_pydantic_options(spec: FieldSpec, info: FieldInfo) -> Iterator[str]:
    """Yield an error for each of pydantic's keywords that has no effect on a field, or that no value could meet."""
    for keyword, instead in _WITHOUT_EFFECT.items():
        if getattr(info, keyword, None) not in (None, False):
            yield f"field {spec.name!r}: {keyword} has no effect in a DocType: remove it, {instead}"
    yield from (f"field {spec.name!r}: {error}" for error in _check_shown(_shown_options(spec, info)))
    for constraint in split_constraints(info)[1]:
        for keyword, kinds in _FITTING.items():
            if getattr(constraint, keyword, None) is not None and not _fits(spec, info, kinds):
                yield f"field {spec.name!r}: {keyword} cannot be applied to {_shown(spec)}: remove it"
        if getattr(constraint, "strict", None) and (spec.enum or spec.child):
            yield f"field {spec.name!r}: strict would refuse what is read back from JSON: remove it"


def _shown_options(spec: FieldSpec, info: FieldInfo) -> Mapping[str, Any]:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    shown = {name: getattr(info, name) for name in ("title", "description", "examples", "deprecated")}
    return {**shown, **{name: value for name, value in extra.items() if name != "ext"}, "choices": spec.choices}


def _check_shown(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield an error for each option that the description of a DocType could not show, as it would not be JSON."""
    for name, value in options.items():
        try:
            to_json(value)
        except (PydanticSerializationError, ValueError) as error:
            yield f"{name} is shown to clients, and cannot be written as JSON: {error}"


def _fits(spec: FieldSpec, info: FieldInfo, kinds: Collection[FieldKind]) -> bool:
    return spec.kind in kinds and not spec.choices and not spec.enum and info.annotation not in (Any, object)


def _shown(spec: FieldSpec) -> str:
    return "choices" if spec.choices or spec.enum else f"the kind {spec.kind}"


def check_effects(plan: CompiledDocType, others: Collection[CompiledDocType]) -> Iterator[str]:
    """Yield an error for each option of a DocType, or of a child table within `others`, that has no effect."""
    if plan.meta.is_child_table:
        yield from _check_row_options(plan)
        holders = [one for one in others if any(child.doctype == plan.name for child in one.children.values())]
    else:
        holders = [plan]
    if holders and not any(holder.meta.submittable for holder in holders):
        yield from _check_on_submit(plan, holders)
    yield from _check_meta_texts(plan)
    if plan.controller and not plan.meta.submittable:
        for hook in vars(plan.controller).keys() & {"on_submit", "on_cancel"}:
            yield f"{hook} would never be called, as {plan.name} cannot be submitted: set Meta.submittable = True"
    submittable = {one.name for one in others if one.meta.submittable}
    for name, spec in plan.fields.items():
        if spec.on_cancel and spec.link not in submittable:
            yield f"field {name!r}: on_cancel has no effect, as {spec.link} cannot be cancelled: remove it"
        yield from _check_copying(plan, spec)
        if spec.required and spec.read_only:
            yield f"field {name!r}: a read_only field is never given, so it cannot be required: give it a default"


def _check_copying(plan: CompiledDocType, spec: FieldSpec) -> Iterator[str]:
    """Yield the errors of the options about changes and copies of a field."""
    names_document = isinstance(plan.naming, FieldNaming) and plan.naming.field == spec.name
    if spec.set_once and spec.fetch_from:
        yield f"field {spec.name!r}: set_once has no effect, as the value follows its link: set it on the link"
    elif spec.set_once and spec.child:
        row = spec.child.__name__
        yield f"field {spec.name!r}: set_once has no effect on a list of rows: set it on fields of {row}"
    elif spec.set_once and names_document:
        yield f"field {spec.name!r}: set_once has no effect, as it names its document: set Meta.allow_rename = False"
    if spec.no_copy and (spec.read_only or spec.unique or names_document):
        kind = "is read_only" if spec.read_only else "is unique" if spec.unique else "names its document"
        yield f"field {spec.name!r}: no_copy has no effect, as a field that {kind} is never copied: remove it"


def _check_meta_texts(plan: CompiledDocType) -> Iterator[str]:
    meta = plan.meta
    shown = {"label": meta.label, "module": meta.module, "permissions": sorted(meta.roles)}
    yield from (f"Meta.{error}" for error in _check_shown(shown))
    yield from _check_shown({"its docstring": plan.model.__doc__})


def _check_row_options(plan: CompiledDocType) -> Iterator[str]:
    for option in _OF_DOCUMENTS:
        value, default = getattr(plan.meta, option), MetaOptions.model_fields[option].default
        if option in plan.meta.model_fields_set and (value or value != default):
            yield f"Meta.{option}: a child table is stored, named and protected with its parent: remove the option"
    if plan.meta.label:
        yield "Meta.label: rows are shown under the field that holds them: set label= there"
    for name, spec in plan.fields.items():
        if spec.unique:
            yield (
                f"field {name!r}: unique=True has no effect in a child table: compare the rows in validate(), or make "
                f"{plan.name} a DocType of its own that links to its parent"
            )


def _check_on_submit(plan: CompiledDocType, holders: Collection[CompiledDocType]) -> Iterator[str]:
    names = ", ".join(sorted(holder.name for holder in holders))
    for name, spec in plan.fields.items():
        if spec.allow_on_submit:
            yield (
                f"field {name!r}: allow_on_submit=True has no effect, as {names} cannot be submitted: set "
                "Meta.submittable = True there, or remove it"
            )
