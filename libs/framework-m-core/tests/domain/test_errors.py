"""The error tree: stable codes, messages and details that explain themselves."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from framework_m_core.domain import errors
from framework_m_core.domain.errors import (
    ConfigurationError,
    FieldError,
    FrameworkError,
    LinkTargetError,
    PreconditionFailedError,
    QueryError,
    RateLimitError,
    RepositoryError,
    TransientError,
    ValidationError,
    VersionConflictError,
)

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, FrameworkError)]


def test_the_tree_was_found() -> None:
    assert len(TREE) > 20


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_exported_has_a_code_of_its_own_and_says_what_it_means(kind: type[FrameworkError]) -> None:
    assert kind.__name__ in errors.__all__
    assert kind.__doc__
    assert "code" in vars(kind)
    assert [other for other in TREE if other.code == kind.code] == [kind]
    assert kind.code == kind.code.lower() and " " not in kind.code


def test_an_error_carries_its_message_and_details() -> None:
    error = VersionConflictError("read it again", version=3)
    assert (str(error), error.message, dict(error.details)) == ("read it again", "read it again", {"version": 3})


def test_a_validation_error_keeps_every_error() -> None:
    found = [FieldError("items.0.qty", "wrong_type", "expected a decimal"), FieldError("x", "required", "x")]
    error = ValidationError("not valid", (one for one in found), doctype="Order")
    assert error.errors == tuple(found)
    assert error.details == {"doctype": "Order"}
    assert isinstance(QueryError("x"), ValidationError) and isinstance(LinkTargetError("x"), ValidationError)


def test_a_validation_error_names_its_fields_within_bounds() -> None:
    typo = FieldError("ful_name", "unknown_field", "there is no such field: did you mean 'full_name'?")
    same = FieldError("*", "invalid", "not valid")
    error = ValidationError("not valid", [typo, same])
    assert str(error) == f"{error.message}; ful_name: {typo.message}"
    assert error.message == "not valid"
    many = str(ValidationError("not valid", [FieldError(f"f\n\x1b{'x' * 999}", "c", "m")] * 12))
    assert many.count("; f  x") == 10 and many.endswith("…; and 2 more") and len(many) < 2100


def test_a_configuration_error_lists_its_errors_a_line_each() -> None:
    error = ConfigurationError("cannot start:", iter(["one", "two"]))
    assert str(error).splitlines() == ["cannot start:", "  - one", "  - two"]
    assert error.details["errors"] == ("one", "two")
    assert str(ConfigurationError("just this")) == "just this"


def test_a_rate_limit_carries_when_to_try_again() -> None:
    limited = RateLimitError("wait", retry_after=7)
    assert (limited.retry_after, limited.details["retry_after"]) == (7, 7)


def test_families_that_callers_catch_together() -> None:
    assert issubclass(PreconditionFailedError, VersionConflictError)
    assert issubclass(TransientError, RepositoryError)
    assert not issubclass(VersionConflictError, RepositoryError)


@pytest.mark.parametrize("given", [("bad", ["qty"]), ("bad", "qty"), ({"qty": "bad"},)])
def test_a_validation_error_of_another_shape_says_how_it_is_made(given: Any) -> None:
    with pytest.raises(TypeError, match="FieldError"):
        ValidationError(*given)
