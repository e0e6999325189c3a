"""`Reference`: the expected result of a request, computed by plain iteration over all documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from framework_m_testing.permission_proof.declared import Declared, Documents, Request, Stored, Tree, Who
from framework_m_testing.permission_proof.permission_model import PermissionModel, Refused
from framework_m_testing.permission_proof.plain_filters import Wrong, holds, parsed
from framework_m_testing.permission_proof.reference_writes import Writes

__all__ = ["Answer", "Reference"]

_ALWAYS = ("id", "name", "_version")


@dataclass(frozen=True)
class Answer:
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

    def answer(self, who: Who, request: Request) -> Answer:
        """Return the expected result of a request."""
        writes = Writes(self._declared, self._stored, self._now, who)
        served: Any = None
        try:
            if request.verb in _READS:
                served = _READS[request.verb](self, PermissionModel(self._declared[request.doctype], who), request)
            else:
                served = writes.perform(request)
        except Refused as refused:
            return Answer(refused.status, None, self._stored[request.doctype])
        except Wrong:
            return Answer(400, None, self._stored[request.doctype])
        return Answer(200, served, writes.left[request.doctype])

    def one(self, leave: PermissionModel, request: Request) -> Mapping[str, Any]:
        """Return a document as the caller sees it, with the requested links expanded."""
        leave.need("read")
        query = request.query
        names = _fields(leave, query["fields"]) if query.get("fields") is not None else None
        found = [one for one in self._readable(leave) if request.ref in (one["id"], one["name"])]
        if not found:
            raise Refused(404, "no such document for this caller")
        return self._expanded(leave.served(found[0], names), _links(leave, query.get("expand", ())), leave.who)

    def page(self, leave: PermissionModel, request: Request) -> Mapping[str, Any]:
        """Return the items of all pages from the offset on, and the total count."""
        query = request.query
        leave.need("read")
        with_deleted = query.get("include_deleted", False)
        if with_deleted:
            leave.need("delete")
        tree = [_checked(leave, part) for part in query.get("filters", [])]
        order = _order(leave, query.get("order_by", []))
        names = [*_fields(leave, query["fields"])] if query.get("fields") is not None else _columns(leave)
        found = [
            one for one in self._readable(leave, with_deleted=with_deleted) if not with_deleted or _deletes(leave, one)
        ]
        found = [one for one in found if holds({"and": tree}, leave.declared, one, leave.who)]
        total = len(found) if query.get("count") == "exact" else None
        shown = [leave.served(one, names) for one in _sorted(found, order)[query.get("offset", 0) :]]
        if with_deleted:
            for document in shown:
                document["deleted_at"] = self._stored[request.doctype][document["id"]]["deleted_at"]
        links = _links(leave, query.get("expand", ()))
        return {"items": [self._expanded(one, links, leave.who) for one in shown], "total": total}

    def _readable(self, leave: PermissionModel, *, with_deleted: bool = False) -> list[Mapping[str, Any]]:
        documents = self._stored[leave.declared.name].values()
        live = [one for one in documents if with_deleted or one["deleted_at"] is None]
        return [one for one in live if leave.covers("read", one)]

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
                return there.served(document, _columns(there))
        return None


_READS = {"get": Reference.one, "list": Reference.page}


def _deletes(leave: PermissionModel, document: Mapping[str, Any]) -> bool:
    return leave.covers("delete", document)


def _links(leave: PermissionModel, names: Sequence[str]) -> dict[str, str]:
    links = {}
    for name in names:
        field = leave.declared.get(name)
        if field is None or not field.link or not leave.sees(name):
            raise Wrong(f"{name} is no link to this caller")
        links[name] = field.link
    return links


def _columns(leave: PermissionModel) -> list[str]:
    rows = {one.name for one in leave.declared.fields if one.rows}
    return [name for name in (*_FRAMEWORK_SHOWN, *(one.name for one in leave.declared.fields)) if name not in rows]


_FRAMEWORK_SHOWN = ("id", "name", "owner", "creation", "modified", "modified_by", "docstatus", "_version")


def _fields(leave: PermissionModel, names: Sequence[str]) -> list[str]:
    for name in names:
        if not leave.sees(name):
            raise Wrong(f"{name} is unknown or hidden")
    return [*_ALWAYS, *names]


def _column(leave: PermissionModel, name: str) -> str:
    field = leave.declared.get(name)
    if not leave.sees(name) or (field and field.rows):
        raise Wrong(f"{name} is unknown or hidden")
    return name


def _checked(leave: PermissionModel, tree: Tree) -> Tree:
    """Return a filter with its JSON values converted to stored values. Raises Wrong."""
    for word in ("and", "or"):
        if word in tree:
            return {word: [_checked(leave, part) for part in tree[word]]}
    if "not" in tree:
        return {"not": _checked(leave, tree["not"])}
    kind, value = leave.declared.kind(_column(leave, tree["field"])), tree["value"]
    if tree["operator"] == "is_null":
        return tree
    known = [parsed(kind, one) for one in value] if isinstance(value, list) else parsed(kind, value)
    return {**tree, "value": known}


def _order(leave: PermissionModel, order_by: Sequence[str]) -> list[tuple[str, bool]]:
    if not order_by:
        return [("creation", True), ("id", True)]
    order = [(_column(leave, text.removeprefix("-")), text.startswith("-")) for text in order_by]
    if len({name for name, _ in order}) < len(order):
        raise Wrong("a field is named twice")
    return order if "id" in {name for name, _ in order} else [*order, ("id", order[-1][1])]


def _sorted(found: list[Mapping[str, Any]], order: list[tuple[str, bool]]) -> list[Mapping[str, Any]]:
    for name, descending in reversed(order):
        known = [one for one in found if one[name] is not None]
        known.sort(key=lambda one: one[name], reverse=descending)
        found = known + [one for one in found if one[name] is None]
    return found
