"""`MetadataService`: the DocTypes as a caller may see them, described for user interfaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

from framework_m_core.domain.context import RegistryView, RequestContext
from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.documents.naming import PromptNaming, fields_of_rule
from framework_m_core.domain.errors import AuthenticationError, DocTypeNotFoundError, NoGrantError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.conditions import describe_comparison
from framework_m_core.domain.filters.operators import is_sortable, operators_of
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.metadata.disclosure import Disclosure, disclose
from framework_m_core.services.metadata.schemas import describe_document
from framework_m_core.services.permissions.service import PermissionService

__all__ = ["MetadataService"]

_HIDDEN = frozenset({"select"})
"""Permission to select documents as link targets does not make their DocType visible."""
_OF_SUBMITTABLE = frozenset({"submit", "cancel", "amend"})
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOBODY: frozenset[str] = frozenset()

type _Describe = Callable[[CompiledDocType, _Shown, tuple[str, ...]], Mapping[str, Any]]
type _Actions = Mapping[str, Action]


@dataclass(frozen=True)
class _Shown:
    """What a caller may see of a DocType."""

    readable: frozenset[str]
    writable: frozenset[str]
    disclosure: Disclosure

    @cached_property
    def fields(self) -> frozenset[str]:
        return self.readable | self.writable


class MetadataService:
    """Descriptions of the DocTypes that have an API, as far as the caller's grants show them."""

    def __init__(self, registry_handle: RegistryHandle, permissions: PermissionService) -> None:
        self._registry_handle = registry_handle
        self._permissions = permissions
        self._described: Derived[RegistryView, _Describe] = Derived(
            lambda registry: lru_cache(maxsize=1024)(partial(_describe, registry.actions))
        )

    async def find_visible(self, context: RequestContext) -> dict[str, dict[str, Grant]]:
        """Return the caller's grants by DocType and action, sorted by name, without DocTypes that have none."""
        context = self._registry_handle.pin(context)
        served = sorted(plan.name for plan in context.registry.doctypes.values() if plan.meta.has_api)
        grants = {name: await self._grants(context, context.registry.get(name)) for name in served}
        return {name: found for name, found in grants.items() if found}

    async def read_overview(self, context: RequestContext) -> dict[str, Any]:
        """Return the DocTypes that the caller has a grant for, by module.

        Raises AuthenticationError for anonymous callers that may see none.
        """
        context = self._registry_handle.pin(context)
        modules: dict[str, list[dict[str, Any]]] = {}
        for name, grants in (await self.find_visible(context)).items():
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
        context = self._registry_handle.pin(context)
        plan: CompiledDocType | None = context.registry.doctypes.get(doctype)
        known = plan is not None and plan.meta.has_api
        grants = await self._grants(context, plan) if plan is not None and known else {}
        if plan is not None and grants:
            readable, writable = _fields_of(grants)
            disclosure = await disclose(self._permissions, context, plan, readable | writable)
            return self._described.of(context.registry)(plan, _Shown(readable, writable, disclosure), tuple(grants))
        if context.principal.is_anonymous:
            raise AuthenticationError()
        if not known:
            raise DocTypeNotFoundError(f"there is no DocType {doctype[:80]!r}", doctype=doctype)
        raise NoGrantError(f"none of your roles has a permission on {doctype}", rule=f"{doctype}.*", doctype=doctype)

    async def find_disclosures(
        self, context: RequestContext, visible: Mapping[str, Mapping[str, Grant]]
    ) -> dict[str, Disclosure]:
        """Return for each DocType what of others may be named to a caller with these grants."""
        context = self._registry_handle.pin(context)
        found = {}
        for name, grants in visible.items():
            readable, writable = _fields_of(grants)
            plan = context.registry.get(name)
            found[name] = await disclose(self._permissions, context, plan, readable | writable)
        return found

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
    shown: _Shown,
    allowed: tuple[str, ...],
) -> Mapping[str, Any]:
    fields = list(_fields(plan, shown))
    listed = [field["name"] for field in fields if field["in_list"]]
    return {
        "doctype": plan.name,
        "label": _doctype_label(plan),
        "module": plan.module,
        "schema": describe_document(plan, shown.readable, shown.writable, shown.disclosure),
        "layout": {"sections": [{"label": None, "fields": [field["name"] for field in fields]}]},
        "permissions": {action: action in allowed for action in actions if action not in _HIDDEN},
        "actions": {action: actions[action].title for action in allowed},
        "fields": fields,
        "views": {"list": {"columns": ["name", *listed]}},
        "workflow": None,
        "submittable": plan.meta.submittable,
        "allow_rename": plan.meta.can_rename,
        "naming": plan.meta.naming if shown.fields.issuperset(fields_of_rule(plan.naming)) else None,
        "title_field": plan.meta.title_field if plan.meta.title_field in shown.readable else None,
        "order_by": [name for name in plan.meta.order_by if name.removeprefix("-") in shown.readable],
        "default_filters": [
            describe_comparison(one, plan.json_encoders) for one in plan.default_filters if one.field in shown.readable
        ],
        "ext": plan.meta.ext,
    }


def _fields_of(grants: Mapping[str, Grant]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the fields that grants let a caller read, and those that they let a caller write."""
    readable = grants["read"].readable if "read" in grants else _NOBODY
    return readable, _NOBODY.union(*(grants[action].writable for action in ("create", "write") if action in grants))


def _fields(plan: CompiledDocType, shown: _Shown) -> Iterator[dict[str, Any]]:
    """Yield the name if callers set it, then the declared fields that the caller may read or write."""
    if isinstance(plan.naming, PromptNaming):
        yield {**_field(FRAMEWORK_SPECS["name"], "name", shown), "required": True, "read_only": False}
    for name, spec in plan.fields.items():
        if name in shown.fields:
            described = _field(spec, name, shown)
            child = plan.children.get(name)
            yield described if child is None else {**described, **_child(child, shown)}


def _child(child: CompiledChildTable, shown: _Shown) -> dict[str, Any]:
    paths = ((f"{child.field}.{name}", spec) for name, spec in child.fields.items())
    fields = [_field(spec, path, shown) for path, spec in paths if path in shown.fields]
    return {"child": child.doctype, "fields": fields}


def _field(spec: FieldSpec, path: str, shown: _Shown) -> dict[str, Any]:
    return {
        "name": spec.name,
        "label": spec.label or _field_label(spec.name),
        "kind": spec.kind.value,
        "type": spec.field_type.name if spec.field_type else None,
        "widget": spec.field_type.widget if spec.field_type else None,
        "operators": list(operators_of(spec)),
        "sortable": is_sortable(spec),
        "default_from": spec.dynamic_default.describe() if spec.dynamic_default else None,
        "required": spec.required,
        "nullable": spec.nullable,
        "read_only": path not in shown.writable,
        "computed": spec.computed,
        "set_once": spec.set_once,
        "no_copy": spec.no_copy,
        "write_only": path not in shown.readable,
        "link": spec.link if path in shown.disclosure.links else None,
        "fetch_from": spec.fetch_from if path in shown.disclosure.fetches else None,
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
