"""`Reference`: the expected result of a request, computed by plain iteration over all documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.permission_proof.declared import Declared, Documents, Request, Stored, Tree, Who
from tests.permission_proof.permission_model import PermissionModel, Refused, SelectionModel
from tests.permission_proof.plain_filters import Wrong, holds, parse_value
from tests.permission_proof.reference_writes import Writes

__all__ = ["Reference", "Response"]

_ALWAYS = ("id", "name", "_version")


@dataclass(frozen=True)
class Response:
    """The status of a request, the served value, and the documents of the DocType afterwards."""

    status: int
    served: Any = None
    left: Documents = field(default_factory=dict)


class Reference:
    """Computes the results of requests over stored documents, as specified in architecture section 5."""

    def __init__(self, declared: Declared, stored: Stored, now: datetime) -> None:
        self._declared = declared
        self._stored = stored
        self._now = now

    def respond(self, who: Who, request: Request) -> Response:
        """Return the expected result of a request."""
        writes = Writes(self._declared, self._stored, self._now, who)
        served: Any = None
        try:
            if request.verb in _READS:
                served = _READS[request.verb](self, PermissionModel(self._declared[request.doctype], who), request)
            else:
                served = writes.perform(request)
        except Refused as refused:
            return Response(refused.status, None, self._stored[request.doctype])
        except Wrong:
            return Response(400, None, self._stored[request.doctype])
        return Response(200, served, writes.left[request.doctype])

    def one(self, permissions: PermissionModel, request: Request) -> Mapping[str, Any]:
        """Return a document as the caller sees it, with the requested links expanded."""
        permissions.require_action("read")
        query = request.query
        names = _fields(permissions, query["fields"]) if query.get("fields") is not None else None
        found = [one for one in self._readable(permissions) if request.ref in (one["id"], one["name"])]
        if not found:
            raise Refused(404, "no such document for this caller")
        return self._expanded(
            permissions.serialize(found[0], names), _links(permissions, query.get("expand", ())), permissions.who
        )

    def page(self, permissions: PermissionModel, request: Request) -> Mapping[str, Any]:
        """Return the items of all pages from the offset on, and the total count."""
        query = request.query
        with_deleted = query.get("include_deleted", False)
        action = "read"
        if not with_deleted and not permissions.has("read") and permissions.has("select"):
            action, permissions = "select", SelectionModel(permissions.declared, permissions.who)
        permissions.require_action(action)
        if with_deleted:
            permissions.require_action("delete")
        tree = [_checked(permissions, part) for part in query.get("filters", [])]
        order = _order(permissions, query.get("order_by", []))
        names = [*_fields(permissions, query["fields"])] if query.get("fields") is not None else _columns(permissions)
        found = [
            one
            for one in self._covered(permissions, action, with_deleted=with_deleted)
            if not with_deleted or _deletes(permissions, one)
        ]
        found = [one for one in found if holds({"and": tree}, permissions.declared, one, permissions.who)]
        total = len(found) if query.get("count") == "exact" else None
        shown = [permissions.serialize(one, names) for one in _sorted(found, order)[query.get("offset", 0) :]]
        if with_deleted:
            for document in shown:
                document["deleted_at"] = self._stored[request.doctype][document["id"]]["deleted_at"]
        links = _links(permissions, query.get("expand", ()))
        return {"items": [self._expanded(one, links, permissions.who) for one in shown], "total": total}

    def _readable(self, permissions: PermissionModel) -> list[Mapping[str, Any]]:
        return self._covered(permissions, "read")

    def _covered(
        self, permissions: PermissionModel, action: str, *, with_deleted: bool = False
    ) -> list[Mapping[str, Any]]:
        documents = self._stored[permissions.declared.name].values()
        live = [one for one in documents if with_deleted or one["deleted_at"] is None]
        return [one for one in live if permissions.covers(action, one)]

    def _expanded(self, served: dict[str, Any], links: Mapping[str, str], who: Who) -> dict[str, Any]:
        for name, doctype in links.items():
            target = self._target(doctype, served.get(name), who)
            if target is not None:
                served[name] = target
        return served

    def _target(self, doctype: str, id: UUID | None, who: Who) -> dict[str, Any] | None:
        there = PermissionModel(self._declared[doctype], who)
        for document in self._readable(there):
            if document["id"] == id:
                return there.serialize(document, _columns(there))
        return None


_READS = {"get": Reference.one, "list": Reference.page}


def _deletes(permissions: PermissionModel, document: Mapping[str, Any]) -> bool:
    return permissions.covers("delete", document)


def _links(permissions: PermissionModel, names: Sequence[str]) -> dict[str, str]:
    links = {}
    for name in names:
        field = permissions.declared.get(name)
        if field is None or not field.link or not permissions.sees(name):
            raise Wrong(f"{name} is no link to this caller")
        links[name] = field.link
    return links


def _columns(permissions: PermissionModel) -> list[str]:
    rows = {one.name for one in permissions.declared.fields if one.rows}
    return [
        name for name in (*_FRAMEWORK_SHOWN, *(one.name for one in permissions.declared.fields)) if name not in rows
    ]


_FRAMEWORK_SHOWN = ("id", "name", "owner", "creation", "modified", "modified_by", "docstatus", "_version")


def _fields(permissions: PermissionModel, names: Sequence[str]) -> list[str]:
    for name in names:
        if not permissions.sees(name):
            raise Wrong(f"{name} is unknown or hidden")
    return [*_ALWAYS, *names]


def _column(permissions: PermissionModel, name: str) -> str:
    field = permissions.declared.get(name)
    if not permissions.sees(name) or (field and field.rows):
        raise Wrong(f"{name} is unknown or hidden")
    return name


def _checked(permissions: PermissionModel, tree: Tree) -> Tree:
    """Return a filter with its JSON values converted to stored values. Raises Wrong."""
    for word in ("and", "or"):
        if word in tree:
            return {word: [_checked(permissions, part) for part in tree[word]]}
    if "not" in tree:
        return {"not": _checked(permissions, tree["not"])}
    kind, value = permissions.declared.kind(_column(permissions, tree["field"])), tree["value"]
    if tree["operator"] == "is_null":
        return tree
    known = [parse_value(kind, one) for one in value] if isinstance(value, list) else parse_value(kind, value)
    return {**tree, "value": known}


def _order(permissions: PermissionModel, order_by: Sequence[str]) -> list[tuple[str, bool]]:
    if not order_by:
        return [("creation", True), ("id", True)] if permissions.sees("creation") else [("name", False), ("id", False)]
    order = [(_column(permissions, text.removeprefix("-")), text.startswith("-")) for text in order_by]
    if len({name for name, _ in order}) < len(order):
        raise Wrong("a field is named twice")
    return order if "id" in {name for name, _ in order} else [*order, ("id", order[-1][1])]


def _sorted(found: list[Mapping[str, Any]], order: list[tuple[str, bool]]) -> list[Mapping[str, Any]]:
    for name, descending in reversed(order):
        known = [one for one in found if one[name] is not None]
        known.sort(key=lambda one: one[name], reverse=descending)
        found = known + [one for one in found if one[name] is None]
    return found
