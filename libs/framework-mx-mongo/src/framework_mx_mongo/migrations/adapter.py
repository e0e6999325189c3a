"""`MongoMigrations`: port `MigrationProtocol`; revisions of collections, validators and indexes, and patches.

Changes of the schema are in no transaction: a revision whose run was stopped stays pending and is repeated, and its
operations find what they have done already. `apply` itself updates the framework's own collections.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from framework_m_core.spi import (
    VERSIONS,
    ConfigurationError,
    DocumentService,
    MigrationFile,
    MigrationFiles,
    MigrationGraph,
    MigrationRecord,
    MigrationStatus,
    MigrationStep,
    PatchFile,
    PatchRunner,
    RevisionFile,
    WrittenRevision,
    advise_on_unfit_values,
    create_folders,
    find_migration_errors,
    refuse_unfit_values,
    write_patch,
)
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.migrations.adoption import Adoption
from framework_mx_mongo.migrations.app_schema import AppSchema
from framework_mx_mongo.migrations.conversion import ValueConverter, forget_progress
from framework_mx_mongo.migrations.lock import MigrationLock
from framework_mx_mongo.migrations.patches import make_patch_store
from framework_mx_mongo.migrations.rendering import advise_on_revision, write_revision
from framework_mx_mongo.migrations.revisions import run_downgrade, run_upgrade
from framework_mx_mongo.migrations.trial import TrialDatabase
from framework_mx_mongo.migrations.unfit_values import find_unfit_values
from framework_mx_mongo.schema.changes import Change, is_change
from framework_mx_mongo.schema.description import summarize
from framework_mx_mongo.schema.editor import SchemaEditor
from framework_mx_mongo.schema.recorder import forget_revisions, prepare_record, read_record, record_revisions
from framework_mx_mongo.store import MongoStore
from framework_mx_mongo.unit_of_work import MongoUnitOfWorkFactory

__all__ = ["MongoMigrations"]


class MongoMigrations:
    """The migrations of the loaded apps over their database."""

    def __init__(
        self, mongo_store: MongoStore, unit_of_work: MongoUnitOfWorkFactory, documents: DocumentService
    ) -> None:
        self._store = mongo_store
        self._folders = mongo_store.migrations
        self._driver = mongo_store.global_driver
        self._schema = AppSchema(mongo_store)
        self._lock = MigrationLock(self._driver)
        converter = ValueConverter(self._driver, self._lock.check)
        self._editor = SchemaEditor(self._driver, converter.convert, strict=True)
        patches = make_patch_store(unit_of_work, self._lock.check)
        self._patches = PatchRunner(patches, documents, mongo_store.registry_handle)
        self._adoption = Adoption(self._folders, self._schema, self._perform, self._note)

    async def init(self) -> Sequence[str]:
        """Create the folders, and take over collections that no revision of their app made. Return what was done."""
        apps = self._folders.own or (self._folders.choose(None),)
        async with self._lock.hold():
            with ExitStack() as made:
                folders = [self._folders.folders[app] for app in apps]
                new = [path for folder in folders for path in made.enter_context(create_folders(folder))]
                done = [f"created {path.relative_to(Path.cwd(), walk_up=True)}/" for path in new]
                graph, record = await self._read()
                if record.exists:
                    done += await self._adoption.adopt_apps(graph, record)
                elif await self._schema.find_apps():
                    done += (await self._adoption.adopt_development(graph)).lines
        return done

    async def create(
        self, message: str, *, empty: bool = False, drop: bool = False, app: str | None = None
    ) -> WrittenRevision | None:
        """Write a revision of the differences, or an empty one; return None if there are no differences."""
        graph, record = await self._read()
        files = self._ready_to_write(graph, app)
        if empty:
            return WrittenRevision(write_revision(files, message, ()), ())
        if not record.exists and await self._schema.find_apps():
            graph.refuse_synced("collections")
            return await self._write_first(message, files.app)
        graph.check_current(record, files.app)
        changes = (await self._changes(graph, drop=drop)).get(files.app, [])
        unfit = await find_unfit_values(self._driver, self._store.registry)
        if not any(map(is_change, changes)):
            refuse_unfit_values(unfit)
            return None
        return _written(write_revision(files, message, changes), changes, unfit)

    async def create_patch(self, message: str, *, app: str | None = None) -> Path:
        """Write a patch after the newest revision."""
        files = self._ready_to_write(self._graph(), app)
        if files.newest is None:
            raise ConfigurationError(
                'a patch follows a revision, but there is none yet: `m migrate create "initial"` writes the first'
            )
        return write_patch(files.folder, message, files.newest)

    async def diff(self) -> Sequence[str]:
        """Return the differences between database and DocTypes, those of the framework's collections first."""
        lacking = await self._schema.compare_framework()
        lines = [f"the framework's own collections lack {len(lacking)} changes: `m migrate run` makes them"]
        divided = await self._changes(self._graph())
        own = (line for app in self._folders.own for line in summarize(divided.get(app, ())))
        return [*(lines if lacking else []), *own]

    async def diff_elsewhere(self) -> Sequence[str]:
        """Return the differences of the apps whose revisions are written elsewhere."""
        graph = self._graph()
        divided = await self._changes(graph)
        return graph.list_elsewhere({app: [*summarize(changes)] for app, changes in divided.items()})

    async def apply(self, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Run the pending steps, excluding other runs; yield each step once it is stored."""
        self._graph().check_heads()
        async with self._lock.hold():
            graph, record = await self._read()
            await self._check_before_run(graph, record)
            for change in await self._schema.compare_framework():
                await self._perform(change)
            begun = [app for app, files in graph.files.items() if files.revisions]
            await self._write(partial(prepare_record, record=record, apps=begun))
            for file in await self._pending(graph, record, to):
                await self._apply_file(graph, file)
                yield graph.describe(file, applied=True)
            await self._store.load_defaults()

    async def preview(self, to: str | None = None) -> Sequence[str]:
        """Return the changes of a run, found on a schema in memory; patches are named."""
        graph, record = await self._read()
        graph.check_heads()
        await self._check_before_run(graph, record)
        first = await self._schema.compare_framework()
        trial = TrialDatabase(await self._schema.read_existing())
        trial.lines += summarize(first)
        for file in await self._pending(graph, record, to):
            label = graph.format_step(file.step)
            if isinstance(file, PatchFile):
                trial.lines.append(f"-- patch {label}, which is not run: {file.message}")
            else:
                await trial.run(file, label)
        return trial.lines

    async def rollback(self, *, steps: int = 1, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Revert revisions, the newest first; yield each once it is reverted."""
        async with self._lock.hold():
            graph, record = await self._read()
            graph.check_known(record)
            await self._write(partial(prepare_record, record=record, apps=()))
            for revision in graph.list_to_revert(record, steps, to):
                await run_downgrade(revision, graph.format_step(revision.step), self._perform)
                gone = [revision.step, *graph.list_adopted(revision)]
                await self._note(partial(forget_revisions, steps=gone))
                yield graph.describe(revision, applied=False)
            await self._store.load_defaults()

    async def status(self) -> MigrationStatus:
        """Return the status; drift is determined only if nothing is pending."""
        graph, record = await self._read()
        pending = [graph.describe(file, applied=False) for file in await self._pending(graph, record)]
        drift, elsewhere = ((), ()) if pending else (tuple(await self.diff()), tuple(await self.diff_elsewhere()))
        unfit = () if pending or drift else await find_unfit_values(self._driver, self._store.registry)
        begun = all((self._folders.folders[app] / VERSIONS).is_dir() for app in self._folders.own)
        return MigrationStatus(graph.list_current(record), tuple(pending), drift, begun, tuple(unfit), elsewhere)

    async def history(self) -> Sequence[MigrationStep]:
        """Return all revisions and patches in order."""
        graph, record = await self._read()
        return graph.history(record)

    async def verify(self) -> Sequence[str]:
        """Return the errors of the files and of what they have applied, else the differences of the schema."""
        errors = list(find_migration_errors(self._folders, self._store.registry, await read_record(self._driver)))
        return errors or [*await self.diff(), *await self.diff_elsewhere()]

    def _graph(self) -> MigrationGraph:
        return self._folders.read(self._store.registry)

    async def _read(self) -> tuple[MigrationGraph, MigrationRecord]:
        graph = self._graph()
        return graph, graph.read(await read_record(self._driver))

    async def _changes(self, graph: MigrationGraph, *, drop: bool = False) -> dict[str, list[Change]]:
        return dict(self._schema.split_by_app(await self._schema.find_changes(drop=drop), graph))

    async def _pending(
        self, graph: MigrationGraph, record: MigrationRecord, to: str | None = None
    ) -> list[MigrationFile]:
        return graph.list_pending(record, to, empty=graph.files.keys() - await self._schema.find_filled())

    def _ready_to_write(self, graph: MigrationGraph, app: str | None) -> MigrationFiles:
        files = graph.files[self._folders.choose(app)]
        files.check_writable()
        return files

    async def _check_before_run(self, graph: MigrationGraph, record: MigrationRecord) -> None:
        graph.check_known(record)
        graph.require_revisions(self._schema.owners.apps)
        existing = await self._schema.find_apps()
        if existing and not record.exists:
            graph.refuse_synced("collections")
        graph.check_adopted(record, existing, "collections")

    async def _apply_file(self, graph: MigrationGraph, file: MigrationFile) -> None:
        if isinstance(file, PatchFile):
            await self._store.load_defaults()
            await self._patches.run(file, graph.format_step(file.step))
            return
        await run_upgrade(file, graph.format_step(file.step), self._perform)
        adopted = {*graph.list_adopted(file)}
        revisions: list[RevisionFile] = [file, *(one for one in graph.list_revisions() if one.step in adopted)]
        await self._note(partial(record_revisions, revisions=revisions))

    async def _perform(self, change: Change) -> None:
        """Make a change while the lock is held. Raises MigrationError if it no longer is."""
        await self._driver.within(self._lock.check)
        await self._editor.perform(change)

    async def _note(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        """Record in a transaction that something was done, whose progress no longer matters."""

        async def finish(transaction: Transaction) -> None:
            await work(transaction)
            await forget_progress(transaction)

        await self._write(finish)

    async def _write(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        """Run work in a transaction while the lock is held. Raises MigrationError if it no longer is."""

        async def checked(transaction: Transaction) -> None:
            await self._lock.check(transaction)
            await work(transaction)

        await self._driver.within(checked)

    async def _write_first(self, message: str, app: str) -> WrittenRevision | None:
        """Write the first revision, of collections that exist already, as they are."""
        async with self._lock.hold():
            adopted = await self._adoption.adopt_development(self._graph(), message, rest=False)
        folder = self._folders.folders[app]
        for path, changes in adopted.first:
            if path.is_relative_to(folder):
                written = _written(path, changes)
                left = await self.diff()
                again = (f"{line}, by another revision: run `m migrate create` again" for line in left)
                return replace(written, advice=(*written.advice, *again))
        return None


def _written(path: Path, changes: Sequence[Change], unfit: Sequence[str] = ()) -> WrittenRevision:
    advice = (*advise_on_revision(changes), *advise_on_unfit_values(unfit))
    return WrittenRevision(path, tuple(summarize(changes)), advice)
