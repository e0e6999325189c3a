"""`SqlMigrations`: port `MigrationProtocol`, with Alembic.

Revisions cover the tables of the app's DocTypes. `apply` itself updates the framework's own tables, as development's
sync would.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlalchemy as sa

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
    create_folders,
    delete_on_failure,
    find_migration_errors,
    read_migrations,
    write_patch,
)
from framework_m_standard.sql.migrations.autogenerate.app_comparison import SchemaComparison
from framework_m_standard.sql.migrations.autogenerate.rendering import summarize
from framework_m_standard.sql.migrations.autogenerate.revision_advice import advise_on_revision
from framework_m_standard.sql.migrations.autogenerate.scripts import write_revision
from framework_m_standard.sql.migrations.autogenerate.unfit_values import find_unfit_values
from framework_m_standard.sql.migrations.database import choose_migration_database
from framework_m_standard.sql.migrations.files.recorder import read_record
from framework_m_standard.sql.migrations.framework_tables import FrameworkTables
from framework_m_standard.sql.migrations.heads import Head, inspect_head
from framework_m_standard.sql.migrations.operations.executor import perform
from framework_m_standard.sql.migrations.patch_store import make_patch_store
from framework_m_standard.sql.migrations.preview import statements_of
from framework_m_standard.sql.migrations.runner import RevisionRunner
from framework_m_standard.sql.schema.changes import Change, is_change
from framework_m_standard.sql.schema.comparison import missing_of
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.store import SqlStore
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory

__all__ = ["SqlMigrations"]

_OF_DEVELOPMENT = "of development"
_PATCH = 'change them by a patch, m migrate create "…" --patch'


class SqlMigrations:
    """The migrations of the app over its database."""

    def __init__(
        self,
        sql_store: SqlStore,
        sql_settings: SqlSettings,
        unit_of_work: SqlUnitOfWorkFactory,
        documents: DocumentService,
    ) -> None:
        if sql_store.migrations is None:
            raise ConfigurationError("expected a store with a folder of migrations, got one without")
        self._store = sql_store
        self._folder: Path = sql_store.migrations
        self._database = choose_migration_database(sql_store.global_driver, sql_settings)
        self._comparison = SchemaComparison(sql_store.registry, sql_store.global_driver.name)
        self._framework = FrameworkTables(sql_store)
        self._revisions = RevisionRunner(self._folder, is_transactional=self._database.is_transactional)
        self._patches = PatchRunner(make_patch_store(unit_of_work), documents, sql_store.registries)

    async def init(self) -> Sequence[str]:
        """Create the folders, and take over tables that development's sync created. Return what was done."""
        async with self._database.hold_lock():
            with create_folders(self._folder) as folders:
                done = [f"created {path.relative_to(self._folder.parent)}/" for path in folders]
                if not (await self._record()).exists and await self._has_tables():
                    done += await self._adopt_tables()
        return done

    async def create(self, message: str, *, empty: bool = False, drop: bool = False) -> WrittenRevision | None:
        """Write a revision of the differences, or an empty one; return None if there are no differences."""
        files = await self._ready_to_write()
        if empty:
            return WrittenRevision(write_revision(self._folder, message, ()), ())
        record = await self._record()
        if not record.exists and await self._has_tables():
            files.refuse_synced("tables")
            async with self._database.hold_lock():
                return await self._write_first(message)
        files.check_current(record)
        changes = await self._database.work(partial(self._comparison.changes, drop=drop), keep=False)
        unfit = await self._unfit()
        if not any(map(is_change, changes)):
            if unfit:
                raise ConfigurationError(f"no table differs, but the DocTypes refuse stored values; {_PATCH}:", unfit)
            return None
        return self._written(write_revision(self._folder, message, changes), changes, unfit)

    async def create_patch(self, message: str) -> Path:
        """Write a patch after the newest revision."""
        files = await self._ready_to_write()
        if not files.revisions:
            raise ConfigurationError(
                'a patch follows a revision, but there is none yet: `m migrate create "initial"` writes the first'
            )
        return write_patch(self._folder, message, files.heads[0])

    async def diff(self) -> Sequence[str]:
        """Return the differences between database and DocTypes, those of the framework's tables first."""
        changes = await self._database.work(self._comparison.changes, keep=False)
        lacking = await self._framework.plan()
        lines = (
            [f"the framework's own tables lack {len(lacking)} changes: `m migrate run` makes them"] if lacking else []
        )
        return [*lines, *summarize(changes)]

    async def apply(self, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Run the pending steps, excluding other runs; yield each step once it is stored."""
        files = self._files()
        files.check_heads()
        async with self._database.hold_lock():
            await self._check_before_run(files)
            await self._prepare()
            for step in await self._pending(files, await self._record(), to):
                await self._apply_step(files, step)
                yield replace(step, applied=True)
            await self._framework.note_if_current()

    async def preview(self, to: str | None = None) -> Sequence[str]:
        """Return the statements of a run, found in a transaction that is rolled back.

        On PostgreSQL this takes the locks that the run would take. Raises ConfigurationError on MariaDB.
        """
        if not self._database.is_transactional:
            raise ConfigurationError(
                "expected a database that can roll back changes of tables for a preview, got MariaDB, which cannot: "
                "preview on a copy, or read the revisions"
            )
        files = self._files()
        files.check_heads()
        await self._check_before_run(files)
        steps = await self._pending(files, await self._record(), to)
        first = await self._framework.plan()
        return await statements_of(self._database, self._revisions, first, steps)

    async def rollback(self, *, steps: int = 1, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Revert revisions, the newest first; yield each once it is reverted."""
        files = self._files()
        async with self._database.hold_lock():
            record = await self._record()
            files.check_known(record)
            for id in files.to_revert(record, steps, to):
                revision = files.get_revision(id)
                await self._revert(revision)
                yield MigrationStep(id, MigrationKind.REVISION, revision.message, False)

    async def status(self) -> MigrationStatus:
        """Return the status; drift is determined only if nothing is pending."""
        files, record = self._files(), await self._record()
        pending = await self._pending(files, record)
        drift = () if pending else tuple(await self.diff())
        unfit = () if pending or drift else tuple(await self._unfit())
        return MigrationStatus(record.revisions, tuple(pending), drift, (self._folder / VERSIONS).is_dir(), unfit)

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
        driver = self._store.global_driver
        return await driver.snapshot(lambda transaction: read_record(transaction, driver.name))

    async def _pending(
        self, files: MigrationFiles, record: MigrationRecord, to: str | None = None
    ) -> list[MigrationStep]:
        """Return the steps of a run in order."""
        is_empty = not await self._database.work(self._comparison.has_rows, keep=False)
        return files.pending(record, to, is_empty=is_empty)

    async def _unfit(self) -> Sequence[str]:
        return await self._database.work(lambda one: find_unfit_values(one, self._store.registry), keep=False)

    async def _has_tables(self) -> bool:
        return await self._database.work(self._comparison.has_tables, keep=False)

    async def _ready_to_write(self) -> MigrationFiles:
        files = self._files()
        files.check_writable()
        return files

    async def _check_before_run(self, files: MigrationFiles) -> None:
        files.check_known(await self._record())
        if self._comparison.tables:
            files.require_revisions()
        if files.revisions and not (await self._record()).exists and await self._has_tables():
            files.refuse_synced("tables")

    async def _prepare(self) -> None:
        await self._framework.apply()
        await self._database.work(self._revisions.ensure_tables)

    async def _apply_step(self, files: MigrationFiles, step: MigrationStep) -> None:
        if step.kind is MigrationKind.PATCH:
            [patch] = [patch for patch in files.patches if patch.name == step.name]
            await self._patches.run(patch)
        else:
            await self._database.work(lambda connection: self._revisions.upgrade(connection, step.name))

    async def _revert(self, revision: RevisionFile) -> None:
        await self._framework.forget_note()
        await self._database.work(self._revisions.ensure_tables)
        await self._database.work(lambda connection: self._revisions.downgrade(connection, revision.id))

    async def _adopt_tables(self) -> list[str]:
        files = self._files()
        files.check_heads()
        if not files.revisions:
            written = await self._write_first("initial")
            lines = [f"wrote {written.path.relative_to(self._folder.parent)} with the existing tables"]
            return [*lines, *await self._write_conversions()]
        newest = files.heads[0]
        head = inspect_head(self._revisions, newest, self._comparison)
        lines = [f"adopted the tables as they are, at revision {newest}"]
        if not any(map(is_change, head.changes)):
            await self._adopt(newest, head)
            return lines
        path = write_revision(self._folder, _OF_DEVELOPMENT, head.changes)
        with delete_on_failure(path):
            await self._adopt(path.stem, head)
        more = "; ".join(summarize(head.changes))
        return [*lines, f"wrote {path.relative_to(self._folder.parent)} with their further changes: {more}"]

    async def _write_first(self, message: str) -> WrittenRevision:
        """Write the first revision, of tables that exist already; columns keep their stored types."""
        changes = await self._database.work(self._comparison.find_first_changes, keep=False)
        path = write_revision(self._folder, message, changes)
        with delete_on_failure(path):
            await self._adopt(path.stem)
        written = self._written(path, changes)
        left = await self._database.work(self._comparison.changes, keep=False)
        again = (f"{line}, by another revision: run `m migrate create` again" for line in summarize(left))
        return replace(written, advice=(*written.advice, *again))

    async def _write_conversions(self) -> Sequence[str]:
        """Write a revision of the types that differ, which is not run yet. Return what was done."""
        changes = await self._database.work(self._comparison.changes, keep=False)
        if not any(map(is_change, changes)):
            return ()
        path = write_revision(self._folder, _OF_DEVELOPMENT, changes)
        more = "; ".join(summarize(changes))
        return [f"wrote {path.relative_to(self._folder.parent)} for `m migrate run`, with what has changed: {more}"]

    async def _adopt(self, revision: str, head: Head | None = None) -> None:
        """Convert tables created by development's sync to what revisions create, and stamp the database."""

        def work(connection: sa.Connection) -> None:
            if head:
                perform(connection, self._comparison.changes(connection))
                perform(connection, missing_of(head.tables, self._comparison.existing(connection)))
            else:
                perform(connection, self._comparison.compare_before_types(connection))
            self._revisions.stamp(connection, revision)

        await self._framework.apply()
        await self._database.work(work)
        await self._framework.note_if_current()

    def _written(self, path: Path, changes: Sequence[Change], unfit: Sequence[str] = ()) -> WrittenRevision:
        advice = (*advise_on_revision(changes), *(f"{line}, which it refuses: {_PATCH}" for line in unfit))
        return WrittenRevision(path, tuple(summarize(changes)), advice)
