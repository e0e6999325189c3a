"""Records of a write besides the document: an audit entry and an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.events import DomainEvent
from framework_m_core.domain.fields.json_form import is_same_json, to_json_form
from framework_m_core.domain.hash_keys import hash_key
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["compare_values", "find_locked_paths", "record_change"]


def compare_values(plan: CompiledDocType, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changed fields: the non-empty values of a new document, or [old, new] for a changed one."""
    if old is None:
        return {name: new[name] for name in plan.compared if new[name] not in (None, [], {})}
    found = {name: [old[name], new[name]] for name in plan.compared if old[name] != new[name]}
    for name in plan.json_fields - found.keys():
        if not is_same_json(old[name], new[name]):
            found[name] = [old[name], new[name]]
    return found


def find_locked_paths(plan: CompiledDocType, name: str, old: Any, new: Any) -> Iterator[str]:
    """Yield the paths within a changed field that submitting has fixed: of rows, the list or single columns."""
    is_open = plan.fields[name].allow_on_submit
    child = plan.children.get(name)
    if child is None or (not is_open and [row["id"] for row in old] != [row["id"] for row in new]):
        if not is_open:
            yield name
        return
    known = {hash_key(row["id"]): row for row in old}
    kept = [(known[hash_key(row["id"])], row) for row in new if hash_key(row["id"]) in known]
    for column, spec in child.fields.items():
        if not spec.allow_on_submit and any(_differ(was[column], now[column]) for was, now in kept):
            yield f"{name}.{column}"


def _differ(old: Any, new: Any) -> bool:
    return old != new or not is_same_json(old, new)


def record_change(
    unit: UnitOfWorkProtocol,
    context: RequestContext,
    plan: CompiledDocType,
    action: str,
    event: type[DomainEvent],
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
    ids: IdGenerator,
    **data: Any,
) -> None:
    """Add the audit entry and the event of a write to its unit of work."""
    version = values[VERSION_FIELD]
    shown = {name: value for name, value in changes.items() if name not in plan.sensitive}
    for name, child in plan.children.items():
        if name in shown and child.sensitive:
            shown[name] = "changed"
    if plan.json_encoders:
        shown = to_json_form(shown, plan.json_encoders)
    now, actor = values["modified"], context.principal.id
    unit.audit(
        AuditEntry(
            id=ids(), at=now, actor=actor, action=action, doctype=plan.name, document_id=values["id"],
            version=version, request_id=context.request_id, source=context.source, reason=context.principal.reason,
            tenant=context.tenant, changes=shown,
        )
    )  # fmt: skip
    unit.record(
        event(
            id=ids(), doctype=plan.name, document_id=values["id"], version=version, occurred_at=now, actor=actor,
            tenant=context.tenant, correlation_id=context.correlation_id or context.request_id,
            causation_id=context.causation_id,
            data={"name": values["name"], "docstatus": values["docstatus"], "changed": sorted(shown), **data},
        )
    )  # fmt: skip
