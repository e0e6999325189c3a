"""`SqlMigrations`: port `MigrationProtocol`, with Alembic.

Revisions cover the tables of the app's DocTypes. `apply` itself updates the framework's own tables, as development's
sync would.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.migration import MigrationKind, MigrationStatus, MigrationStep, WrittenRevision
from framework_m_core.services.documents.service import DocumentService
from framework_m_standard.sql.migrations.autogenerate.advice import advice_on
from framework_m_standard.sql.migrations.autogenerate.comparison import Comparison
from framework_m_standard.sql.migrations.autogenerate.rendering import summary
from framework_m_standard.sql.migrations.autogenerate.unfit_values import unfit_values
from framework_m_standard.sql.migrations.database import migration_database
from framework_m_standard.sql.migrations.files.graph import MigrationFiles, read_files
from framework_m_standard.sql.migrations.files.heads import Head, look_at_head
from framework_m_standard.sql.migrations.files.revisions import VERSIONS, RevisionFile, reached
from framework_m_standard.sql.migrations.files.scripts import make_folders, write_patch, write_revision
from framework_m_standard.sql.migrations.framework_tables import FrameworkTables
from framework_m_standard.sql.migrations.operations.executor import perform
from framework_m_standard.sql.migrations.patch_runner import PatchRunner
from framework_m_standard.sql.migrations.preview import statements_of
from framework_m_standard.sql.migrations.recorder import Ledger, read_ledger
from framework_m_standard.sql.migrations.runner import RevisionRunner
from framework_m_standard.sql.migrations.verification import problems_of
from framework_m_standard.sql.schema.changes import Change, is_change
from framework_m_standard.sql.schema.comparison import missing_of
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.store import SqlStore
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory

__all__ = ["SqlMigrations"]

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
        self._database = migration_database(sql_store.global_driver, sql_settings)
        self._comparison = Comparison(sql_store.registry, sql_store.global_driver.name)
        self._framework = FrameworkTables(sql_store)
        self._revisions = RevisionRunner(self._folder)
        self._patches = PatchRunner(unit_of_work, documents)

    async def init(self) -> Sequence[str]:
        """Create the folders, and take over tables that development's sync created. Return what was done."""
        done = [f"created {path.relative_to(self._folder.parent)}/" for path in make_folders(self._folder)]
        async with self._database.locked():
            if not (await self._ledger()).exists and await self._has_tables():
                done += await self._take_over()
        return done

    async def create(self, message: str, *, empty: bool = False, drop: bool = False) -> WrittenRevision | None:
        """Write a revision of the differences, or an empty one; return None if there are no differences."""
        files = await self._ready_to_write()
        if empty:
            return WrittenRevision(write_revision(self._folder, message, ()), ())
        ledger = await self._ledger()
        if not ledger.exists and await self._has_tables():
            self._refuse_unless_first(files)
            async with self._database.locked():
                return await self._write_first(message)
        if pending := [step for step in files.pending(ledger) if step.kind is MigrationKind.REVISION]:
            names = ", ".join(step.name for step in pending)
            raise ConfigurationError(
                f"the database is behind: run {names} first, by `m migrate run`, because a revision contains the "
                "differences between the database and the DocTypes"
            )
        changes = await self._database.work(partial(self._comparison.changes, drop=drop), keep=False)
        unfit = await self._database.work(lambda one: unfit_values(one, self._store.registry), keep=False)
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
        said = (
            [f"the framework's own tables lack {len(lacking)} changes: `m migrate run` makes them"] if lacking else []
        )
        return [*said, *summary(changes)]

    async def apply(self, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Run the pending steps, excluding other runs; yield each step once it is stored."""
        files = self._files()
        files.check_heads()
        async with self._database.locked():
            await self._check_before_run(files)
            await self._prepare()
            for step in await self._pending(files, await self._ledger(), to):
                await self._do(files, step)
                yield replace(step, applied=True)
            await self._framework.note_if_current()

    async def preview(self, to: str | None = None) -> Sequence[str]:
        """Return the statements of a run, found in a transaction that is rolled back.

        On PostgreSQL this takes the locks that the run would take.
        """
        files = self._files()
        files.check_heads()
        await self._check_before_run(files)
        steps = await self._pending(files, await self._ledger(), to)
        first = await self._framework.plan()
        return await statements_of(self._database, self._revisions, first, steps)

    async def rollback(self, *, steps: int = 1, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Revert revisions, the newest first; yield each once it is reverted."""
        files = self._files()
        async with self._database.locked():
            ledger = await self._ledger()
            files.check_known(ledger)
            for id in self._to_undo(files, ledger, steps, to):
                [revision] = [one for one in files.revisions if one.id == id]
                await self._undo(revision)
                yield MigrationStep(id, MigrationKind.REVISION, revision.message, False)

    async def status(self) -> MigrationStatus:
        """Return the status; drift is determined only if nothing is pending."""
        files, ledger = self._files(), await self._ledger()
        pending = await self._pending(files, ledger)
        drift = () if pending else tuple(await self.diff())
        return MigrationStatus(ledger.revisions, tuple(pending), drift, (self._folder / VERSIONS).is_dir())

    async def history(self) -> Sequence[MigrationStep]:
        """Return all revisions and patches in order."""
        return self._files().history(await self._ledger())

    async def verify(self) -> Sequence[str]:
        """Return the problems of the files and of what they have applied, else the differences of the schema."""
        ledger = await self._ledger()
        return list(problems_of(self._folder, ledger)) or list(await self.diff())

    def _files(self) -> MigrationFiles:
        return read_files(self._folder)

    async def _ledger(self) -> Ledger:
        driver = self._store.global_driver
        return await driver.snapshot(lambda transaction: read_ledger(transaction, driver.name))

    async def _pending(self, files: MigrationFiles, ledger: Ledger, to: str | None = None) -> list[MigrationStep]:
        """Return the steps of a run in order."""
        is_empty = not await self._database.work(self._comparison.has_rows, keep=False)
        return files.pending(ledger, to, is_empty=is_empty)

    async def _has_tables(self) -> bool:
        return await self._database.work(self._comparison.has_tables, keep=False)

    async def _ready_to_write(self) -> MigrationFiles:
        if not (self._folder / VERSIONS).is_dir():
            raise ConfigurationError(f"{self._folder / VERSIONS} is missing: run `m migrate init`")
        files = self._files()
        files.check_heads()
        return files

    def _refuse_unless_first(self, files: MigrationFiles) -> None:
        if files.revisions:
            raise ConfigurationError(
                "the tables of this database were created by development's sync, not by the app's revisions: "
                "`m migrate init` adopts them as they are, or start with an empty database and `m migrate run`"
            )

    async def _check_before_run(self, files: MigrationFiles) -> None:
        files.check_known(await self._ledger())
        if not files.revisions and self._comparison.tables:
            raise ConfigurationError(
                f"there is no revision in {self._folder / VERSIONS}: `m migrate init` and `m migrate create "
                '"initial"` write the first, in development'
            )
        if files.revisions and not (await self._ledger()).exists and await self._has_tables():
            self._refuse_unless_first(files)

    async def _prepare(self) -> None:
        await self._framework.apply()
        await self._database.work(self._revisions.ensure_table)

    async def _do(self, files: MigrationFiles, step: MigrationStep) -> None:
        if step.kind is MigrationKind.PATCH:
            [patch] = [patch for patch in files.patches if patch.name == step.name]
            await self._patches.run(patch)
        else:
            await self._database.work(lambda connection: self._revisions.upgrade(connection, step.name))

    async def _undo(self, revision: RevisionFile) -> None:
        await self._framework.forget_note()
        await self._database.work(lambda connection: self._revisions.downgrade(connection, revision.id))

    async def _take_over(self) -> list[str]:
        files = self._files()
        files.check_heads()
        if not files.revisions:
            written = await self._write_first("initial")
            return [f"wrote {written.path.relative_to(self._folder.parent)} with the existing tables"]
        newest = files.heads[0]
        head = look_at_head(self._revisions, newest, self._comparison)
        said = [f"adopted the tables as they are, at revision {newest}"]
        if not any(map(is_change, head.changes)):
            await self._adopt(newest, head)
            return said
        path = write_revision(self._folder, "of development", head.changes)
        with _unless_kept(path):
            await self._adopt(path.stem, head)
        more = "; ".join(summary(head.changes))
        return [*said, f"wrote {path.relative_to(self._folder.parent)} with their further changes: {more}"]

    async def _write_first(self, message: str) -> WrittenRevision:
        """Write the first revision, of tables that exist already."""
        changes = await self._database.work(self._comparison.all_changes, keep=False)
        path = write_revision(self._folder, message, changes)
        with _unless_kept(path):
            await self._adopt(path.stem)
        return self._written(path, changes)

    async def _adopt(self, revision: str, head: Head | None = None) -> None:
        """Convert tables created by development's sync to what revisions create, and stamp the database."""

        def work(connection: sa.Connection) -> None:
            perform(connection, self._comparison.changes(connection))
            perform(connection, missing_of(head.tables, self._comparison.existing(connection)) if head else ())
            self._revisions.stamp(connection, revision)

        await self._framework.apply(everything=True)
        await self._database.work(work)
        await self._framework.note_if_current()

    def _written(self, path: Path, changes: Sequence[Change], unfit: Sequence[str] = ()) -> WrittenRevision:
        advice = (*advice_on(changes), *(f"{line}, which it refuses: {_PATCH}" for line in unfit))
        return WrittenRevision(path, tuple(summary(changes)), advice)

    def _to_undo(self, files: MigrationFiles, ledger: Ledger, steps: int, to: str | None) -> list[str]:
        there = reached(files.revisions, ledger.revisions)
        applied = [revision.id for revision in files.revisions if revision.id in there]
        if to == "base":
            kept = 0
        elif to is not None:
            kept = applied.index(files.resolve(to)) + 1 if files.resolve(to) in applied else len(applied)
        else:
            kept = len(applied) - steps
            if applied and kept <= 0:
                raise ConfigurationError(
                    f"{applied[0]} is the first revision: undoing it drops every table of the app with its data. "
                    "To do so: m migrate rollback --to base"
                )
        return applied[kept:][::-1]


@contextmanager
def _unless_kept(path: Path) -> Iterator[None]:
    """Delete a newly written revision if the block, which stamps the database with it, fails."""
    try:
        yield
    except BaseException:
        path.unlink()
        raise
