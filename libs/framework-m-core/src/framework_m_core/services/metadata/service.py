"""`MetadataService`: the DocTypes as a caller may see them, described for user interfaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.documents.naming import PromptNaming
from framework_m_core.domain.errors import AuthenticationError, DocTypeNotFoundError, NoGrantError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.operators import is_sortable, operators_of
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.metadata.schemas import document_schema
from framework_m_core.services.permissions import PermissionService

__all__ = ["MetadataService"]

_HIDDEN = frozenset({"select"})
"""Permission to select documents as link targets does not make their DocType visible."""
_OF_SUBMITTABLE = frozenset({"submit", "cancel"})
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOBODY: frozenset[str] = frozenset()

type _Describe = Callable[[CompiledDocType, frozenset[str], frozenset[str], tuple[str, ...]], Mapping[str, Any]]
type _Actions = Mapping[str, Action]


class MetadataService:
    """Descriptions of the DocTypes that have an API, as far as the caller's grants show them."""

    def __init__(self, registries: RegistryHandle, permissions: PermissionService) -> None:
        self._registries = registries
        self._permissions = permissions
        self._described: Derived[Registry, _Describe] = Derived(
            lambda registry: lru_cache(maxsize=1024)(partial(_describe, registry.actions))
        )

    async def visible(self, context: RequestContext) -> dict[str, dict[str, Grant]]:
        """Return the caller's grants by DocType and action, sorted by name, without DocTypes that have none."""
        context = self._registries.pin(context)
        served = sorted(plan.name for plan in context.registry.doctypes.values() if plan.meta.has_api)
        grants = {name: await self._grants(context, context.registry.get(name)) for name in served}
        return {name: found for name, found in grants.items() if found}

    async def overview(self, context: RequestContext) -> dict[str, Any]:
        """Return the DocTypes that the caller has a grant for, by module.

        Raises AuthenticationError for anonymous callers that may see none.
        """
        context = self._registries.pin(context)
        modules: dict[str, list[dict[str, Any]]] = {}
        for name, grants in (await self.visible(context)).items():
            plan: CompiledDocType = context.registry.get(name)
            modules.setdefault(plan.module, []).append(
                {
                    "name": name,
                    "label": _doctype_label(plan),
                    "submittable": plan.meta.submittable,
                    "permissions": list(grants),
                }
            )
        if not modules and context.principal.is_anonymous:
            raise AuthenticationError()
        return {"modules": [{"name": name, "doctypes": modules[name]} for name in sorted(modules)]}

    async def describe(self, context: RequestContext, doctype: str) -> Mapping[str, Any]:
        """Describe one DocType.

        Without any grant, raises AuthenticationError for anonymous callers, DocTypeNotFoundError for a DocType
        that does not exist or has no API, and else NoGrantError.
        """
        context = self._registries.pin(context)
        plan: CompiledDocType | None = context.registry.doctypes.get(doctype)
        known = plan is not None and plan.meta.has_api
        grants = await self._grants(context, plan) if plan is not None and known else {}
        if plan is not None and grants:
            readable = grants["read"].readable if "read" in grants else _NOBODY
            writing = [grants[action].writable for action in ("create", "write") if action in grants]
            return self._described.of(context.registry)(plan, readable, _NOBODY.union(*writing), tuple(grants))
        if context.principal.is_anonymous:
            raise AuthenticationError()
        if not known:
            raise DocTypeNotFoundError(f"there is no DocType {doctype[:80]!r}")
        raise NoGrantError(f"none of your roles has a permission on {doctype}", rule=f"{doctype}.*")

    async def _grants(self, context: RequestContext, plan: CompiledDocType) -> dict[str, Grant]:
        """Return the caller's grants by action, in the order of the registry's actions."""
        grants = {}
        for action in context.registry.actions:
            if action in _HIDDEN or (action in _OF_SUBMITTABLE and not plan.meta.submittable):
                continue
            grant = await self._permissions.find(context, plan, action)
            if grant is not None:
                grants[action] = grant
        return grants


def _describe(
    actions: _Actions,
    plan: CompiledDocType,
    readable: frozenset[str],
    writable: frozenset[str],
    allowed: tuple[str, ...],
) -> Mapping[str, Any]:
    fields = list(_fields(plan, readable, writable))
    listed = [field["name"] for field in fields if field["in_list"]]
    return {
        "doctype": plan.name,
        "label": _doctype_label(plan),
        "module": plan.module,
        "schema": document_schema(plan, readable, writable),
        "layout": {"sections": [{"label": None, "fields": [field["name"] for field in fields]}]},
        "permissions": {action: action in allowed for action in actions if action not in _HIDDEN},
        "actions": {action: actions[action].title for action in allowed},
        "fields": fields,
        "views": {"list": {"columns": ["name", *listed]}},
        "workflow": None,
        "submittable": plan.meta.submittable,
        "naming": plan.meta.naming,
        "ext": plan.meta.ext,
    }


def _fields(plan: CompiledDocType, readable: frozenset[str], writable: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the name if callers set it, then the declared fields that the caller may read or write."""
    if isinstance(plan.naming, PromptNaming):
        yield {**_field(FRAMEWORK_SPECS["name"], "name", readable, writable), "required": True, "read_only": False}
    seen = readable | writable
    for name, spec in plan.fields.items():
        if name in seen:
            described = _field(spec, name, readable, writable)
            child = plan.children.get(name)
            yield described if child is None else {**described, **_child(child, readable, writable)}


def _child(child: CompiledChildTable, readable: frozenset[str], writable: frozenset[str]) -> dict[str, Any]:
    paths = ((f"{child.field}.{name}", spec) for name, spec in child.fields.items())
    fields = [_field(spec, path, readable, writable) for path, spec in paths if path in readable | writable]
    return {"child": child.doctype, "fields": fields}


def _field(spec: FieldSpec, path: str, readable: frozenset[str], writable: frozenset[str]) -> dict[str, Any]:
    return {
        "name": spec.name,
        "label": spec.label or _field_label(spec.name),
        "kind": spec.kind.value,
        "type": spec.field_type.name if spec.field_type else None,
        "widget": spec.field_type.widget if spec.field_type else None,
        "operators": list(operators_of(spec)),
        "sortable": is_sortable(spec),
        "required": spec.required,
        "nullable": spec.nullable,
        "read_only": path not in writable,
        "write_only": path not in readable,
        "link": spec.link,
        "fetch_from": spec.fetch_from,
        "scale": spec.scale,
        "choices": list(spec.choices) or None,
        "in_list": spec.in_list,
        "unique": spec.unique,
        "allow_on_submit": spec.allow_on_submit,
        "ext": spec.ext,
    }


def _field_label(name: str) -> str:
    return name.replace("_", " ").title()


def _doctype_label(plan: CompiledDocType) -> str:
    return plan.meta.label or _WORD.sub(" ", plan.name)
