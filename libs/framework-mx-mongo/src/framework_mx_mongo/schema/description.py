"""A line for a person about each change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from framework_mx_mongo.schema import changes as made
from framework_mx_mongo.schema.changes import Change, is_change

__all__ = ["describe_change", "summarize"]


def summarize(changes: Iterable[Change]) -> Iterator[str]:
    """Yield a line per change, without the indexes of new collections."""
    created: set[str] = set()
    for change in changes:
        if isinstance(change, made.CreateCollection):
            created.add(change.collection)
        if is_change(change) and not (isinstance(change, made.AddIndex) and change.collection in created):
            yield describe_change(change)


def describe_change(change: Change) -> str:
    """Return a line about a change."""
    return _SENTENCES[type(change)](change)


def _row_field(change: made.ChangeRowField) -> str:
    place = f"{change.collection}.{change.path}"
    if change.before is None:
        return f"new field {place}"
    if change.kind is None:
        return f"drop field {place} with its values"
    return f"{place} changes from {change.before} to {change.kind}"


def _field(change: made.ChangeField) -> str:
    place = f"{change.collection}.{change.name}"
    if change.before.kind != change.column.kind:
        return f"{place} changes from {change.before.kind} to {change.column.kind}"
    if change.before.nullable != change.column.nullable:
        return f"{place} becomes {'optional' if change.column.nullable else 'required'}"
    return f"{place} has another default"


_SENTENCES: Final[dict[type[Change], Callable[[Any], str]]] = {
    made.CreateCollection: lambda change: f"new collection {change.collection}",
    made.DropCollection: lambda change: f"drop collection {change.collection} with its documents",
    made.AddField: lambda change: f"new field {change.collection}.{change.name}",
    made.DropField: lambda change: f"drop field {change.collection}.{change.name} with its values",
    made.ChangeField: _field,
    made.ChangeRowField: _row_field,
    made.AddIndex: lambda change: (
        f"new {'unique ' if change.index.unique else ''}index {change.collection}.{change.index.name}"
    ),
    made.DropIndex: lambda change: f"drop index {change.collection}.{change.index.name}",
    made.SetValidator: lambda change: f"new validator of {change.collection}",
    made.RenameField: lambda change: f"{change.collection}.{change.name} is renamed to {change.new}",
    made.RenameDocType: lambda change: f"{change.collection} is renamed to {change.new}",
    made.UpdateDocuments: lambda change: f"update documents of {change.collection}",
}
