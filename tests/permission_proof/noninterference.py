"""Worlds that a caller cannot distinguish, since they differ only in what the caller may not see.

Three facts are exempt, because a store cannot keep them secret: that a name or unique value is taken, that a document
is still linked to, and, where a scope depends on a hidden field, the result of that scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.permission_proof.declared import DeclaredDocType, DeclaredField, Who, find_referrers
from tests.permission_proof.generators import Setup, draw_document, draw_value
from tests.permission_proof.permission_model import PermissionModel
from tests.permission_proof.picking import pick, seldom
from tests.permission_proof.plain_filters import names

__all__ = ["hidden_variants", "is_hidden_from"]

_CANCELLED: Final = 2
_SPARE: Final = 200


def is_hidden_from(permissions: PermissionModel, document: Mapping[str, Any]) -> bool:
    """Return whether a document does not exist for a caller, neither for reading nor as the target of a link."""
    return not any(permissions.has(action) and permissions.covers(action, document) for action in ("read", "select"))


@st.composite
def hidden_variants(draw: DrawFn, setup: Setup, who: Who) -> Setup:
    """Draw a variant of the world with hidden documents changed, removed and added, and hidden values changed."""
    stored: dict[str, dict[UUID, Mapping[str, Any]]] = {}
    for name, doctype in setup.declared.items():
        permissions, documents = PermissionModel(doctype, who), dict(setup.stored[name])
        for id, document in setup.stored[name].items():
            if not is_hidden_from(permissions, document):
                documents[id] = _masked(draw, permissions, document)
            elif _stands_alone(setup, doctype, id) and seldom(draw, 3):
                del documents[id]
            else:
                documents[id] = _altered(draw, permissions, document)
        stored[name] = {**documents, **_added(draw, permissions)}
    return Setup(setup.declared, stored)


def _stands_alone(setup: Setup, doctype: DeclaredDocType, id: UUID) -> bool:
    """Return whether a document has no links in either direction; otherwise its removal would affect deletions."""
    document = setup.stored[doctype.name][id]
    linked = [document[one.name] for one in doctype.fields if one.link]
    for table in (one for one in doctype.fields if one.rows):
        columns = [column.name for column in table.rows.fields if column.link] if table.rows else []
        linked += [row[name] for row in document[table.name] for name in columns]
    return not any(linked) and not any(find_referrers(setup.declared, setup.stored, doctype.name, id))


def _altered(draw: DrawFn, permissions: PermissionModel, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draw other values for a hidden document that keep it hidden and, since they affect its targets, its links.

    A cancelled one stays so, as it keeps nothing from being deleted.
    """
    status = document["docstatus"]
    if permissions.declared.submittable and not document["deleted_at"] and status != _CANCELLED:
        status = pick(draw, [0, 1])
    other = {**document, **_values(draw, permissions.declared, lambda _: True), "docstatus": status}
    return other if is_hidden_from(permissions, other) else document


def _masked(draw: DrawFn, permissions: PermissionModel, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draw other values for the fields that the caller does not see and that no scope depends on."""
    deciding = _deciding(permissions)
    shown = {one.name for one in permissions.declared.fields if permissions.sees(one.name)} | deciding
    masked = {**document, **_values(draw, permissions.declared, lambda one: one.name not in shown)}
    for table in permissions.declared.fields:
        if table.rows:
            hidden = {one.name for one in table.rows.fields if not permissions.reads(one, table)}
            rows = [{**row, **_row(draw, table.rows, hidden)} for row in document[table.name]]
            masked[table.name] = rows
    return masked


def _row(draw: DrawFn, doctype: DeclaredDocType, hidden: set[str]) -> dict[str, Any]:
    return _values(draw, doctype, lambda one: one.name in hidden)


def _values(draw: DrawFn, doctype: DeclaredDocType, chosen: Callable[[DeclaredField], bool]) -> dict[str, Any]:
    plain = [one for one in doctype.fields if not one.link and not one.rows and not one.fetch]
    return {one.name: draw_value(draw, one, 0, {}) for one in plain if chosen(one)}


def _deciding(permissions: PermissionModel) -> set[str]:
    """Return the fields that scopes depend on."""
    found = {permissions.declared.rls_field or "owner"}
    for roles in (permissions.declared.permissions or {}).values():
        scopes = roles.values() if isinstance(roles, Mapping) else ()
        found.update(*(names(scope) for scope in scopes if isinstance(scope, Mapping)))
    return found


def _added(draw: DrawFn, permissions: PermissionModel) -> dict[UUID, Mapping[str, Any]]:
    added: dict[UUID, Mapping[str, Any]] = {}
    for number in range(draw(st.integers(0, 3))):
        id = UUID(int=_SPARE + number, version=4)
        document = draw_document(draw, permissions.declared, id, _SPARE + number, {})
        if is_hidden_from(permissions, document):
            added[id] = document
    return added
