"""The body of a compute call: the values of a form, the document that it changes, and a number to echo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_standard.http.wire.paths import parse_uuid

__all__ = ["FORM_PROPERTIES", "Form", "parse_form"]

_INT64: Final = 1 << 63
FORM_PROPERTIES: Final[dict[str, Any]] = {
    "id": {"type": ["string", "null"], "description": "The id or the name of the document that the form changes."},
    "seq": {"type": ["integer", "null"], "format": "int64", "description": "A number that the response repeats."},
}


class Form(NamedTuple):
    """A form: what it holds, and the document that it changes, if it is stored."""

    data: Mapping[str, Any]
    ref: UUID | str | None
    seq: int | None


def parse_form(body: Mapping[str, Any]) -> Form:
    """Return the form in a body. Raises ValidationError, all errors listed."""
    choices = ("data", *FORM_PROPERTIES)
    errors = [FieldError(name, "unknown_field", params={"choices": choices}) for name in body if name not in choices]
    data, id, seq = (body.get(name) for name in ("data", "id", "seq"))
    if not isinstance(data, Mapping):
        is_given = "data" in body
        params = {"type": "object"} if is_given else {}
        errors.append(FieldError("data", "wrong_type" if is_given else "required", params=params))
    if id is not None and not isinstance(id, str):
        errors.append(FieldError("id", "wrong_type", params={"type": "text"}))
    if seq is not None and (not isinstance(seq, int) or isinstance(seq, bool) or not -_INT64 <= seq < _INT64):
        errors.append(FieldError("seq", "wrong_type", params={"type": "integer"}))
    if errors or not isinstance(data, Mapping):
        raise ValidationError("expected a form as data, and perhaps id and seq", errors)
    return Form(data, (parse_uuid(id) or id) if isinstance(id, str) else None, seq)
