"""`errors.md`: the codes of errors that a client may meet, and their HTTP status."""

import inspect
from collections.abc import Iterator
from http import HTTPStatus

import framework_m
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.domain.errors import FrameworkError
from framework_m_standard.http.wire.error_responses import status_of
from scripts.reference.markdown import one_line, table

__all__ = ["errors_page"]

_HEAD = """# Errors over HTTP

Generated from the error classes by `make reference`. An error is `application/problem+json` with `type`, `title`,
`status`, `detail`, `code` and `request_id`; `errors` lists the field errors of a `400`. Any other error is a
`500` with the code `internal_error`: find it by its request id in the server's log.

The named classes can be imported from `framework_m`, to raise or catch them. Each subclass has its own line:
`except PermissionDeniedError` also catches `no_grant` and `outside_scope`.
"""
_PACKAGES = ("framework_m_core", "framework_m_standard")


def errors_page() -> str:
    """Return the page of all codes, by status."""
    for name in _PACKAGES:
        for _ in discovery.modules_of(__import__(name)):
            pass  # importing a module registers its subclasses
    kinds = sorted(_told(), key=lambda kind: (_status(kind), kind.code))
    rows = ([str(_status(kind)), f"`{kind.code}`", _class(kind), _meaning(kind)] for kind in kinds)
    return "\n".join([_HEAD, *table(["status", "code", "class", "when"], rows), ""])


def _told() -> Iterator[type[FrameworkError]]:
    seen = [FrameworkError]
    for kind in seen:
        seen += [part for part in kind.__subclasses__() if part.__module__.startswith(_PACKAGES)]
    for kind in dict.fromkeys(seen):
        if _status(kind) != HTTPStatus.INTERNAL_SERVER_ERROR:
            yield kind


def _class(kind: type[FrameworkError]) -> str:
    return f"`{kind.__name__}`" if kind.__name__ in framework_m.__all__ else ""


def _status(kind: type[FrameworkError]) -> int:
    return status_of(kind.__new__(kind))


def _meaning(kind: type[FrameworkError]) -> str:
    return one_line((inspect.getdoc(kind) or "").partition("\n\n")[0])
