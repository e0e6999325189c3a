"""`MongoMigrations`: port `MigrationProtocol`; revisions of collections, validators and indexes, and patches.

Changes of the schema are in no transaction: a revision whose run was stopped stays pending and is repeated, and its
operations find what they have done already. `apply` itself updates the framework's own collections.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from framework_m_core.spi import (
    VERSIONS,
    ConfigurationError,
    DocumentService,
    MigrationFiles,
    MigrationKind,
    MigrationRecord,
    MigrationStatus,
    MigrationStep,
    PatchRunner,
    RevisionFile,
    WrittenRevision,
    add_ancestors,
    create_folders,
    delete_on_failure,
    find_migration_errors,
    read_migrations,
    write_patch,
)
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.migrations.app_schema import AppSchema
from framework_mx_mongo.migrations.conversion import ValueConverter, forget_progress
from framework_mx_mongo.migrations.lock import MigrationLock
from framework_mx_mongo.migrations.patches import make_patch_store
from framework_mx_mongo.migrations.rendering import advise_on_revision, write_revision
from framework_mx_mongo.migrations.revisions import run_downgrade, run_upgrade
from framework_mx_mongo.migrations.trial import TrialDatabase
from framework_mx_mongo.schema.changes import Change, is_change
from framework_mx_mongo.schema.description import summarize
from framework_mx_mongo.schema.editor import SchemaEditor
from framework_mx_mongo.schema.recorder import forget_revision, mark_begun, read_record, record_revisions
from framework_mx_mongo.store import MongoStore
from framework_mx_mongo.unit_of_work import MongoUnitOfWorkFactory

__all__ = ["MongoMigrations"]

_OF_DEVELOPMENT = "of development"


class MongoMigrations:
    """The migrations of the app over its database."""

    def __init__(
        self, mongo_store: MongoStore, unit_of_work: MongoUnitOfWorkFactory, documents: DocumentService
    ) -> None:
        if mongo_store.migrations is None:
            raise ConfigurationError("expected a store with a folder of migrations, got one without")
        self._store = mongo_store
        self._folder: Path = mongo_store.migrations
        self._driver = mongo_store.global_driver
        self._schema = AppSchema(mongo_store)
        self._lock = MigrationLock(self._driver)
        converter = ValueConverter(self._driver, self._lock.check)
        self._editor = SchemaEditor(self._driver, converter.convert, strict=True)
        patches = make_patch_store(unit_of_work, self._lock.check)
        self._patches = PatchRunner(patches, documents, mongo_store.registries)

    async def init(self) -> Sequence[str]:
        """Create the folders, and take over collections that development's sync created. Return what was done."""
        async with self._lock.hold():
            with create_folders(self._folder) as folders:
                done = [f"created {path.relative_to(self._folder.parent)}/" for path in folders]
                if not (await self._record()).exists and await self._schema.has_collections():
                    done += await self._adopt_collections()
        return done

    async def create(self, message: str, *, empty: bool = False, drop: bool = False) -> WrittenRevision | None:
        """Write a revision of the differences, or an empty one; return None if there are no differences."""
        files = self._ready_to_write()
        if empty:
            return WrittenRevision(self._write(files, message, ()), ())
        record = await self._record()
        if not record.exists and await self._schema.has_collections():
            files.refuse_synced("collections")
            async with self._lock.hold():
                return await self._write_first(message)
        files.check_current(record)
        changes = await self._schema.changes(drop=drop)
        if not any(map(is_change, changes)):
            return None
        return _written(self._write(files, message, changes), changes)

    async def create_patch(self, message: str) -> Path:
        """Write a patch after the newest revision."""
        files = self._ready_to_write()
        if not files.revisions:
            raise ConfigurationError(
                'a patch follows a revision, but there is none yet: `m migrate create "initial"` writes the first'
            )
        return write_patch(self._folder, message, files.heads[0])

    async def diff(self) -> Sequence[str]:
        """Return the differences between database and DocTypes, those of the framework's collections first."""
        lacking = await self._schema.compare_framework()
        lines = [f"the framework's own collections lack {len(lacking)} changes: `m migrate run` makes them"]
        return [*(lines if lacking else []), *summarize(await self._schema.changes())]

    async def apply(self, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Run the pending steps, excluding other runs; yield each step once it is stored."""
        files = self._files()
        files.check_heads()
        async with self._lock.hold():
            await self._check_before_run(files)
            await self._prepare()
            for step in await self._pending(files, await self._record(), to):
                await self._apply_step(files, step)
                yield replace(step, applied=True)
            await self._store.load_defaults()

    async def preview(self, to: str | None = None) -> Sequence[str]:
        """Return the changes of a run, found on a schema in memory; patches are named."""
        files = self._files()
        files.check_heads()
        await self._check_before_run(files)
        first = await self._schema.compare_framework()
        trial = TrialDatabase(await self._schema.existing())
        trial.lines += summarize(first)
        for step in await self._pending(files, await self._record(), to):
            if step.kind is MigrationKind.PATCH:
                trial.lines.append(f"-- patch {step.name}, which is not run: {step.message}")
            else:
                await trial.run(files.get_revision(step.name))
        return trial.lines

    async def rollback(self, *, steps: int = 1, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Revert revisions, the newest first; yield each once it is reverted."""
        files = self._files()
        async with self._lock.hold():
            record = await self._record()
            files.check_known(record)
            for id in files.to_revert(record, steps, to):
                revision = files.get_revision(id)
                await run_downgrade(revision, self._perform)
                await self._note(partial(forget_revision, revision=id))
                yield MigrationStep(id, MigrationKind.REVISION, revision.message, False)
            await self._store.load_defaults()

    async def status(self) -> MigrationStatus:
        """Return the status; drift is determined only if nothing is pending."""
        files, record = self._files(), await self._record()
        pending = await self._pending(files, record)
        drift = () if pending else tuple(await self.diff())
        return MigrationStatus(record.revisions, tuple(pending), drift, (self._folder / VERSIONS).is_dir())

    async def history(self) -> Sequence[MigrationStep]:
        """Return all revisions and patches in order."""
        return self._files().history(await self._record())

    async def verify(self) -> Sequence[str]:
        """Return the errors of the files and of what they have applied, else the differences of the schema."""
        record = await self._record()
        return list(find_migration_errors(self._folder, record)) or list(await self.diff())

    def _files(self) -> MigrationFiles:
        return read_migrations(self._folder)

    async def _record(self) -> MigrationRecord:
        return await read_record(self._driver)

    async def _pending(
        self, files: MigrationFiles, record: MigrationRecord, to: str | None = None
    ) -> list[MigrationStep]:
        return files.pending(record, to, is_empty=not await self._schema.has_documents())

    def _ready_to_write(self) -> MigrationFiles:
        files = self._files()
        files.check_writable()
        return files

    async def _check_before_run(self, files: MigrationFiles) -> None:
        record = await self._record()
        files.check_known(record)
        if self._schema.names:
            files.require_revisions()
        if files.revisions and not record.exists and await self._schema.has_collections():
            files.refuse_synced("collections")

    async def _prepare(self) -> None:
        for change in await self._schema.compare_framework():
            await self._perform(change)
        await mark_begun(self._driver)

    async def _apply_step(self, files: MigrationFiles, step: MigrationStep) -> None:
        if step.kind is MigrationKind.PATCH:
            [patch] = [patch for patch in files.patches if patch.name == step.name]
            await self._store.load_defaults()
            await self._patches.run(patch)
        else:
            revision = files.get_revision(step.name)
            await run_upgrade(revision, self._perform)
            await self._note(partial(record_revisions, revisions=[revision]))

    async def _perform(self, change: Change) -> None:
        """Make a change while the lock is held. Raises MigrationError if it no longer is."""
        await self._driver.within(self._lock.check)
        await self._editor.perform(change)

    async def _note(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        async def checked(transaction: Transaction) -> None:
            await self._lock.check(transaction)
            await work(transaction)
            await forget_progress(transaction)

        await self._driver.within(checked)

    def _write(self, files: MigrationFiles, message: str, changes: Sequence[Change]) -> Path:
        return write_revision(self._folder, message, files.heads[0] if files.heads else None, changes)

    async def _adopt_collections(self) -> list[str]:
        files = self._files()
        files.check_heads()
        if not files.revisions:
            written = await self._write_first("initial")
            lines = [f"wrote {written.path.relative_to(self._folder.parent)} with the existing collections"]
            return [*lines, *await self._write_rest()]
        trial = TrialDatabase()
        for revision in files.revisions:
            await trial.run(revision)
        newest = files.heads[0]
        lines = [f"adopted the collections as they are, at revision {newest}"]
        changes = self._schema.compare(trial.schema)
        lacking = [*await self._schema.changes(), *await self._schema.find_lacking(trial.schema)]
        if not any(map(is_change, changes)):
            await self._adopt(files.revisions, lacking)
            return lines
        path = self._write(files, _OF_DEVELOPMENT, changes)
        with delete_on_failure(path):
            await self._adopt(self._files().revisions, lacking)
        more = "; ".join(summarize(changes))
        return [*lines, f"wrote {path.relative_to(self._folder.parent)} with their further changes: {more}"]

    async def _write_first(self, message: str) -> WrittenRevision:
        """Write the first revision, of collections that exist already, as they are."""
        changes = await self._schema.find_first_changes()
        path = self._write(self._files(), message, changes)
        with delete_on_failure(path):
            await self._adopt(self._files().revisions, ())
        written = _written(path, changes)
        again = (f"{line}, by another revision: run `m migrate create` again" for line in await self.diff())
        return replace(written, advice=(*written.advice, *again))

    async def _write_rest(self) -> Sequence[str]:
        """Write a revision of what has changed since, which is not run yet. Return what was done."""
        changes = await self._schema.changes()
        if not any(map(is_change, changes)):
            return ()
        path = self._write(self._files(), _OF_DEVELOPMENT, changes)
        more = "; ".join(summarize(changes))
        return [f"wrote {path.relative_to(self._folder.parent)} for `m migrate run`, with what has changed: {more}"]

    async def _adopt(self, revisions: Sequence[RevisionFile], lacking: Sequence[Change]) -> None:
        """Make what the revisions make besides, and record that the database is at the newest of them."""
        for change in lacking:
            await self._perform(change)
        await self._prepare()
        applied = add_ancestors(revisions, [revisions[-1].id])
        await self._note(partial(record_revisions, revisions=[one for one in revisions if one.id in applied]))


def _written(path: Path, changes: Sequence[Change]) -> WrittenRevision:
    return WrittenRevision(path, tuple(summarize(changes)), tuple(advise_on_revision(changes)))
