"""Look-ups and queries by code of apps that fail: never the 404 or 400 of the request itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from framework_m_core.domain.documents.names import is_uuid
from framework_m_core.domain.errors import (
    ControllerError,
    DocTypeNotFoundError,
    EntityNotFoundError,
    FieldError,
    QueryError,
    ValidationError,
)

__all__ = ["refuse_failed_lookups"]

_NO_ARGUMENTS: Final[Mapping[str, Any]] = MappingProxyType({})


@contextmanager
def refuse_failed_lookups(where: str, arguments: Mapping[str, Any] = _NO_ARGUMENTS) -> Iterator[None]:
    """Raise ControllerError, naming `where`, for a document or DocType that the block looked for in vain.

    Raises ValidationError at the argument of the call that names it. An EntityNotFoundError that the block raises
    itself is what the app states, and passes. A QueryError passes only if there are arguments that may have stated the
    query.
    """
    try:
        yield
    except QueryError as error:
        if arguments:
            raise
        raise ControllerError(f"{where} made a query that its caller cannot run: {error}", running=where) from error
    except (DocTypeNotFoundError, EntityNotFoundError) as error:
        if "doctype" not in error.details:
            raise
        doctype = str(error.details["doctype"])
        sought = str(error.details.get("ref", doctype))
        for name, value in arguments.items():
            if str(value) == sought:
                raise ValidationError("the arguments are not valid", [_invalid(name, doctype, sought)]) from error
        raise ControllerError(
            f"{where} looked for what does not exist or its caller may not read: {error}; expected it to catch this "
            "error, and to raise ValidationError for what the caller can mend",
            running=where,
        ) from error


def _invalid(argument: str, doctype: str, sought: str) -> FieldError:
    params = {} if sought == doctype else {"doctype": doctype}
    return FieldError(argument, "invalid_link", params=params if is_uuid(sought) else {**params, "name": sought})
