"""Every option of `Field` and `Meta`, wherever it may stand, has an effect or stops the start."""

from __future__ import annotations

import types
from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

import pytest

from framework_m_core.domain.documents.meta import MetaOptions
from framework_m_core.domain.fields.field import Field, list_keywords
from framework_m_core.registry.registry import Registry
from framework_m_core.services.metadata.disclosure import Disclosure
from framework_m_core.services.metadata.schemas import describe_document
from framework_m_core.services.metadata.service import _describe, _Shown
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names, names_all

from .conftest import compiled, errors_of

PLACES: Final = ("document", "rows", "list")
"""A field of a document, one of its rows, and the list that holds the rows."""

TEXT, LINK, NUMBER = str | None, UUID | None, float | None

STORED: Final = "stored"
"""The option has an effect on what is stored, shown by tests/services/test_option_effects.py of standard."""
SHOWN: Final = "shown"
"""The option changes the description of the DocType."""
CHECKED: Final = "checked"
"""The option is a bound that pydantic checks."""

KEYWORDS: Final[dict[str, tuple[Any, Any, tuple[str, str, str]]]] = {
    "link": ("Target", LINK, (STORED, STORED, "expected the type UUID")),
    "on_cancel": ("refuse", LINK, ("on a field with link= only",) * 3),  # with link=: test_cancelled_targets.py
    "fetch_from": ("to.label", TEXT, (STORED, STORED, "must be 'str | None'")),
    "label": ("Title", TEXT, (SHOWN, SHOWN, SHOWN)),
    "unique": (True, TEXT, (STORED, "unique=True has no effect in a child table", "expected a scalar type")),
    "index": (True, TEXT, (STORED, STORED, "expected values that can be compared")),
    "in_list": (True, TEXT, (SHOWN, SHOWN, SHOWN)),
    "read_only": (True, TEXT, (STORED, STORED, STORED)),
    "set_once": (True, TEXT, (STORED, STORED, "set_once has no effect on a list of rows")),
    "no_copy": (True, TEXT, (STORED, STORED, STORED)),
    "allow_on_submit": (True, TEXT, (STORED, STORED, STORED)),
    "permlevel": (1, TEXT, (STORED, STORED, STORED)),
    "sensitive": (True, TEXT, (STORED, STORED, STORED)),
    "scale": (2, TEXT, ("on a Decimal", "on a Decimal", "on a Decimal")),
    "ext": ({"x": 1}, TEXT, ("has no namespace 'x'", "has no namespace 'x'", "has no namespace 'x'")),
    "title": ("T", TEXT, (SHOWN, SHOWN, SHOWN)),
    "description": ("D", TEXT, (SHOWN, SHOWN, SHOWN)),
    "examples": (["e"], TEXT, (SHOWN, SHOWN, SHOWN)),
    "deprecated": (True, TEXT, (SHOWN, SHOWN, SHOWN)),
    "json_schema_extra": ({"z": 1}, TEXT, (SHOWN, SHOWN, SHOWN)),
    "field_title_generator": (lambda *_: "G", TEXT, (SHOWN, SHOWN, SHOWN)),
    **dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of"), (1, NUMBER, (CHECKED, CHECKED, "cannot be applied"))),
    "allow_inf_nan": (False, NUMBER, (CHECKED, CHECKED, "cannot be applied")),
    **dict.fromkeys(("max_digits", "decimal_places"), (3, TEXT, ("cannot be applied",) * 3)),
    "pattern": ("^a$", TEXT, (CHECKED, CHECKED, "cannot be applied")),
    "coerce_numbers_to_str": (True, TEXT, (CHECKED, CHECKED, "cannot be applied")),
    "min_length": (1, TEXT, (CHECKED, CHECKED, CHECKED)),
    "max_length": (1, TEXT, (CHECKED, CHECKED, CHECKED)),
    "strict": (True, NUMBER, (CHECKED, CHECKED, "strict would refuse")),
    "fail_fast": (True, TEXT, ("import", "import", CHECKED)),
    "validate_default": (True, TEXT, (CHECKED, CHECKED, CHECKED)),
    "repr": (False, TEXT, (CHECKED, CHECKED, CHECKED)),
    "default": (None, TEXT, (CHECKED, CHECKED, "that may be None")),
    "default_factory": (lambda: None, TEXT, (CHECKED, CHECKED, CHECKED)),
    **dict.fromkeys(("alias", "validation_alias", "serialization_alias"), ("other", TEXT, ("aliases",) * 3)),
    "exclude": (True, TEXT, ("exclude has no effect",) * 3),
    "exclude_if": (bool, TEXT, ("exclude_if has no effect",) * 3),
    "frozen": (True, TEXT, ("frozen has no effect",) * 3),
    "init": (True, TEXT, ("init has no effect",) * 3),
    "init_var": (True, TEXT, ("init_var has no effect",) * 3),
    "kw_only": (True, TEXT, ("kw_only has no effect",) * 3),
    "discriminator": ("kind", TEXT, ("import",) * 3),
    "union_mode": ("smart", str, ("import",) * 3),
}
"""For each keyword: a value, the type of a field that takes it, and what it does at each place; anything else is text
of the refusal, and "import" pydantic's own."""

OPTIONS: Final[dict[str, tuple[Any, str, str]]] = {
    "permissions": ({"read": ["Clerk"]}, STORED, "Meta.permissions"),
    "rls_field": ("text", STORED, "Meta.rls_field"),
    "field_levels": ({1: {"read": ["Clerk"]}}, "lists level 1, which no field uses", "lists level 1"),
    "naming": ("prompt", STORED, "Meta.naming"),
    "allow_rename": (True, "has no effect, as documents without naming", "Meta.allow_rename"),
    "rename_with_field": (True, "has no effect without naming", "Meta.rename_with_field"),
    "title_field": ("text", STORED, "Meta.title_field"),
    "order_by": (("-text",), STORED, "Meta.order_by"),
    "default_filters": ({"text__ne": "x"}, STORED, "Meta.default_filters"),
    "indexes": ((("text",),), STORED, "Meta.indexes"),
    "unique_together": ((("text",),), STORED, "Meta.unique_together"),
    "submittable": (True, STORED, "Meta.submittable"),
    "is_child_table": (True, STORED, STORED),
    "overrides": (True, "expected a subclass", "expected a subclass"),
    "api_resource": (True, STORED, "Meta.api_resource"),
    "label": ("L", SHOWN, "Meta.label"),
    "module": ("M", SHOWN, "Meta.module"),
    "ext": ({"x": 1}, "has no namespace 'x'", "has no namespace 'x'"),
}


class Color(StrEnum):
    RED = "red"


class Target(FakeDocType):
    label: str | None = None


def _declared(place: str, keyword: str = "", value: Any = None, annotation: Any = TEXT) -> list[Any]:
    """A DocType and its rows, with a keyword at a place; `to` is a link from each."""
    base: dict[str, Any] = {"to": (LINK, Field(default=None, link="Target"))}
    stated = {keyword: value} if keyword else {}
    given: dict[str, Any] = {"default": None} | stated
    if "default_factory" in stated:
        given = stated
    levels = {"field_levels": {1: {"read": ["Clerk"]}}} if keyword == "permlevel" else {}
    taken = {**base, "it": (annotation, Field(**given))}
    row = _class(
        "Row", {"is_child_table": True, **(levels if place == "rows" else {})}, taken if place == "rows" else base
    )
    if place == "list" and "default" not in stated:
        given = {"default_factory": list} | stated
    lines = {"lines": (list[row], Field(**(given if place == "list" else {"default_factory": list})))}  # type: ignore[valid-type]
    fields = {**(taken if place == "document" else base), **lines}
    return [Target, row, _class("Subject", {"submittable": True, **(levels if place != "rows" else {})}, fields)]


def _class(name: str, meta: dict[str, Any], fields: dict[str, tuple[Any, Any]]) -> Any:
    body = {
        **{key: default for key, (_, default) in fields.items()},
        "__annotations__": {key: annotation for key, (annotation, _) in fields.items()},
        "__module__": __name__,
    }
    made = types.new_class(name, (FakeDocType,), {}, lambda namespace: namespace.update(body))
    made.Meta = type("Meta", (), meta)  # type: ignore[attr-defined]
    return made


def _shown(registry: Registry) -> object:
    plan = registry.get("Subject")
    paths = frozenset({*plan.fields, *(f"lines.{name}" for name in plan.children["lines"].fields)})
    told = Disclosure(paths, paths)
    described = dict(_describe({}, plan, _Shown(paths, paths, told), ()))
    return described, describe_document(plan, paths, paths, told)


def test_the_tables_hold_every_option() -> None:
    assert KEYWORDS.keys() == list_keywords()
    assert OPTIONS.keys() == MetaOptions.model_fields.keys()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_a_keyword_has_an_effect_or_is_refused(keyword: str, place: str) -> None:
    value, annotation, effects = KEYWORDS[keyword]
    effect = effects[PLACES.index(place)]
    if effect == "import":
        with pytest.raises((TypeError, RuntimeError, ValueError)):
            compiled(*_declared(place, keyword, value, annotation))
        return
    errors = errors_of(*_declared(place, keyword, value, annotation))
    if effect not in {STORED, SHOWN, CHECKED}:
        assert any(effect in error for error in errors), errors
        return
    assert errors == ()
    if effect == SHOWN:
        plain = _shown(compiled(*_declared(place, annotation=annotation)))
        assert _shown(compiled(*_declared(place, keyword, value, annotation))) != plain


@pytest.mark.parametrize("is_child", [False, True])
@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_an_option_has_an_effect_or_is_refused(option: str, is_child: bool) -> None:
    value, *effects = OPTIONS[option]
    subject = _class("Subject", {"is_child_table": is_child, option: value}, {"text": (str, "")})
    errors = errors_of(subject)
    if (effect := effects[is_child]) in {STORED, SHOWN}:
        assert errors == ()
    else:
        assert any(effect in error for error in errors), errors


@pytest.mark.parametrize(
    ("option", "value"), [("allow_rename", False), ("api_resource", False), ("rls_field", None), ("permissions", {})]
)
def test_an_option_that_turns_something_off_in_rows_is_refused_too(option: str, value: Any) -> None:
    subject = _class("Subject", {"is_child_table": True, option: value}, {"text": (str, "")})
    assert any(error.partition(": ")[2].startswith(f"Meta.{option}: ") for error in errors_of(subject))


@pytest.mark.parametrize(
    ("annotation", "keyword", "value"),
    [
        (Literal["a", "b"] | None, "max_length", 1), (Color | None, "pattern", "^a$"), (Color | None, "strict", True),
        (Any, "min_length", 1), (bool | None, "ge", 1), (UUID | None, "max_length", 40),
        (date | None, "multiple_of", 1),
        (bytes | None, "pattern", "^a$"), (int | None, "allow_inf_nan", False), (int | None, "max_length", 1),
    ],
)  # fmt: skip
def test_constraints_that_no_value_of_the_kind_could_meet(annotation: Any, keyword: str, value: Any) -> None:
    try:
        found = errors_of(*_declared("document", keyword, value, annotation))
    except TypeError:
        return  # pydantic refuses the class itself
    assert any(f"field 'it': {keyword} " in error for error in found), found


@pytest.mark.parametrize(
    ("annotation", "keyword", "value"),
    [
        (date | None, "ge", date(2020, 1, 1)), (list[str] | None, "max_length", 3),
        (dict[str, int] | None, "min_length", 1),
        (bytes | None, "max_length", 3), (int | None, "multiple_of", 5), (Color | None, "description", "D"),
    ],
)  # fmt: skip
def test_constraints_that_fit_are_kept(annotation: Any, keyword: str, value: Any) -> None:
    assert errors_of(*_declared("document", keyword, value, annotation)) == ()


def test_nothing_is_allowed_on_submit_of_what_is_not_submitted() -> None:
    row = _class("Row", {"is_child_table": True}, {"it": (str, Field(default="", allow_on_submit=True))})
    assert errors_of(row) == ()
    lines: dict[str, Any] = {"lines": (list[row], Field(default_factory=list, allow_on_submit=True))}  # type: ignore[valid-type]
    found = errors_of(row, _class("Subject", {}, lines))
    assert len(found) == 2
    assert all(names_all(error, "allow_on_submit=True", "Subject", "submitted") for error in found)
    assert errors_of(row, _class("Subject", {"submittable": True}, lines)) == ()


def test_a_field_that_nobody_sets_is_not_required() -> None:
    [found] = errors_of(_class("Subject", {}, {"it": (str, Field(read_only=True))}))
    assert_names(found, "'it'", "read_only", "required")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"label": "\ud800"}, "label"), ({"title": "\ud800"}, "title"), ({"description": "\ud800"}, "description"),
        ({"examples": ["\ud800"]}, "examples"), ({"json_schema_extra": {"x": object()}}, "x"),
        ({"deprecated": "\ud800"}, "deprecated"),
    ],
)  # fmt: skip
def test_what_is_shown_to_clients_can_be_written_as_json(options: dict[str, Any], named: str) -> None:
    class Shown(FakeDocType):
        text: str = Field(**options)

    assert_names(errors_of(Shown), "'text'", named, "JSON")


@pytest.mark.parametrize("options", [{"label": "\ud800"}, {"module": "\ud800"}, {"permissions": {"read": ["\ud800"]}}])
def test_options_of_meta_can_be_written_as_json(options: dict[str, Any]) -> None:
    class Shown(FakeDocType):
        text: str = ""

    Shown.Meta = type("Meta", (), options)  # type: ignore[attr-defined]
    assert_names(errors_of(Shown), *options, "JSON")
