"""`Adoption`: taking over tables that exist already, made by development's sync or by another app's revisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from framework_m_core.spi import (
    ConfigurationError,
    MigrationFolders,
    MigrationGraph,
    MigrationRecord,
    RevisionFile,
    delete_on_failure,
)
from framework_m_standard.sql.migrations.autogenerate.app_comparison import (
    SchemaComparison,
    find_converted_columns,
    is_put_off,
)
from framework_m_standard.sql.migrations.autogenerate.rendering import summarize
from framework_m_standard.sql.migrations.autogenerate.scripts import write_revision
from framework_m_standard.sql.migrations.database import MigrationDatabase
from framework_m_standard.sql.migrations.framework_tables import FrameworkTables
from framework_m_standard.sql.migrations.heads import Head, inspect_head, inspect_revisions
from framework_m_standard.sql.migrations.operations.executor import perform
from framework_m_standard.sql.migrations.recorder import prepare_record, record_revisions
from framework_m_standard.sql.migrations.runner import RevisionRunner
from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema.changes import Change, is_change
from framework_m_standard.sql.schema.comparison import missing_keys_of, missing_of
from framework_m_standard.sql.schema.existing import ExistingSchema

__all__ = ["Adopted", "Adoption"]

_INITIAL: Final = "initial"
_OF_DEVELOPMENT: Final = "of development"


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was done, one line each, and the first revisions that were written, with their changes."""

    lines: list[str] = field(default_factory=list)
    first: list[tuple[Path, Sequence[Change]]] = field(default_factory=list)


class Adoption:
    """Taking over of a database, under the lock of migrations."""

    def __init__(
        self,
        folders: MigrationFolders,
        database: MigrationDatabase,
        comparison: SchemaComparison,
        framework: FrameworkTables,
        runner: RevisionRunner,
    ) -> None:
        self._folders = folders
        self._database = database
        self._comparison = comparison
        self._framework = framework
        self._runner = runner

    async def adopt_development(
        self, graph: MigrationGraph, message: str = _INITIAL, *, conversions: bool = True
    ) -> Adopted:
        """Adopt the tables of all apps, of which those here may have differences that become revisions of theirs.

        Raises ConfigurationError for another app whose revisions do not make its tables.
        """
        graph.check_heads()
        head = None if graph.is_unwritten() else inspect_head(self._runner, graph, self._comparison)
        more = self._comparison.split_by_app(head.changes, graph) if head else {}
        done = Adopted(
            [*self._check_others(graph, more, await self._database.work(self._comparison.find_apps, keep=False))]
        )
        new = [app for app in self._folders.own if not graph.files[app].revisions]
        firsts = await self._database.work(self._comparison.find_first_changes, keep=False)
        first = self._comparison.split_by_app(firsts, graph)
        with ExitStack() as written:
            for app in self._folders.own:
                changes = first.get(app, ()) if app in new else more.get(app, ())
                self._write(graph, app, message, changes, done, written, is_first=app in new)
            await self._take_over(new, head)
        for app in new if conversions else ():
            done.lines.extend(await self._write_conversions(app))
        return done

    async def adopt_apps(self, graph: MigrationGraph, record: MigrationRecord) -> list[str]:
        """Adopt the tables of apps that other apps' revisions have made: here by this record, of others by a revision.

        Raises ConfigurationError if the tables lack what an app's first revision makes.
        """
        existing = await self._database.work(self._comparison.find_apps, keep=False)
        lines = [line for app in graph.find_unbegun(record, existing) for line in await self._adopt_first(app, record)]
        for app in graph.find_unadopted(record, existing):
            tables = await self._database.work(self._comparison.read_existing, keep=False)
            revision, lacking = self._find_made(graph, app, tables)
            if app in self._folders.own:
                await self._stamp(graph, record, revision, lacking)
                lines.append(f"adopted the tables of {app}, at revision {graph.format_step(revision.step)}")
                continue
            files = graph.files[self._folders.own[-1]]
            path = write_revision(files, f"adopt {app}", lacking, adopts=revision.step)
            lines.append(
                f"wrote {_show(path, files.folder)} for `m migrate run`: the tables of {app} are those of its "
                f"revisions up to {graph.format_step(revision.step)}"
            )
        return lines

    async def _adopt_first(self, app: str, record: MigrationRecord) -> Sequence[str]:
        """Write the first revision of an app whose tables exist, and record it."""
        graph = self._folders.read(self._comparison.registry)
        firsts = await self._database.work(self._comparison.find_first_changes, keep=False)
        done = Adopted()

        def work(connection: sa.Connection) -> None:
            changes = self._comparison.split_by_app(self._comparison.find_changes(connection), graph).get(app, [])
            stored = find_converted_columns(changes)
            perform(connection, [change for change in changes if not is_put_off(change, stored)])
            prepare_record(connection, record, [app])
            record_revisions(connection, self._folders.read(self._comparison.registry).files[app].revisions, _now())

        with ExitStack() as written:
            first = self._comparison.split_by_app(firsts, graph).get(app, [])
            self._write(graph, app, _INITIAL, first, done, written, is_first=True)
            await self._framework.forget_note()
            await self._database.work(work)
            await self._framework.note_if_current()
        return [*done.lines, *await self._write_conversions(app)]

    def _check_others(
        self, graph: MigrationGraph, more: Mapping[str, Sequence[Change]], existing: frozenset[str]
    ) -> Iterator[str]:
        """Yield a line for each app of another folder. Raises ConfigurationError if its revisions lack something."""
        for app in sorted(existing - {*self._folders.own}):
            files = graph.files[app]
            lacking = "; ".join(summarize(more.get(app, ()))) if files.revisions else "all its tables"
            if lacking:
                raise ConfigurationError(
                    f"the revisions of {app} lack {lacking}: write them in its own folder first, by `m migrate init` "
                    "and `m migrate create`"
                )
            yield f"adopted the tables of {app}, at revision {', '.join(files.heads)}"

    def _write(
        self,
        graph: MigrationGraph,
        app: str,
        message: str,
        changes: Sequence[Change],
        done: Adopted,
        written: ExitStack,
        *,
        is_first: bool,
    ) -> None:
        """Write what an app's revisions lack as a revision, which is deleted if the database is not taken over."""
        files = graph.files[app]
        if not is_first:
            done.lines.append(
                f"adopted the tables as they are, at revision {graph.format_step(files.revisions[-1].step)}"
            )
        if not any(map(is_change, changes)):
            return
        path = write_revision(files, message if is_first else _OF_DEVELOPMENT, changes)
        written.enter_context(delete_on_failure(path))
        if is_first:
            done.first.append((path, changes))
            done.lines.append(f"wrote {_show(path, files.folder)} with the existing tables")
        else:
            more = "; ".join(summarize(changes))
            done.lines.append(f"wrote {_show(path, files.folder)} with their further changes: {more}")

    async def _take_over(self, new: Sequence[str], head: Head | None) -> None:
        """Convert tables created by development's sync to what revisions create, and record all revisions.

        Columns of apps without revisions before, whose type differs, stay as they are.
        """
        graph = self._folders.read(self._comparison.registry)

        def work(connection: sa.Connection) -> None:
            changes = self._comparison.find_changes(connection)
            divided = self._comparison.split_by_app(changes, graph)
            stored = find_converted_columns(change for app in new for change in divided.get(app, ()))
            perform(connection, [change for change in changes if not is_put_off(change, stored)])
            if head:
                perform(connection, missing_of(head.tables, self._comparison.read_existing(connection)))
            prepare_record(connection, MigrationRecord(False), graph.files)
            record_revisions(connection, [*graph.list_revisions()], _now())

        await self._framework.apply()
        await self._database.work(work)
        await self._framework.note_if_current()

    async def _write_conversions(self, app: str) -> Sequence[str]:
        """Write a revision of the types that differ, which is not run yet. Return what was done."""
        graph = self._folders.read(self._comparison.registry)
        changes = await self._database.work(self._comparison.find_changes, keep=False)
        own = self._comparison.split_by_app(changes, graph).get(app, [])
        if not any(map(is_change, own)):
            return ()
        files = graph.files[app]
        path = write_revision(files, _OF_DEVELOPMENT, own)
        more = "; ".join(summarize(own))
        return [f"wrote {_show(path, files.folder)} for `m migrate run`, with what has changed: {more}"]

    def _find_made(
        self, graph: MigrationGraph, app: str, tables: ExistingSchema
    ) -> tuple[RevisionFile, Sequence[Change]]:
        """Return the newest revision of an app that the database holds, with what no DocType declares and it lacks."""
        found: tuple[RevisionFile, Sequence[Change]] | None = None
        first: Sequence[Change] | None = None
        for revision, made_tables in inspect_revisions(
            self._runner, graph, self._comparison, app, graph.list_needed(app)
        ):
            lacking = [*self._find_lacking(app, made_tables, tables)]
            declared = [change for change in lacking if self._is_declared(change)]
            first = declared if first is None else first
            found = found if declared else (revision, lacking)
        if found is None:
            raise ConfigurationError(
                f"the tables of {app} are older than its first revision: they lack "
                f"{'; '.join(summarize(first or ()))}; add that by an empty revision of the app that made them, and "
                "run `m migrate init` again"
            )
        return found

    def _find_lacking(self, app: str, left: ExistingSchema, tables: ExistingSchema) -> Iterator[Change]:
        for change in (*missing_of(left, tables), *missing_keys_of(left, tables)):
            owners = self._comparison.owners
            if not owners.knows(change.table) or owners.app_of(change.table) == app:
                yield change

    def _is_declared(self, change: Change) -> bool:
        table = self._comparison.tables.get(change.table)
        if table is None:
            return False
        match change:
            case made.AddColumn(column=column):
                return column.name in table.columns
            case made.AddIndex(name=name):
                return name in {index.name for index in table.indexes}
            case made.AddLink(name=name):
                return bool(table.columns[name].foreign_keys) if name in table.columns else False
        return True

    async def _stamp(
        self, graph: MigrationGraph, record: MigrationRecord, revision: RevisionFile, lacking: Sequence[Change]
    ) -> None:
        """Make what a revision makes besides, and record it with those before it."""

        def work(connection: sa.Connection) -> None:
            perform(connection, lacking)
            prepare_record(connection, record, [revision.app])
            record_revisions(connection, graph.list_until(revision), _now())

        await self._framework.forget_note()
        await self._database.work(work)
        await self._framework.note_if_current()


def _show(path: Path, folder: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here if path.is_relative_to(here) else folder.parent))


def _now() -> str:
    return datetime.now(UTC).isoformat()
