"""`OpenApi`: the whole document for a caller, built on first use and cached per set of grants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from framework_m_core.domain.context import RegistryView, RequestContext
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.derived import Derived
from framework_m_core.services.metadata.disclosure import Disclosure
from framework_m_core.services.metadata.service import MetadataService
from framework_m_standard.http.app_routes.declared import NO_ROUTES, AppRoutes
from framework_m_standard.http.openapi.app_paths import AppPaths
from framework_m_standard.http.openapi.call_paths import describe_functions, describe_methods
from framework_m_standard.http.openapi.doctypes.documents import describe_doctype_schemas
from framework_m_standard.http.openapi.doctypes.paths import describe_doctype_paths
from framework_m_standard.http.openapi.fixed_paths import describe_fixed_paths
from framework_m_standard.http.openapi.fixed_schemas import FIXED_SCHEMAS
from framework_m_standard.http.openapi.parts.components import SCHEMAS, SECURITY_SCHEMES
from framework_m_standard.http.openapi.parts.parameters import PARAMETERS
from framework_m_standard.http.openapi.parts.references import select_used_components, with_titles
from framework_m_standard.http.openapi.parts.responses import HEADERS, PROBLEM_RESPONSES
from framework_m_standard.http.wire.responses import encode

__all__ = ["OpenApi"]

_MAX_KEPT: Final = 64
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
        self._encoders: Derived[RegistryView, Callable[[_Visible], bytes]] = Derived(self._encoder)

    async def render(self, context: RequestContext, root_path: str = "") -> bytes:
        """Return the document as JSON for paths below `root_path`. Raises AuthenticationError for anonymous callers."""
        if context.principal.is_anonymous:
            raise AuthenticationError
        grants = await self._metadata.find_visible(context)
        visible = _Visible(grants, await self._metadata.find_disclosures(context, grants))
        encoded = self._encoders.of(context.registry)(visible)
        return encoded.replace(_SERVERS, encode(_servers(root_path))[1:-1], 1) if root_path else encoded

    def _encoder(self, registry: RegistryView) -> Callable[[_Visible], bytes]:
        return lru_cache(maxsize=_MAX_KEPT)(lambda visible: encode(self._build(registry, visible)))

    def _build(self, registry: RegistryView, caller: _Visible) -> dict[str, Any]:
        visible = caller.grants
        paths, schemas = describe_fixed_paths(), {**SCHEMAS, **FIXED_SCHEMAS}
        for name, grants in visible.items():
            plan = registry.get(name)
            calls, call_schemas = describe_methods(plan, grants)
            paths |= describe_doctype_paths(plan, grants) | calls
            schemas |= describe_doctype_schemas(registry, name, visible, caller.disclosures[name]) | call_schemas
        calls, call_schemas = describe_functions(registry.functions, visible)
        routes, sockets = self._app_paths.describe_paths(visible), self._app_paths.describe_sockets(visible)
        paths |= calls | routes
        components = {
            "schemas": with_titles(schemas | call_schemas | (self._app_paths.describe_schemas() if routes else {})),
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": PROBLEM_RESPONSES,
        }
        return {
            "openapi": "3.1.0",
            "info": self._info,
            **_servers("/"),
            "security": [{"bearer": []}, {"session": []}],
            "tags": [_tag(*one) for one in _tags(visible, calls, routes).items()],
            "paths": paths,
            **({"x-framework-m-websockets": sockets} if sockets else {}),
            "components": {**select_used_components(paths, components), "securitySchemes": SECURITY_SCHEMES},
        }


def _servers(url: str) -> dict[str, Any]:
    return {"servers": [{"url": url}]}


_SERVERS: Final = encode(_servers("/"))[1:-1]
"""As it stands in a cached document, where no text can hold it, since quotes within texts are escaped."""


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
    """Grants as a cache key: callers with the same actions, fields and disclosures share a document."""

    def __init__(self, grants: Mapping[str, Mapping[str, Grant]], disclosures: Mapping[str, Disclosure]) -> None:
        self.grants = grants
        self.disclosures = disclosures
        self._key = tuple(
            (name, disclosures[name], *((action, grant.readable, grant.writable) for action, grant in found.items()))
            for name, found in grants.items()
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Visible) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)
