"""`SqlMigrations`: port `MigrationProtocol`; revisions call Alembic's operations and those of `operations`.

Revisions cover the tables of the apps' DocTypes. `apply` itself updates the framework's own tables, as development's
sync would.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
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
    WrittenRevision,
    advise_on_unfit_values,
    create_folders,
    find_migration_errors,
    refuse_unfit_values,
    write_patch,
)
from framework_m_standard.sql.migrations.adoption import Adoption
from framework_m_standard.sql.migrations.autogenerate.app_comparison import SchemaComparison
from framework_m_standard.sql.migrations.autogenerate.rendering import summarize
from framework_m_standard.sql.migrations.autogenerate.revision_advice import advise_on_revision
from framework_m_standard.sql.migrations.autogenerate.scripts import write_revision
from framework_m_standard.sql.migrations.autogenerate.unfit_values import find_unfit_values
from framework_m_standard.sql.migrations.database import choose_migration_database
from framework_m_standard.sql.migrations.framework_tables import FrameworkTables
from framework_m_standard.sql.migrations.patch_store import make_patch_store
from framework_m_standard.sql.migrations.preview import statements_of
from framework_m_standard.sql.migrations.recorder import prepare_record, read_record
from framework_m_standard.sql.migrations.runner import RevisionRunner
from framework_m_standard.sql.schema.changes import Change, is_change
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.store import SqlStore
from framework_m_standard.sql.unit_of_work import SqlUnitOfWorkFactory

__all__ = ["SqlMigrations"]


class SqlMigrations:
    """The migrations of the loaded apps over their database."""

    def __init__(
        self,
        sql_store: SqlStore,
        sql_settings: SqlSettings,
        unit_of_work: SqlUnitOfWorkFactory,
        documents: DocumentService,
    ) -> None:
        self._store = sql_store
        self._folders = sql_store.migrations
        self._database = choose_migration_database(sql_store.global_driver, sql_settings)
        self._comparison = SchemaComparison(sql_store.registry, sql_store.global_driver.name)
        self._framework = FrameworkTables(sql_store)
        self._runner = RevisionRunner(is_transactional=self._database.is_transactional)
        self._patches = PatchRunner(make_patch_store(unit_of_work), documents, sql_store.registry_handle)
        self._adoption = Adoption(self._folders, self._database, self._comparison, self._framework, self._runner)

    async def init(self) -> Sequence[str]:
        """Create the folders, and take over tables that no revision of their app has created. Return what was done."""
        apps = self._folders.own or (self._folders.choose(None),)
        async with self._database.hold_lock():
            with ExitStack() as made:
                folders = [self._folders.folders[app] for app in dict.fromkeys(apps)]
                new = [path for folder in folders for path in made.enter_context(create_folders(folder))]
                done = [f"created {path.relative_to(Path.cwd(), walk_up=True)}/" for path in new]
                graph, record = await self._read()
                if record.exists:
                    done += await self._adoption.adopt_apps(graph, record)
                elif await self._find_apps():
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
        if not record.exists and await self._find_apps():
            graph.refuse_synced("tables")
            return await self._write_first(message, files.app)
        graph.check_current(record, files.app)
        changes = (await self._changes(graph, drop=drop)).get(files.app, [])
        unfit = await self._unfit()
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
        """Return the differences between database and DocTypes, those of the framework's tables first."""
        divided = await self._changes(self._graph())
        lacking = await self._framework.plan()
        lines = (
            [f"the framework's own tables lack {len(lacking)} changes: `m migrate run` makes them"] if lacking else []
        )
        return [*lines, *(line for app in self._folders.own for line in summarize(divided.get(app, ())))]

    async def diff_elsewhere(self) -> Sequence[str]:
        """Return the differences of the apps whose revisions are written elsewhere."""
        graph = self._graph()
        divided = await self._changes(graph)
        return graph.list_elsewhere({app: [*summarize(changes)] for app, changes in divided.items()})

    async def apply(self, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Run the pending steps, excluding other runs; yield each step once it is stored."""
        self._graph().check_heads()
        async with self._database.hold_lock():
            graph, record = await self._read()
            await self._check_before_run(graph, record)
            await self._framework.apply()
            begun = [app for app, files in graph.files.items() if files.revisions]
            await self._database.work(lambda connection: prepare_record(connection, record, begun))
            for file in await self._pending(graph, record, to):
                await self._apply_file(graph, file)
                yield graph.describe(file, applied=True)
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
        graph, record = await self._read()
        graph.check_heads()
        await self._check_before_run(graph, record)
        files = await self._pending(graph, record, to)
        return await statements_of(self._database, self._runner, graph, await self._framework.plan(), files)

    async def rollback(self, *, steps: int = 1, to: str | None = None) -> AsyncGenerator[MigrationStep, None]:
        """Revert revisions, the newest first; yield each once it is reverted."""
        async with self._database.hold_lock():
            graph, record = await self._read()
            graph.check_known(record)
            for revision in graph.list_to_revert(record, steps, to):
                await self._framework.forget_note()
                await self._database.work(partial(prepare_record, record=record, apps=()))
                await self._database.work(partial(self._runner.downgrade, graph=graph, revision=revision))
                record = graph.read(await self._record())
                yield graph.describe(revision, applied=False)

    async def status(self) -> MigrationStatus:
        """Return the status; drift is determined only if nothing is pending."""
        graph, record = await self._read()
        pending = [graph.describe(file, applied=False) for file in await self._pending(graph, record)]
        drift, elsewhere = ((), ()) if pending else (tuple(await self.diff()), tuple(await self.diff_elsewhere()))
        unfit = () if pending or drift else tuple(await self._unfit())
        begun = all((self._folders.folders[app] / VERSIONS).is_dir() for app in self._folders.own)
        return MigrationStatus(graph.list_current(record), tuple(pending), drift, begun, unfit, elsewhere)

    async def history(self) -> Sequence[MigrationStep]:
        """Return all revisions and patches in order."""
        graph, record = await self._read()
        return graph.history(record)

    async def verify(self) -> Sequence[str]:
        """Return the errors of the files and of what they have applied, else the differences of the schema."""
        errors = list(find_migration_errors(self._folders, self._store.registry, await self._record()))
        return errors or [*await self.diff(), *await self.diff_elsewhere()]

    def _graph(self) -> MigrationGraph:
        return self._folders.read(self._store.registry)

    async def _record(self) -> MigrationRecord:
        driver = self._store.global_driver
        return await driver.run_on_snapshot(lambda transaction: read_record(transaction, driver.name))

    async def _read(self) -> tuple[MigrationGraph, MigrationRecord]:
        graph = self._graph()
        return graph, graph.read(await self._record())

    async def _changes(self, graph: MigrationGraph, *, drop: bool = False) -> dict[str, list[Change]]:
        changes = await self._database.work(partial(self._comparison.find_changes, drop=drop), keep=False)
        return dict(self._comparison.split_by_app(changes, graph))

    async def _find_apps(self) -> frozenset[str]:
        return await self._database.work(self._comparison.find_apps, keep=False)

    async def _pending(
        self, graph: MigrationGraph, record: MigrationRecord, to: str | None = None
    ) -> list[MigrationFile]:
        """Return the files of a run in order."""
        filled = await self._database.work(self._comparison.find_filled, keep=False)
        return graph.list_pending(record, to, empty=graph.files.keys() - filled)

    async def _unfit(self) -> Sequence[str]:
        return await self._database.work(lambda one: find_unfit_values(one, self._store.registry), keep=False)

    def _ready_to_write(self, graph: MigrationGraph, app: str | None) -> MigrationFiles:
        files = graph.files[self._folders.choose(app)]
        files.check_writable()
        return files

    async def _check_before_run(self, graph: MigrationGraph, record: MigrationRecord) -> None:
        graph.check_known(record)
        graph.require_revisions(self._comparison.owners.apps)
        existing = await self._find_apps()
        if existing and not record.exists:
            graph.refuse_synced("tables")
        graph.check_adopted(record, existing, "tables")

    async def _apply_file(self, graph: MigrationGraph, file: MigrationFile) -> None:
        if isinstance(file, PatchFile):
            await self._patches.run(file, graph.format_step(file.step))
        else:
            await self._database.work(partial(self._runner.upgrade, graph=graph, revision=file))

    async def _write_first(self, message: str, app: str) -> WrittenRevision | None:
        """Write the first revision, of tables that exist already; columns keep their stored types."""
        async with self._database.hold_lock():
            adopted = await self._adoption.adopt_development(self._graph(), message, conversions=False)
        found = [(path, changes) for path, changes in adopted.first if path.is_relative_to(self._folders.folders[app])]
        if not found:
            return None
        [(path, changes)] = found
        written = _written(path, changes)
        left = (await self._changes(self._graph())).get(app, [])
        again = (f"{line}, by another revision: run `m migrate create` again" for line in summarize(left))
        return replace(written, advice=(*written.advice, *again))


def _written(path: Path, changes: Sequence[Change], unfit: Sequence[str] = ()) -> WrittenRevision:
    advice = (*advise_on_revision(changes), *advise_on_unfit_values(unfit))
    return WrittenRevision(path, tuple(summarize(changes)), advice)
