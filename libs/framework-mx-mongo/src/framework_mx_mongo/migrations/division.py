"""The division of changes among apps, each of which writes its own revisions.

A change belongs to the app that declares what it changes: the DocType, or the override that adds a field or an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from framework_m_core.spi import (
    BUILT_IN_APP,
    FRAMEWORK_SPECS,
    CompiledDocType,
    MigrationGraph,
    Owner,
    Registry,
    find_owner,
)
from framework_mx_mongo.documents.codec import key_of
from framework_mx_mongo.documents.layout import Layout, layout_of
from framework_mx_mongo.schema import changes as made
from framework_mx_mongo.schema.changes import Change

__all__ = ["CollectionOwners", "split_changes"]


class CollectionOwners:
    """The apps that declare the collections of DocTypes, and the fields of their documents."""

    def __init__(self, registry: Registry) -> None:
        plans = [plan for plan in registry.doctypes.values() if plan.app != BUILT_IN_APP]
        self._owners = {plan.name: find_owner(plan.app, plan.additions, plan.specs) for plan in plans}
        self._keys = {plan.name: {*_keys(plan)} for plan in plans}
        self._rows: dict[tuple[str, str], Owner] = {}
        for plan in plans:
            for field, child in plan.children.items():
                app = plan.additions.fields.get(field, plan.app)
                self._rows[plan.name, field] = find_owner(app, child.additions, child.fields)

    @property
    def apps(self) -> frozenset[str]:
        """The apps that declare collections."""
        return frozenset(owner.app for owner in self._owners.values())

    def app_of(self, collection: str, *keys: str) -> str:
        """Return the app of a declared collection, or of fields by their paths, or of an index over them."""
        for key in keys:
            field, _, name = key.partition(".")
            if rows := self._rows.get((collection, field)):
                return rows.app_of(name) if name else rows.app
        return self._owners[collection].app_of(*keys)

    def knows(self, collection: str) -> bool:
        """Return whether a collection is declared."""
        return collection in self._owners

    def find_undeclared(self, collection: str, keys: Iterable[str]) -> str | None:
        """Return the first field of a declared collection that its DocType does not declare."""
        return next((key for key in keys if key not in self._keys[collection]), None)


def _keys(plan: CompiledDocType) -> Iterator[str]:
    """Yield the paths of all that documents hold."""
    layout = layout_of(plan)
    yield from (*layout.columns, *layout.rows)
    yield from map(key_of, FRAMEWORK_SPECS)
    for field, child in plan.children.items():
        yield from (f"{field}.{column.name}" for column in child.stored_columns)


def split_changes(
    changes: Iterable[Change], owners: CollectionOwners, graph: MigrationGraph
) -> dict[str, list[Change]]:
    """Return the changes by the app that writes them."""
    divided: dict[str, list[Change]] = {}
    for change in changes:
        for app, part in _parts(change, owners, graph):
            divided.setdefault(app, []).append(part)
    return divided


def _parts(change: Change, owners: CollectionOwners, graph: MigrationGraph) -> Iterator[tuple[str, Change]]:
    """Yield a change with its app; a new collection without the fields of overrides, which are changes of their own."""
    name, keys = change.collection, _keys_of(change)
    if not owners.knows(name):
        if app := graph.find_writer(name, None, None):
            yield app, change
    elif isinstance(change, made.CreateCollection) and change.layout is not None:
        yield from _divide_collection(name, change.layout, owners)
    elif gone := owners.find_undeclared(name, keys):
        yield graph.find_writer(name, gone, owners.app_of(name)) or "", change
    else:
        yield owners.app_of(name, *keys), change


def _keys_of(change: Change) -> tuple[str, ...]:
    match change:
        case made.AddIndex(index=index) | made.DropIndex(index=index):
            return index.keys
        case made.ChangeRowField(path=path):
            return (path,)
        case (
            made.AddField(name=name)
            | made.ChangeField(name=name)
            | made.DropField(name=name)
            | made.KeepField(name=name)
        ):
            return (name,)
    return ()


def _divide_collection(name: str, layout: Layout, owners: CollectionOwners) -> Iterator[tuple[str, Change]]:
    app = owners.app_of(name)
    apps = {key: owners.app_of(name, key) for key in (*layout.columns, *layout.rows)}
    columns = {key: column for key, column in layout.columns.items() if apps[key] == app}
    rows = {path: kind for path, kind in layout.rows.items() if apps[path] == app}
    yield app, made.CreateCollection(name, Layout(columns, rows))
    for key, column in layout.columns.items():
        if key not in columns:
            yield apps[key], made.AddField(name, key, column)
    for path, kind in layout.rows.items():
        if path not in rows:
            yield apps[path], made.ChangeRowField(name, path, None, kind)
