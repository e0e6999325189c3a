"""`OpenApi`: the whole document for a caller, built on first use and cached per set of grants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.registry import Registry
from framework_m_core.services.metadata.service import MetadataService
from framework_m_standard.http.app_routes.declared import NO_ROUTES, AppRoutes
from framework_m_standard.http.openapi.app_paths import AppPaths
from framework_m_standard.http.openapi.call_paths import function_parts, method_parts
from framework_m_standard.http.openapi.components import PARAMETERS, SCHEMAS, SECURITY_SCHEMES
from framework_m_standard.http.openapi.doctype_paths import doctype_paths, doctype_schemas
from framework_m_standard.http.openapi.fixed_paths import FIXED_PATHS, FIXED_SCHEMAS
from framework_m_standard.http.wire.responses import encode

__all__ = ["OpenApi"]

_MOST_KEPT: Final = 64
_DESCRIPTION: Final = (
    "The operations that the caller may use. Datetimes are ISO 8601 in UTC; decimals and ids are strings. Repeated "
    "writes with the same Idempotency-Key take effect once."
)


class OpenApi:
    """Builder of OpenAPI documents, cached by registry and by what a caller may see."""

    def __init__(
        self,
        metadata: MetadataService,
        title: str,
        version: str,
        app_routes: AppRoutes = NO_ROUTES,
    ) -> None:
        self._metadata = metadata
        self._app_paths = AppPaths(app_routes)
        self._info = {"title": title, "version": version, "description": _DESCRIPTION}
        self._encoders: Derived[Registry, Callable[[_Visible], bytes]] = Derived(self._encoder)

    async def document(self, context: RequestContext, root_path: str = "") -> bytes:
        """Return the document as JSON for paths below `root_path`. Raises AuthenticationError for anonymous callers."""
        if context.principal.is_anonymous:
            raise AuthenticationError
        return self._encoders.of(context.registry)(_Visible(await self._metadata.visible(context), root_path))

    def _encoder(self, registry: Registry) -> Callable[[_Visible], bytes]:
        return lru_cache(maxsize=_MOST_KEPT)(
            lambda visible: encode(self._build(registry, visible.grants, visible.root_path))
        )

    def _build(self, registry: Registry, visible: Mapping[str, Mapping[str, Grant]], root_path: str) -> dict[str, Any]:
        paths, schemas = dict(FIXED_PATHS), {**SCHEMAS, **FIXED_SCHEMAS}
        for name, grants in visible.items():
            plan = registry.get(name)
            calls, call_schemas = method_parts(plan, grants)
            paths |= doctype_paths(plan, grants) | calls
            schemas |= doctype_schemas(plan, grants) | call_schemas
        calls, call_schemas = function_parts(registry.functions, visible)
        routes, sockets = self._app_paths.paths(visible), self._app_paths.sockets(visible)
        return {
            "openapi": "3.1.0",
            "info": self._info,
            "servers": [{"url": root_path or "/"}],
            "security": [{"bearer": []}, {"session": []}],
            "tags": [_tag(*one) for one in _tags(visible, calls, routes).items()],
            "paths": paths | calls | routes,
            **({"x-websockets": sockets} if sockets else {}),
            "components": {
                "schemas": schemas | call_schemas | (self._app_paths.schemas() if routes else {}),
                "parameters": PARAMETERS,
                "securitySchemes": SECURITY_SCHEMES,
            },
        }


def _tags(visible: Iterable[str], calls: Mapping[str, Any], routes: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of the operations with their descriptions, in order."""
    described = {name: f"Documents of the DocType {name}." for name in visible}
    if calls:
        described["Functions"] = "Functions that apps declare callable."
    for tag in (tag for methods in routes.values() for operation in methods.values() for tag in operation["tags"]):
        described.setdefault(tag, f"Routes of {tag}.")
    return {**described, "Framework": "Login, metadata and health."}


def _tag(name: str, description: str) -> dict[str, str]:
    return {"name": name, "description": description}


class _Visible:
    """Grants and prefix as a cache key: callers with the same actions and fields share a document."""

    def __init__(self, grants: Mapping[str, Mapping[str, Grant]], root_path: str) -> None:
        self.grants = grants
        self.root_path = root_path
        self._key = (
            root_path,
            tuple(
                (name, tuple((action, grant.readable, grant.writable) for action, grant in found.items()))
                for name, found in grants.items()
            ),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Visible) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)
