"""App routes in the OpenAPI document: described by Litestar, with our errors and security."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from litestar import Litestar
from litestar.openapi import OpenAPIConfig

from framework_m_core.interfaces.permission import Grant
from framework_m_standard.http.app_routes.declared import NO_ROUTES, AppRoute, AppRoutes
from framework_m_standard.http.app_routes.policy import RoutePolicy
from framework_m_standard.http.openapi.parts.components import describe_requirement
from framework_m_standard.http.openapi.parts.responses import describe_problems

__all__ = ["AppPaths", "Visible"]

_PARAMETER: Final = re.compile(r"\{([^:}]+):[^}]*\}")
_SCHEMAS: Final = "#/components/schemas/"
_PREFIX: Final = "Routes-"
"""The prefix that separates the schemas of routes from those of DocTypes."""

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
_ERRORS: Final = (400, 401, 403, 503)
_WITH_BODY: Final = 413

type Visible = Mapping[str, Mapping[str, Grant]]


class AppPaths:
    """The OpenAPI parts of app routes. Litestar's description is read once, on first use."""

    def __init__(self, app_routes: AppRoutes = NO_ROUTES) -> None:
        self._app_routes = app_routes

    def describe_paths(self, visible: Visible) -> dict[str, Any]:
        """Return the operations that a caller may use."""
        found: dict[str, dict[str, Any]] = {}
        for route in self._app_routes.routes:
            path = _PARAMETER.sub(r"{\1}", route.path)
            if not route.is_socket and route.policy.admits(visible):
                for method in map(str.lower, route.methods):
                    known = self._described["paths"].get(path, {}).get(method)
                    if known is not None:
                        found.setdefault(path, {})[method] = _operation(route, known)
        return found

    def describe_schemas(self) -> dict[str, Any]:
        """Return the schemas used by the bodies of routes."""
        schemas = self._described.get("components", {}).get("schemas", {})
        return {_named(name): schema for name, schema in schemas.items()}

    def describe_sockets(self, visible: Visible) -> dict[str, Any]:
        """Return the sockets that a caller may open, which OpenAPI itself cannot describe."""
        return {
            _PARAMETER.sub(r"{\1}", route.path): {"summary": route.about, "needs": route.policy.needs}
            for route in self._app_routes.routes
            if route.is_socket and route.policy.admits(visible)
        }

    @cached_property
    def _described(self) -> dict[str, Any]:
        if not self._app_routes.routes:
            return {"paths": {}}
        config = OpenAPIConfig(title="", version="")
        litestar = Litestar(
            route_handlers=self._app_routes.routers, openapi_config=config, logging_config=None, request_max_body_size=0
        )
        described: dict[str, Any] = _rebase(litestar.openapi_schema.to_schema())
        return described


def _operation(route: AppRoute, known: Mapping[str, Any]) -> dict[str, Any]:
    errors = (*_ERRORS, _WITH_BODY) if "requestBody" in known else _ERRORS
    served = {status: response for status, response in known.get("responses", {}).items() if status < "400"}
    return {
        **known,
        "tags": known.get("tags") or [route.choice.name],
        "summary": route.about or known.get("summary", route.path),
        "description": _requirement(route.policy),
        "responses": {**served, **describe_problems(*sorted(errors))},
        **({"security": []} if route.policy.allow_guest else {}),
    }


def _requirement(policy: RoutePolicy) -> str:
    if policy.action:
        return describe_requirement(policy.action, policy.doctype)
    base = "Open to everyone" if policy.allow_guest else "Requires a login"
    return f"{base}; checked by its own guard." if policy.guarded else f"{base}."


def _rebase(node: Any) -> Any:
    """Return a description whose references point to the schemas under our names."""
    if isinstance(node, dict):
        return {key: _rebase_reference(item) if key == "$ref" else _rebase(item) for key, item in node.items()}
    return [_rebase(item) for item in node] if isinstance(node, list) else node


def _rebase_reference(reference: str) -> str:
    inner = reference.removeprefix(_SCHEMAS)
    return reference if inner == reference else _SCHEMAS + _named(inner)


def _named(name: str) -> str:
    return _PREFIX + _NOT_IN_NAMES.sub("-", name)
