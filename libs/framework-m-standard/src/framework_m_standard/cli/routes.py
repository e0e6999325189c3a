"""`m routes`: list the routes of the app and who may call them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from framework_m_core.bootstrap.application import Application
from framework_m_core.cli.declared import compile_declared, load_local_application
from framework_m_core.cli.tables import print_table
from framework_m_core.domain.errors import DocTypeNotFoundError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.endpoints import Endpoint
from framework_m_core.registry.registry import Registry
from framework_m_standard.http.app_routes.declared import load_routes
from framework_m_standard.http.documents.operation_table import list_document_operations
from framework_m_standard.http.routes.table import CALL_FUNCTION, CALL_METHOD, FIXED_ROUTES

__all__ = ["Line", "routes"]

type Line = tuple[str, str, str]

_NEEDS = {
    "none": "open",
    "login": "credentials in its body",
    "authenticated": "a login",
}


def routes(doctype: Annotated[str | None, Parameter(help="List only the routes of this DocType.")] = None, /) -> None:
    """List the routes of the app in this folder, and what each requires of its callers.

    For example:
      m routes
      m routes Invoice
    """
    application = load_local_application()
    registry = compile_declared(application)
    served = [name for name, plan in registry.doctypes.items() if plan.meta.has_api]
    if doctype is not None and doctype not in served:
        raise DocTypeNotFoundError(
            f"expected a DocType that is served over HTTP, got {doctype!r}{did_you_mean(doctype, served)}"
        )
    print_table(_fixed() if doctype is None else ())
    for name in sorted(served) if doctype is None else [doctype]:
        print_table(_of_doctype(registry, name))
    print_table(_functions(registry) if doctype is None else ())
    print_table(_of_apps(application, registry) if doctype is None else ())


def _fixed() -> Iterator[Line]:
    for route in FIXED_ROUTES:
        if route.action in _NEEDS:
            yield route.method, route.path, _NEEDS[route.action]


def _of_doctype(registry: Registry, name: str) -> Iterator[Line]:
    plan = registry.get(name)
    for one in list_document_operations():
        if one.serves(plan):
            path = one.template.replace("{doctype}", name)
            yield one.method, f"{path}?{one.variant}" if one.variant else path, f"{one.action} {name}"
    for method, call in plan.calls.items():
        yield CALL_METHOD.method, CALL_METHOD.path.format(doctype=name, method=method), _requirement(call)


def _functions(registry: Registry) -> Iterator[Line]:
    for path, call in registry.functions.items():
        yield CALL_FUNCTION.method, CALL_FUNCTION.path.format(function=path), _requirement(call)


def _of_apps(application: Application, registry: Registry) -> Iterator[Line]:
    for route in load_routes(application.settings.discovered, registry, application.injectables).routes:
        for method in route.methods:
            yield method, route.path, route.policy.needs


def _requirement(call: Endpoint) -> str:
    return f"{call.action} {call.doctype}" if call.action else "open"
