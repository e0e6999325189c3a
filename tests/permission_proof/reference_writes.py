"""`Writes`: the effects of a write, by a literal reading of architecture sections 3 and 5."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from tests.permission_proof.bodies import build_new_body, copy_body, merge_body
from tests.permission_proof.declared import (
    Declared,
    DeclaredDocType,
    DeclaredField,
    Request,
    Stored,
    Who,
    find_referrers,
)
from tests.permission_proof.permission_model import PermissionModel, Refused
from tests.permission_proof.plain_filters import Wrong

__all__ = ["Writes"]

_DRAFT, _SUBMITTED, _CANCELLED = 0, 1, 2
_STEPS = {"submit": (_DRAFT, _SUBMITTED), "cancel": (_SUBMITTED, _CANCELLED)}


class Writes:
    """Performs one write on copies; `left` holds the documents afterwards."""

    def __init__(self, declared: Declared, stored: Stored, now: datetime, who: Who) -> None:
        self._declared = declared
        self._now = now
        self._who = who
        self.left = {name: dict(documents) for name, documents in stored.items()}

    def perform(self, request: Request) -> dict[str, Any] | None:
        """Perform a request and return the served value. Raises Refused and Wrong."""
        permissions = PermissionModel(self._declared[request.doctype], self._who)
        if request.verb == "create":
            return self._create(permissions, request)
        if request.verb in {"delete", "purge"}:
            self._remove(permissions, request)
            return None
        if request.verb == "restore":
            return self._restore(permissions, request)
        if request.verb == "amend":
            return self._amend(permissions, request)
        if request.verb in _STEPS:
            return self._transition(permissions, request)
        return self._update(permissions, request)

    def _create(self, permissions: PermissionModel, request: Request) -> dict[str, Any]:
        permissions.require_action("create")
        return self._insert(permissions, "create", build_new_body(permissions, request.body))

    def _insert(self, permissions: PermissionModel, action: str, values: Mapping[str, Any]) -> dict[str, Any]:
        id = uuid4()
        document = {
            "id": id, "name": str(id), "owner": self._who.id, "creation": self._now, "modified": self._now,
            "modified_by": self._who.id, "docstatus": _DRAFT, "_version": 1, "deleted_at": None, **values,
        }  # fmt: skip
        self._link(permissions.declared, document, {})
        permissions.require_covered(action, document)
        return self._keep(permissions, document)

    def _amend(self, permissions: PermissionModel, request: Request) -> dict[str, Any]:
        permissions.require_action("amend")
        if not permissions.declared.submittable:
            raise Wrong("nothing that is amended")
        before = self._load(permissions, "amend", request)
        self._expect(before, request)
        if before["docstatus"] != _CANCELLED:
            raise Refused(409, "not cancelled")
        given = {name: raw for name, raw in request.body.items() if name != "_version"}
        values = build_new_body(permissions, {**copy_body(permissions, before), **given})
        return self._insert(permissions, "amend", {**values, "amended_from": before["id"]})

    def _update(self, permissions: PermissionModel, request: Request) -> dict[str, Any]:
        before = self._load(permissions, "write", request)
        self._expect(before, request)
        after = {**before, **merge_body(permissions, before, request.body)}
        if before["docstatus"] != _DRAFT and any(_sets_unseen(permissions, *one) for one in request.body.items()):
            raise Refused(409, "whether an unseen value differs is not told")
        _check_state(permissions.declared, before, after)
        self._link(permissions.declared, after, before)
        _check_state(permissions.declared, before, after)  # what is fetched through a new link may differ
        if after == before and not any(_sets_hidden(permissions, *one) for one in request.body.items()):
            permissions.require_covered("write", after)
            return self._readable(permissions, after)
        return self._change(permissions, "write", after)

    def _transition(self, permissions: PermissionModel, request: Request) -> dict[str, Any]:
        permissions.require_action(request.verb)
        if not permissions.declared.submittable or not request.body.keys() <= {"_version"}:
            raise Wrong("nothing that is submitted so")
        before = self._load(permissions, request.verb, request)
        self._expect(before, request)
        expected, status = _STEPS[request.verb]
        if before["docstatus"] != expected:
            raise Refused(409, f"not to be {request.verb}ted")
        return self._change(permissions, request.verb, {**before, "docstatus": status})

    def _restore(self, permissions: PermissionModel, request: Request) -> dict[str, Any]:
        before = self._load(permissions, "delete", request)
        self._expect(before, request)
        if before["deleted_at"] is None:
            raise Refused(409, "not deleted")
        for target, id in _links_of(permissions.declared, before):
            linked = self.left[target].get(id)
            if id != before["id"] and (linked is None or linked["deleted_at"] is not None):
                raise Wrong("it links to a deleted document")
        return self._change(permissions, "delete", {**before, "deleted_at": None})

    def _change(self, permissions: PermissionModel, action: str, after: dict[str, Any]) -> dict[str, Any]:
        stamps = {"modified": self._now, "modified_by": self._who.id, "_version": after["_version"] + 1}
        document = {**after, **stamps}
        permissions.require_covered(action, document)
        return self._keep(permissions, document)

    def _keep(self, permissions: PermissionModel, document: dict[str, Any]) -> dict[str, Any]:
        self.left[permissions.declared.name][document["id"]] = document
        return self._readable(permissions, document)

    def _readable(self, permissions: PermissionModel, document: dict[str, Any]) -> dict[str, Any]:
        if permissions.has("read") and permissions.covers("read", document):
            return permissions.serialize(document)
        return {name: document[name] for name in ("id", "name", "_version")}

    def _load(self, permissions: PermissionModel, action: str, request: Request) -> Mapping[str, Any]:
        """Return a document that the caller may read and act on, since a change needs both grants. Raises Refused."""
        permissions.require_action(action)
        permissions.require_action("read")
        by_id = isinstance(request.ref, UUID)
        restoring = request.verb == "restore"
        reaches_all = restoring or (by_id and action == "purge")
        kept = self.left[request.doctype].values()
        for document in sorted(kept, key=lambda one: one["deleted_at"] is None) if restoring else kept:
            is_there = reaches_all or document["deleted_at"] is None
            if request.ref == document["id" if by_id else "name"] and is_there and permissions.covers("read", document):
                permissions.require_covered(action, document)
                return document
        raise Refused(404, "no such document for this caller")

    def _expect(self, before: Mapping[str, Any], request: Request) -> None:
        if request.body.get("_version") not in (None, before["_version"]):
            raise Refused(409, "stale version")

    def _remove(self, permissions: PermissionModel, request: Request) -> None:
        before = self._load(permissions, request.verb, request)
        if before["docstatus"] == _SUBMITTED:
            raise Refused(409, "submitted")
        hard = request.verb == "purge"
        for _, other in find_referrers(self._declared, self.left, request.doctype, before["id"]):
            if hard or (other["deleted_at"] is None and other["docstatus"] != _CANCELLED):
                raise Refused(409, "still linked to")
        kept = self.left[request.doctype]
        if hard:
            del kept[before["id"]]
        else:
            gone = {"modified": self._now, "modified_by": self._who.id, "deleted_at": self._now}
            kept[before["id"]] = {**before, **gone, "_version": before["_version"] + 1}

    def _link(self, declared: DeclaredDocType, now: dict[str, Any], was: Mapping[str, Any]) -> None:
        """Raise Wrong unless new links lead to documents that the caller may read, or select if nothing is fetched."""
        for field in declared.fields:
            if field.rows:
                known = {row["id"]: row for row in was.get(field.name, ())}
                for row in now[field.name]:
                    self._link(field.rows, row, known.get(row["id"], {}))
            elif field.link and now[field.name] != was.get(field.name):
                self._follow(declared, field.name, field.link, now)

    def _follow(self, declared: DeclaredDocType, name: str, target: str, now: dict[str, Any]) -> None:
        sources = {one.name: (one.fetch or "").split(".") for one in declared.fields}
        fetching = {one: source[1] for one, source in sources.items() if source[0] == name}
        found = self._linkable(target, now[name], [*fetching.values()]) if now[name] is not None else {}
        now.update({one: found.get(source) for one, source in fetching.items()})

    def _linkable(self, doctype: str, id: UUID, fetched: list[str]) -> Mapping[str, Any]:
        there, document = PermissionModel(self._declared[doctype], self._who), self.left[doctype].get(id)
        if document is not None and document["deleted_at"] is None:
            reads = there.has("read") and there.covers("read", document) and all(map(there.sees, fetched))
            selects = not fetched and there.has("select") and there.covers("select", document)
            if reads or selects:
                return document
        raise Wrong("the link leads to nothing that the caller may read")


def _links_of(declared: DeclaredDocType, values: Mapping[str, Any]) -> Iterator[tuple[str, UUID]]:
    for field in declared.fields:
        if field.rows:
            for row in values[field.name]:
                yield from _links_of(field.rows, row)
        elif field.link and values[field.name] is not None:
            yield field.link, values[field.name]


def _sets_unseen(permissions: PermissionModel, name: str, raw: Any) -> bool:
    """Return whether a body sets a field that is fixed on submission and hidden from the caller."""
    field = permissions.declared.get(name)
    if field is None:
        return False
    if not field.on_submit and not permissions.reads(field):
        return True
    if field.rows is None:
        return False
    shown = {"id", *(one.name for one in field.rows.fields if one.on_submit or permissions.reads(one, field))}
    return any(not row.keys() <= shown for row in raw if "id" in row or not field.on_submit)


def _sets_hidden(permissions: PermissionModel, name: str, raw: Any) -> bool:
    """Return whether a body sets a field, or a column of a row, that the caller cannot read."""
    field = permissions.declared.get(name)
    if field is None or not permissions.reads(field):
        return field is not None
    shown = (
        {"id", *(one.name for one in field.rows.fields if permissions.reads(one, field))} if field.rows else set[str]()
    )
    return bool(field.rows) and any(not row.keys() <= shown for row in raw)


def _check_state(declared: DeclaredDocType, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if before["docstatus"] == _DRAFT:
        return
    fixed = [one for one in declared.fields if _breaks(one, before[one.name], after[one.name])]
    if fixed or before["docstatus"] == _CANCELLED:
        raise Refused(409, "submitted or cancelled")


def _breaks(field: DeclaredField, before: Any, after: Any) -> bool:
    """Return whether a value changes in a way that submitting forbids."""
    if field.rows is None:
        return not field.on_submit and before != after
    if not field.on_submit and [row["id"] for row in before] != [row["id"] for row in after]:
        return True
    known = {row["id"]: row for row in before}
    fixed = [one.name for one in field.rows.fields if not one.on_submit]
    return any(known.get(row["id"], row)[name] != row[name] for row in after for name in fixed)
