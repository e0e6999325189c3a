"""`Adoption`: taking over collections that exist, made by development's sync or by another app's revisions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from framework_m_core.spi import (
    ConfigurationError,
    MigrationFolders,
    MigrationGraph,
    MigrationRecord,
    RevisionFile,
    delete_on_failure,
)
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.migrations.app_schema import AppSchema
from framework_mx_mongo.migrations.operations import Perform
from framework_mx_mongo.migrations.rendering import write_revision
from framework_mx_mongo.migrations.trial import TrialDatabase
from framework_mx_mongo.schema.changes import Change, is_change
from framework_mx_mongo.schema.comparison import compare_collections, compare_indexes
from framework_mx_mongo.schema.description import summarize
from framework_mx_mongo.schema.existing import ExistingSchema
from framework_mx_mongo.schema.recorder import prepare_record, record_revisions

__all__ = ["Adopted", "Adoption", "Note"]

_INITIAL: Final = "initial"
_OF_DEVELOPMENT: Final = "of development"

type Note = Callable[[Callable[[Transaction], Awaitable[None]]], Awaitable[None]]
"""Runs work in a transaction while the lock of migrations is held."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was done, one line each, and the first revisions that were written, with their changes."""

    lines: list[str] = field(default_factory=list)
    first: list[tuple[Path, Sequence[Change]]] = field(default_factory=list)


class Adoption:
    """Taking over of a database, under the lock of migrations."""

    def __init__(self, folders: MigrationFolders, schema: AppSchema, perform: Perform, note: Note) -> None:
        self._folders = folders
        self._schema = schema
        self._perform = perform
        self._note = note

    async def adopt_development(self, graph: MigrationGraph, message: str = _INITIAL, *, rest: bool = True) -> Adopted:
        """Adopt the collections of all apps, of which those here may have differences that become revisions of theirs.

        Raises ConfigurationError for another app whose revisions do not make its collections.
        """
        graph.check_heads()
        head = await self._run_all(graph)
        more = self._schema.split_by_app(self._schema.compare(head), graph)
        done = Adopted([*self._check_others(graph, more, await self._schema.find_apps())])
        new = [app for app in self._folders.own if not graph.files[app].revisions]
        first = self._schema.split_by_app(await self._schema.find_first_changes(), graph)
        lacking = [
            *(change for app, found in (await self._changes(graph)).items() if app not in new for change in found),
            *await self._schema.find_lacking(head),
        ]
        with ExitStack() as written:
            for app in self._folders.own:
                changes = first.get(app, ()) if app in new else more.get(app, ())
                self._write(graph, app, message, changes, done, written, is_first=app in new)
            await self._take_over(lacking)
        for app in new if rest else ():
            done.lines.extend(await self._write_rest(app))
        return done

    async def adopt_apps(self, graph: MigrationGraph, record: MigrationRecord) -> list[str]:
        """Adopt the collections of apps that other apps' revisions made: here by this record, of others by a revision.

        Raises ConfigurationError if the collections lack what an app's first revision makes.
        """
        existing = await self._schema.find_apps()
        lines = [line for app in graph.find_unbegun(record, existing) for line in await self._adopt_first(app, record)]
        for app in graph.find_unadopted(record, existing):
            revision, lacking = await self._find_made(graph, app)
            if app in self._folders.own:
                await self._stamp(graph, record, revision, lacking)
                lines.append(f"adopted the collections of {app}, at revision {graph.format_step(revision.step)}")
                continue
            files = graph.files[self._folders.own[-1]]
            path = write_revision(files, f"adopt {app}", lacking, adopts=revision.step)
            lines.append(
                f"wrote {_show(path, files.folder)} for `m migrate run`: the collections of {app} are those of its "
                f"revisions up to {graph.format_step(revision.step)}"
            )
        return lines

    async def _adopt_first(self, app: str, record: MigrationRecord) -> Sequence[str]:
        """Write the first revision of an app whose collections exist, and record it."""
        graph, done = self._folders.read(self._schema.registry), Adopted()
        with ExitStack() as written:
            first = self._schema.split_by_app(await self._schema.find_first_changes(), graph).get(app, [])
            self._write(graph, app, _INITIAL, first, done, written, is_first=True)
            revisions = self._folders.read(self._schema.registry).files[app].revisions
            await self._note(partial(_record_all, record=record, apps=[app], revisions=revisions))
        return [*done.lines, *await self._write_rest(app)]

    async def _run_all(self, graph: MigrationGraph) -> ExistingSchema:
        trial = TrialDatabase()
        for file in graph.order:
            if isinstance(file, RevisionFile) and file.step not in graph.adopters:
                await trial.run(file, graph.format_step(file.step))
        return trial.schema

    def _check_others(
        self, graph: MigrationGraph, more: Mapping[str, Sequence[Change]], existing: frozenset[str]
    ) -> Iterator[str]:
        """Yield a line for each app of another folder. Raises ConfigurationError if its revisions lack something."""
        for app in sorted(existing - {*self._folders.own}):
            files = graph.files[app]
            lacking = "; ".join(summarize(more.get(app, ()))) if files.revisions else "all its collections"
            if lacking:
                raise ConfigurationError(
                    f"the revisions of {app} lack {lacking}: write them in its own folder first, by `m migrate init` "
                    "and `m migrate create`"
                )
            yield f"adopted the collections of {app}, at revision {', '.join(files.heads)}"

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
            newest = graph.format_step(files.revisions[-1].step)
            done.lines.append(f"adopted the collections as they are, at revision {newest}")
        if not any(map(is_change, changes)):
            return
        path = write_revision(files, message if is_first else _OF_DEVELOPMENT, changes)
        written.enter_context(delete_on_failure(path))
        if is_first:
            done.first.append((path, changes))
            done.lines.append(f"wrote {_show(path, files.folder)} with the existing collections")
        else:
            more = "; ".join(summarize(changes))
            done.lines.append(f"wrote {_show(path, files.folder)} with their further changes: {more}")

    async def _take_over(self, lacking: Sequence[Change]) -> None:
        """Make what the revisions make besides, and record all revisions."""
        graph = self._folders.read(self._schema.registry)
        for change in (*lacking, *await self._schema.compare_framework()):
            await self._perform(change)
        await self._note(
            partial(
                _record_all, record=MigrationRecord(False), apps=[*graph.files], revisions=[*graph.list_revisions()]
            )
        )

    async def _write_rest(self, app: str) -> Sequence[str]:
        """Write a revision of what has changed since, which is not run yet. Return what was done."""
        graph = self._folders.read(self._schema.registry)
        changes = (await self._changes(graph)).get(app, [])
        if not any(map(is_change, changes)):
            return ()
        files = graph.files[app]
        path = write_revision(files, _OF_DEVELOPMENT, changes)
        more = "; ".join(summarize(changes))
        return [f"wrote {_show(path, files.folder)} for `m migrate run`, with what has changed: {more}"]

    async def _changes(self, graph: MigrationGraph) -> Mapping[str, list[Change]]:
        return self._schema.split_by_app(await self._schema.find_changes(), graph)

    async def _find_made(self, graph: MigrationGraph, app: str) -> tuple[RevisionFile, Sequence[Change]]:
        """Return the newest revision of an app that the database holds, with what no DocType declares and it lacks."""
        existing, trial = await self._schema.read_existing(), TrialDatabase()
        found: tuple[RevisionFile, Sequence[Change]] | None = None
        first: Sequence[Change] | None = None
        for file in graph.order:
            if not isinstance(file, RevisionFile) or file.app not in {app, *graph.list_needed(app)}:
                continue
            await trial.run(file, graph.format_step(file.step))
            if file.app != app:
                continue
            lacking = [*self._find_lacking(app, trial.schema, existing)]
            declared = [change for change in lacking if self._schema.is_declared(change)]
            first = declared if first is None else first
            found = found if declared else (file, lacking)
        if found is None:
            raise ConfigurationError(
                f"the collections of {app} are older than its first revision: they lack "
                f"{'; '.join(summarize(first or ()))}; add that by an empty revision of the app that made them, and "
                "run `m migrate init` again"
            )
        return found

    def _find_lacking(self, app: str, wanted: ExistingSchema, existing: ExistingSchema) -> Iterator[Change]:
        owners = self._schema.owners
        for change in (*compare_collections(wanted, existing), *compare_indexes(wanted, existing)):
            if not owners.knows(change.collection) or owners.app_of(change.collection) == app:
                yield change

    async def _stamp(
        self, graph: MigrationGraph, record: MigrationRecord, revision: RevisionFile, lacking: Sequence[Change]
    ) -> None:
        """Make what a revision makes besides, and record it with those before it."""
        for change in lacking:
            await self._perform(change)
        revisions = graph.list_until(revision)
        await self._note(partial(_record_all, record=record, apps=[revision.app], revisions=revisions))


async def _record_all(
    transaction: Transaction, record: MigrationRecord, apps: Sequence[str], revisions: Sequence[RevisionFile]
) -> None:
    await prepare_record(transaction, record, apps)
    await record_revisions(transaction, revisions)


def _show(path: Path, folder: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here if path.is_relative_to(here) else folder.parent))
