"""OpenAPI schemas of searches: filters, orders and fields by the names that a caller may use."""

from __future__ import annotations

from typing import Any, Final

from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.operators import is_sortable, operators_of
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.expansion import MAX_EXPANDED
from framework_m_core.services.queries.parsing import MAX_SORT_FIELDS
from framework_m_standard.http.documents.search_body import SEARCH_SCHEMA
from framework_m_standard.http.openapi.parts.references import reference_of

__all__ = ["search_schemas"]

_NULL: Final = {"type": "null"}


def search_schemas(plan: CompiledDocType, readable: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Return the schemas of a search of a DocType and of its filters, limited to readable fields."""
    specs = [plan.specs[name] for name in plan.columns if name in readable and name != "deleted_at"]
    search, comparison, tree = (f"{plan.name}-{suffix}" for suffix in ("Search", "Comparison", "FilterTree"))
    node = {"anyOf": [reference_of(comparison), reference_of(tree)]}
    filters = {"anyOf": [{"type": "array", "items": node}, *node["anyOf"], _NULL]}
    links = [name for name in plan.links if name in readable]
    lists = {"order_by": _some_of(_orders(specs), MAX_SORT_FIELDS), "fields": _some_of(_fields(plan, readable))}
    if links:
        lists["expand"] = _some_of(links, MAX_EXPANDED)
    typed = {"filters": filters, "count": {"anyOf": [reference_of("Framework-Count"), _NULL]}, **lists}
    properties = {name: typed.get(name, schema) for name, schema in SEARCH_SCHEMA["properties"].items()}
    if not links:
        del properties["expand"]
    return {
        search: {**SEARCH_SCHEMA, "description": f"A search of {plan.name} documents.", "properties": properties},
        comparison: _comparison(plan, specs),
        tree: _tree(node),
    }


def _comparison(plan: CompiledDocType, specs: list[FieldSpec]) -> dict[str, Any]:
    fields = {"type": "string", "enum": [spec.name for spec in specs if operators_of(spec)]}
    value = {"description": "A value of the field; a list for in, not_in and between; a boolean for is_null."}
    properties = {"field": fields, "operator": reference_of("Framework-Operator"), "value": value}
    return {
        "type": "object",
        "description": f"A comparison of a field of {plan.name} with a value.",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "examples": [{"field": "name", "operator": "starts_with", "value": "A"}],
    }


def _tree(node: dict[str, Any]) -> dict[str, Any]:
    nodes = {"type": "array", "items": node}
    return {
        "type": "object",
        "description": "Filters of which all, one or none must hold: one of and, or and not.",
        "properties": {"and": nodes, "or": nodes, "not": node},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _orders(specs: list[FieldSpec]) -> list[str]:
    return [sign + spec.name for spec in specs if is_sortable(spec) for sign in ("", "-")]


def _fields(plan: CompiledDocType, readable: frozenset[str]) -> list[str]:
    return [name for name in (*plan.columns, *plan.children) if name in readable and name != "deleted_at"]


def _some_of(names: list[str], maximum: int | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["array", "null"], "items": {"type": "string", "enum": names}}
    return schema if maximum is None else {**schema, "maxItems": maximum}
