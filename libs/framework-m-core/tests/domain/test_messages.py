"""Messages of errors in fields: the only test that asserts their text; others assert codes and parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import framework_m_core
from framework_m_core.domain.errors import FieldError
from framework_m_core.domain.fields.kinds import STORED_KINDS
from framework_m_core.domain.fields.values import InvalidValueError
from framework_m_core.domain.messages import MESSAGES, TYPE_NAMES, format_message

TEMPLATES = [(code, template) for code, templates in MESSAGES.items() for template in templates]
SOURCE = Path(framework_m_core.__file__).parent


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize(("code", "template"), TEMPLATES)
def test_code_and_parameters_choose_one_template_and_fill_it_in(code: str, template: str) -> None:
    same = [other for other in MESSAGES[code] if _names(other) == _names(template)]
    assert same == [template]
    message = format_message(code, {name: f"<{name}>" for name in _names(template)})
    assert "{" not in message
    assert all(f"<{name}>" in message for name in _names(template))


@pytest.mark.parametrize(
    ("code", "params", "message"),
    [
        ("required", {}, "this field is required"),
        ("unknown_field", {"suggestion": "color"}, "there is no such field: did you mean 'color'?"),
        ("wrong_type", {"type": "integer"}, "expected an integer"),
        ("wrong_type", {"type": "json", "got": "set"}, "expected a JSON value, got set"),
        ("out_of_bounds", {"max_decimal_places": 2}, "expected at most 2 decimal places"),
        ("out_of_bounds", {"min": 1, "max": 500, "got": 0}, "expected 1 to 500, got 0"),
        ("out_of_bounds", {"max_fields": 5, "count": 6}, "expected at most 5 fields, got 6"),
        ("too_long", {"max_length": 255}, "expected at most 255 characters"),
        ("not_a_choice", {"choices": ["Open", "Closed"]}, "expected one of Open, Closed"),
        ("invalid_link", {"doctype": "Person"}, "there is no Person with this id that you can read"),
    ],
)
def test_a_message_says_what_was_expected(code: str, params: dict[str, Any], message: str) -> None:
    assert format_message(code, params) == message
    assert FieldError("x", code, params=params) == FieldError("x", code, message, params)
    assert str(InvalidValueError(code, **params)) == message


def test_what_a_template_fills_in_is_not_a_template_itself() -> None:
    assert format_message("unknown_field", {"suggestion": "{type}"}) == "there is no such field: did you mean '{type}'?"


@pytest.mark.parametrize(("code", "params"), [("closed", {}), ("wrong_type", {}), ("required", {"type": "text"})])
def test_a_code_without_a_template_needs_a_message(code: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a message"):
        FieldError("x", code, params=params)
    error = FieldError("x", code, "this list is closed", params)
    assert (error.message, error.params) == ("this list is closed", params)
    assert hash(error) == hash(FieldError("x", code, "this list is closed"))


def test_every_stored_kind_has_a_name() -> None:
    assert TYPE_NAMES.keys() >= STORED_KINDS


def _raised() -> Iterator[tuple[str, frozenset[str]]]:
    """Codes and parameters of the errors that core makes without a message, where they stand as literals."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(ast.Name("InvalidValueError"), [ast.Constant(str(code))], keywords):
                    yield code, frozenset(str(keyword.arg) for keyword in keywords)
                case ast.Call(ast.Name("FieldError"), [_, ast.Constant(str(code))], []):
                    yield code, frozenset()
                case ast.Call(
                    ast.Name("FieldError"), [_, ast.Constant(str(code))], [ast.keyword("params", ast.Dict(keys))]
                ):
                    yield code, frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant))


def test_every_error_that_core_makes_has_a_template() -> None:
    raised = [*_raised()]
    assert len(raised) > 30
    assert {*raised} <= {(code, frozenset(_names(template))) for code, template in TEMPLATES}
