"""`TrialDatabase`: revisions run on a schema in memory, to know what they make and to show what they would do."""

from __future__ import annotations

from dataclasses import replace

from framework_m_core.spi import RevisionFile
from framework_mx_mongo.documents.layout import Layout
from framework_mx_mongo.migrations.revisions import run_upgrade
from framework_mx_mongo.schema import changes as made
from framework_mx_mongo.schema.changes import Change
from framework_mx_mongo.schema.description import describe_change
from framework_mx_mongo.schema.existing import ExistingCollection, ExistingSchema
from framework_mx_mongo.schema.renaming import rename_index, rename_path

__all__ = ["TrialDatabase"]


class TrialDatabase:
    """A schema without documents, and what was done to it."""

    def __init__(self, schema: ExistingSchema | None = None) -> None:
        start = schema or ExistingSchema()
        self._collections = {**start.collections}
        self._layouts = {**start.layouts}
        self.lines: list[str] = []

    @property
    def schema(self) -> ExistingSchema:
        """The schema after what was done."""
        return ExistingSchema(self._collections, self._layouts)

    async def run(self, revision: RevisionFile, label: str) -> None:
        """Run a revision. Raises MigrationError stating where it failed."""
        self.lines.append(f"-- revision {label}")
        await run_upgrade(revision, label, self._perform, is_trial=True)

    async def _perform(self, change: Change) -> None:
        self.lines.append(describe_change(change))
        name = change.collection
        layout, found = self._layouts.get(name, Layout()), self._collections.get(name, ExistingCollection())
        columns, rows = {**layout.columns}, {**layout.rows}
        match change:
            case made.CreateCollection(layout=declared):
                columns, rows = {**(declared or layout).columns}, {**(declared or layout).rows}
            case made.DropCollection():
                self._collections.pop(name, None)
                self._layouts.pop(name, None)
                return
            case made.AddField(name=key, column=column) | made.ChangeField(name=key, column=column):
                columns[key] = column
            case made.DropField(name=key):
                columns.pop(key, None)
            case made.ChangeRowField(path=path, kind=kind):
                rows.pop(path, None)
                rows |= {path: kind} if kind else {}
            case made.AddIndex(index=index):
                found = replace(found, indexes={**found.indexes, index.name: index})
            case made.DropIndex(index=index):
                kept = {key: one for key, one in found.indexes.items() if key != index.name}
                found = replace(found, indexes=kept)
            case made.RenameField(name=old, new=new):
                columns = {rename_path(key, old, new): column for key, column in columns.items()}
                rows = {rename_path(path, old, new): kind for path, kind in rows.items()}
                indexes = [rename_index(index, old, new) for index in found.indexes.values()]
                found = replace(found, indexes={index.name: index for index in indexes})
            case made.RenameDocType(new=new):
                self._collections.pop(name, None)
                self._layouts.pop(name, None)
                name = new
        self._layouts[name] = Layout(columns, rows)
        self._collections[name] = replace(found, validator=self._layouts[name].make_validator())
