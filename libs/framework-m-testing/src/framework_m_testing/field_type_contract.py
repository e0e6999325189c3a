"""`FieldTypeContract`: tests that every field type must pass.

```python
class TestMoney(FieldTypeContract):
    field_type = MoneyType()
```
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from hypothesis import find, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, create_model
from pydantic_core import to_json

from framework_m_core.domain.fields.field_type import ORDERING, FieldType
from framework_m_core.domain.fields.spec import FieldSpec, read_field_spec
from framework_m_core.domain.fields.values import from_json, normalize_value
from framework_m_core.registry.extensions import Extensions
from framework_m_testing.contracts.contract import Contract
from framework_m_testing.strategies import custom_values

__all__ = ["FieldTypeContract"]

_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


class FieldTypeContract(Contract):
    """A contract of field types.

    Values are generated from the examples of the schema and from the parts. Override `values` for a type of which
    these make too few.
    """

    field_type: ClassVar[FieldType[Any]]

    @cached_property
    def spec(self) -> FieldSpec:
        """A field of the type."""
        model = create_model("Sample", value=(self.field_type.python_type, ...))
        return read_field_spec("value", model.model_fields["value"], {self.field_type.python_type: self.field_type})

    @cached_property
    def values(self) -> st.SearchStrategy[Any]:
        """Values of the field type."""
        return custom_values(replace(self.spec, nullable=False))

    async def test_it_can_be_declared(self) -> None:
        """The declaration has no errors, and pydantic knows the class of the values."""
        assert Extensions((self.field_type,)).types == {self.field_type.python_type: self.field_type}
        TypeAdapter(self.field_type.python_type)

    async def test_its_schema_accepts_its_examples(self) -> None:
        """The JSON Schema is valid and has examples, which it and the field type accept."""
        schema = dict(self.field_type.json_schema())
        Draft202012Validator.check_schema(schema)
        assert schema["examples"]
        for example in schema["examples"]:
            Draft202012Validator(schema).validate(example)
            from_json(self.spec, example)

    async def test_there_are_values_to_compare(self) -> None:
        """Several values are generated, without which the other tests would prove little."""
        first = from_json(self.spec, self.field_type.json_schema()["examples"][0])
        assert find(self.values, lambda value: bool(value != first)) is not None

    async def test_a_stored_value_comes_back(self) -> None:
        """Parts make the value that they were made of, of the same class and with the same hash."""

        @given(self.values)
        def check(value: Any) -> None:
            parts = self.field_type.to_parts(value)
            again = self.field_type.from_parts(parts)
            assert type(parts) is tuple
            assert len(parts) == len(self.field_type.parts)
            assert (again, hash(again), type(again)) == (value, hash(value), self.field_type.python_type)
            assert normalize_value(self.spec, value) == value

        check()

    async def test_a_value_comes_back_from_json(self) -> None:
        """A value is JSON of its schema, which is accepted as the same value, as is the value itself."""

        @given(self.values)
        def check(value: Any) -> None:
            travelled = to_json(self.field_type.to_json(value))
            Draft202012Validator(dict(self.field_type.json_schema())).validate(json.loads(travelled))
            assert from_json(self.spec, json.loads(travelled, parse_float=Decimal)) == value
            assert self.field_type.from_json(value) == value
            assert TypeAdapter(self.field_type.python_type).validate_python(value) == value

        check()

    async def test_anything_else_is_refused_by_a_value_error(self) -> None:
        """JSON that is no value raises ValueError, and no other error."""

        @given(_ANYTHING)
        def check(raw: Any) -> None:
            try:
                value = from_json(self.spec, raw)
            except (ValueError, OverflowError):
                return
            assert value is None or from_json(self.spec, self.field_type.to_json(value)) == value

        check()

    async def test_equal_values_have_equal_parts(self) -> None:
        """Values are equal if and only if their parts are, since stores compare parts."""

        @given(self.values, self.values)
        def check(one: Any, other: Any) -> None:
            assert (one == other) is (self.field_type.to_parts(one) == self.field_type.to_parts(other))

        check()

    async def test_the_order_of_sortable_values_is_that_of_their_part(self) -> None:
        """A type that is sortable or offers comparison keeps the order of its values in what it stores."""
        if not self.field_type.sortable:
            assert not ORDERING.intersection(self.field_type.operators)
            return

        @given(self.values, self.values)
        def check(one: Any, other: Any) -> None:
            assert (one < other) is (self.field_type.to_parts(one) < self.field_type.to_parts(other))

        check()
