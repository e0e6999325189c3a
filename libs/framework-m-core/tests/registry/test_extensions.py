"""What packages add to DocTypes: declarations that cannot work are refused, all together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.ext import ExtNamespace
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.fields.field_type import FieldType, Part
from framework_m_core.domain.fields.kinds import FieldKind
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.extensions import Extensions
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names


@dataclass(frozen=True)
class Tint:
    """A colour by its number."""

    number: int


@dataclass
class Mutable:
    """A value that can be changed."""

    number: int = 0


class TintType(FieldType[Any]):
    name = "tint"
    python_type: ClassVar[type[Any]] = Tint
    parts: ClassVar[tuple[Part, ...]] = (Part("", FieldKind.INTEGER),)
    operators = frozenset({"eq", "ne", "in", "lt"})
    sortable = True

    def json_schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "examples": [1]}

    def to_parts(self, value: Tint) -> tuple[Any, ...]:
        return (value.number,)

    def from_parts(self, parts: tuple[Any, ...]) -> Tint:
        return Tint(*parts)

    def to_json(self, value: Tint) -> int:
        return value.number

    def from_json(self, raw: Any) -> Tint:
        if isinstance(raw, Tint):
            return raw
        if not isinstance(raw, int):
            raise ValueError("an integer is expected")
        return Tint(raw)


def _changed(**attributes: Any) -> FieldType[Any]:
    made: FieldType[Any] = type("Changed", (TintType,), attributes)()
    return made


def _find_errors(**declared: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        Extensions(**declared)
    return list(refused.value.errors)


TWO = (Part("a", FieldKind.INTEGER), Part("b", FieldKind.TEXT))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"parts": ()}, "parts is not set"),
        ({"name": ""}, "name is not set"),
        ({"name": None, "python_type": int}, "field type 'Changed': name is not set"),
        ({"name": 1}, "name: expected text, got 1"),
        ({"python_type": "int"}, "python_type: expected a class, got 'int'"),
        ({"python_type": list[int]}, "python_type: expected a class, got list[int]"),
        ({"python_type": Mutable}, "expected an immutable class"),
        ({"python_type": int}, "int is a built-in type"),
        ({"parts": (Part("", FieldKind.CHILDREN),)}, "has the kind children: expected one of"),
        ({"parts": (Part("", FieldKind.CUSTOM),)}, "has the kind custom: expected one of"),
        ({"parts": (Part("", FieldKind.DECIMAL),)}, "expected a scale for a"),
        ({"parts": (TWO[0], TWO[0]), "sortable": False, "operators": ()}, "two parts have the same name: a, a"),
        ({"parts": (TWO[0], Part("B", FieldKind.TEXT)), "sortable": False}, "part 'B': expected a name"),
        ({"parts": TWO, "operators": ()}, "sortable=True: expected one part"),
        ({"parts": (Part("", FieldKind.JSON),), "operators": ()}, "sortable=True: expected one part"),
        ({"sortable": False}, "do not support the operator 'lt'"),
        ({"parts": TWO, "sortable": False, "operators": ("in",)}, "do not support the operator 'in'"),
        ({"operators": ("eg",)}, "do not support the operator 'eg'"),
        ({"parts": (Part("", FieldKind.JSON),), "sortable": False}, "do not support the operator 'eq'"),
    ],
)  # fmt: skip
def test_a_field_type_that_cannot_work_is_refused(attributes: dict[str, Any], said: str) -> None:
    assert any(said in error for error in _find_errors(field_types=(_changed(**attributes),)))


def test_a_type_with_errors_hides_no_error_of_another() -> None:
    told = _find_errors(field_types=(_changed(python_type="int"), _changed(python_type=int), TintType(), TintType()))
    assert len(told) == 4
    assert_names(told[0], "'tint'", "python_type", "'int'")
    assert_names(told[1], "'tint'", "int", "built-in")
    assert_names(told[2], "field type 'tint'", "2")
    assert_names(told[3], "class", "'Tint'", "2")


def test_all_errors_are_told_at_once() -> None:
    errors = _find_errors(
        field_types=(TintType(), TintType()),
        added_actions=(Action("Approve"), Action("read"), Action("export"), Action("export")),
        namespaces=(ExtNamespace("desk"),),
    )
    assert_names(errors, "field type 'tint'", "2")
    assert_names(errors, "class", "'Tint'", "2")
    assert_names(errors, "action 'Approve'", "verb")
    assert_names(errors, "action 'read'", "framework")
    assert_names(errors, "action 'export'", "2")
    assert_names(errors, "ext namespace 'desk'", "model")


class DeskOptions(BaseModel):
    """Options of a field."""

    width: int = 1


class Wall(FakeDocType):
    """A field of the type."""

    tint: Tint = Field(default=Tint(1), index=True, ext={"desk": {"width": 2}})
    other: Tint | None = Field(default=None, ext={"desk": {}})

    class Meta:
        permissions = {"paint": ["Painter"]}
        indexes = (("tint", "creation"),)


EXTENSIONS = Extensions((TintType(),), (Action("paint"),), (ExtNamespace("desk", field=DeskOptions),))


def test_a_doctype_holds_what_was_validated() -> None:
    builder = RegistryBuilder(EXTENSIONS)
    builder.add_doctype(Wall, "walls")
    plan = builder.freeze().get("Wall")
    assert plan.fields["tint"].ext == {"desk": {"width": 2}}
    assert plan.fields["other"].ext == {"desk": {"width": 1}}
    assert [column.name for column in plan.fields["tint"].columns] == ["tint"]
    assert plan.meta.roles == {"Painter"}


def test_without_the_package_the_doctype_is_refused() -> None:
    builder = RegistryBuilder()
    builder.add_doctype(Wall, "walls")
    with pytest.raises(ConfigurationError) as refused:
        builder.freeze()
    assert_names(refused.value.errors, "Meta.permissions", "action 'paint'")
    assert_names(refused.value.errors, "field 'tint'", "Tint", "cannot be stored")


def test_a_wrong_option_hides_no_action_of_a_package() -> None:
    class Broken(FakeDocType):
        class Meta:
            submitable = True
            permissions = {"paint": {"Chief": "all"}}

    builder = RegistryBuilder(EXTENSIONS)
    builder.add_doctype(Broken, "shop")
    with pytest.raises(ConfigurationError) as refused:
        builder.freeze()
    assert [error for error in refused.value.errors if "submitable" not in error] == []


def test_a_registry_of_other_types_reuses_nothing() -> None:
    def built(extensions: Extensions, previous: Any = None) -> Any:
        builder = RegistryBuilder(extensions)
        builder.add_doctype(Wall, "walls")
        return builder.freeze(previous)

    first = built(EXTENSIONS)
    other = Extensions((TintType(),), EXTENSIONS.added_actions, EXTENSIONS.namespaces)
    assert built(EXTENSIONS, first).get("Wall") is first.get("Wall")
    assert built(other, first).get("Wall") is not first.get("Wall")


def test_an_override_cannot_change_the_type() -> None:
    class Repainted(Wall):
        tint: int = 0  # type: ignore[assignment]

        class Meta:
            overrides = True

    builder = RegistryBuilder(EXTENSIONS)
    builder.add_doctype(Wall, "walls")
    builder.add_doctype(Repainted, "others")
    with pytest.raises(ConfigurationError) as refused:
        builder.freeze()
    assert_names(refused.value.errors, "Repainted", "'tint'", "custom", "Wall", "integer")
