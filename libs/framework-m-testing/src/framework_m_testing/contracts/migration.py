"""The contract of `MigrationProtocol`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from framework_m_core.domain.errors import ConfigurationError, MigrationError
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.migration import MigrationKind, MigrationProtocol, MigrationStep
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.migrations.locations import MigrationFolders
from framework_m_testing.contracts.contract import Contract
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.harness import StoreHarness

__all__ = [
    "MigrationContract",
    "MigrationHarness",
    "OpenMigrations",
    "build_earlier_registry",
    "build_later_registry",
    "locate_migrations",
]

_RUN_TIMEOUT_SECONDS = 10
"""Seconds that an operation which must not block may take."""

_WHILE = 0.2
"""Seconds in which an operation that does not block would be finished."""


@dataclass(frozen=True)
class MigrationHarness:
    """The migrations of DocTypes over a store, and the edits that the contract makes to their files.

    `develop` syncs the store as starting in development does. `fill` edits a patch's file so that it stores a document
    of `Plain`, and `filled` counts these; `speak` makes it a patch that uses the store's own language instead of
    documents, and changes nothing. `spoil` makes a revision or patch fail after all its changes. `capabilities` are the
    store's, whose adapters are in `store`.
    """

    migrations: MigrationProtocol
    develop: Callable[[], Awaitable[object]]
    fill: Callable[[Path], None]
    filled: Callable[[], Awaitable[int]]
    speak: Callable[[Path], None]
    spoil: Callable[[Path], None]
    capabilities: frozenset[StoreCapability]
    store: StoreHarness

    async def write(self, message: str, *, empty: bool = False, drop: bool = False) -> Path:
        """Create a revision, for which there must be changes unless `empty`, and return its file."""
        written = await self.migrations.create(message, empty=empty, drop=drop)
        assert written is not None
        return written.path

    async def run(self, to: str | None = None) -> list[str]:
        """Apply pending steps and return their names."""
        return [step.name async for step in self.migrations.apply(to)]

    async def find_pending(self) -> list[str]:
        """Return the names of the pending steps."""
        return [step.name for step in (await self.migrations.status()).pending]

    async def undo(self, *, steps: int = 1, to: str | None = None) -> list[str]:
        """Roll back revisions and return their names."""
        return [step.name async for step in self.migrations.rollback(steps=steps, to=to)]


class OpenMigrations(Protocol):
    """Opens the migrations of a registry in the folder of an app, from where those of all its apps are run.

    All migrations of one test share one store, initially empty, and one folder per app, initially missing. Two opened
    at the same time act as two processes.
    """

    def __call__(self, registry: Registry, own: str = "samples") -> AbstractAsyncContextManager[MigrationHarness]:
        """Open the migrations."""
        ...


def locate_migrations(place: Path, registry: Registry, own: str) -> MigrationFolders:
    """Return a folder below a place for each app of a registry, as an adapter takes them."""
    apps = sorted({plan.app for plan in registry.doctypes.values()} | {own})
    return MigrationFolders({app: place / app / "migrations" for app in apps}, (own,), own)


def build_earlier_registry() -> Registry:
    """Return the registry of the contract's initial DocTypes."""

    class Plain(FakeDocType):
        code: int = 1

    return _compiled(Plain)


def build_later_registry() -> Registry:
    """Return the registry with one more field and one more DocType."""

    class Extra(FakeDocType):
        label: str = ""

    class Plain(FakeDocType):
        code: int = 1
        note: str | None = None

    return _compiled(Plain, Extra)


class MigrationContract(Contract):
    """The contract of `MigrationProtocol`. Provide a fixture `open_migrations`, an `OpenMigrations`."""

    @pytest_asyncio.fixture
    async def harness(self, open_migrations: OpenMigrations) -> AsyncIterator[MigrationHarness]:
        """Open initialized migrations without any revision."""
        async with open_migrations(build_earlier_registry()) as harness:
            await harness.migrations.init()
            yield harness

    async def test_migrations_are_begun_once(self, open_migrations: OpenMigrations) -> None:
        """Nothing can be created before `init`, and a second `init` does nothing."""
        async with open_migrations(build_earlier_registry()) as harness:
            with pytest.raises(ConfigurationError):
                await harness.migrations.create("too early")
            assert not (await harness.migrations.status()).has_begun
            assert list(await harness.migrations.init()) != []
            assert (await harness.migrations.status()).has_begun
            assert list(await harness.migrations.init()) == []

    async def test_a_complete_run_leaves_nothing_to_do(self, harness: MigrationHarness) -> None:
        """After a complete run the store matches the DocTypes, and a second run does nothing."""
        assert list(await harness.migrations.diff()) != []
        written = await harness.migrations.create("first step")
        assert written is not None
        assert written.path.is_file()
        assert written.changes
        name = written.path.stem
        before = await harness.migrations.status()
        assert before.pending == (MigrationStep(name, MigrationKind.REVISION, "first step", False),)
        assert (before.is_current, before.revisions) == (False, ())
        assert await harness.run() == [name]
        assert await harness.run() == []
        after = await harness.migrations.status()
        assert (after.is_current, after.revisions) == (True, (name,))
        assert [await harness.migrations.create("nothing"), [*await harness.migrations.diff()]] == [None, []]
        assert list(await harness.migrations.verify()) == []
        assert [step.applied for step in await harness.migrations.history()] == [True]

    async def test_what_the_doctypes_have_more_is_told_and_done(
        self, harness: MigrationHarness, open_migrations: OpenMigrations
    ) -> None:
        """New fields and DocTypes are reported as drift until a revision adds them."""
        names = [(await harness.write("first")).stem]
        await harness.run()
        async with open_migrations(build_later_registry()) as later:
            drifting = await later.migrations.status()
            assert (drifting.pending, drifting.is_current) == ((), False)
            assert drifting.drift
            assert list(await later.migrations.diff()) != []
            assert list(await later.migrations.verify()) != []
            names.append((await later.write("second")).stem)
            assert await later.run() == names[1:]
            assert [(step.name, step.applied) for step in await later.migrations.history()] == [
                (name, True) for name in names
            ]
            assert (await later.migrations.status()).is_current

    async def test_what_is_declared_no_longer_is_kept_unless_it_is_dropped(
        self, open_migrations: OpenMigrations
    ) -> None:
        """Removed fields and DocTypes are kept unless a revision with `drop` removes them."""
        async with open_migrations(build_later_registry()) as later:
            await later.migrations.init()
            await later.write("first")
            await later.run()
            async with open_migrations(build_earlier_registry()) as earlier:
                assert await earlier.migrations.create("nothing") is None
                assert list(await later.migrations.diff()) == []
                await earlier.write("drop", drop=True)
                await earlier.run()
                assert (await earlier.migrations.status()).is_current
            assert list(await later.migrations.diff()) != []

    async def test_steps_are_done_in_the_order_in_which_they_are_pending(self, harness: MigrationHarness) -> None:
        """A run stops after the given revision and its patches.

        In a store with documents, a patch precedes the next revision.
        """
        first = await harness.write("first")
        filling = await harness.migrations.create_patch("fill it")
        harness.fill(filling)
        by_hand = await harness.write("by hand", empty=True)
        with pytest.raises(ConfigurationError):
            await harness.run("9999_unheard_of")
        assert sorted(await harness.find_pending()) == sorted([first.stem, filling.stem, by_hand.stem])
        assert await harness.run(first.stem) == [first.stem, filling.stem]
        assert (await harness.migrations.status()).revisions == (first.stem,)
        patch = await harness.migrations.create_patch("after by hand")
        last = await harness.write("last", empty=True)
        assert await harness.find_pending() == [by_hand.stem, patch.stem, last.stem]
        assert await harness.run() == [by_hand.stem, patch.stem, last.stem]

    async def test_an_empty_store_is_told_no_other_order_than_it_gets(self, harness: MigrationHarness) -> None:
        """A run follows the order of the pending steps, whatever the adapter could skip in an empty store."""
        await harness.write("first")
        await harness.migrations.create_patch("fill it")
        await harness.write("second", empty=True)
        pending = await harness.find_pending()
        assert len(pending) == 3
        assert await harness.run() == pending

    async def test_a_patch_in_the_stores_own_words_keeps_its_place_in_an_empty_store(
        self, harness: MigrationHarness
    ) -> None:
        """Such a patch depends on earlier revisions, and later ones may remove what it depends on."""
        first = await harness.write("first")
        patch = await harness.migrations.create_patch("by its words")
        harness.speak(patch)
        second = await harness.write("second", empty=True)
        assert await harness.find_pending() == [first.stem, patch.stem, second.stem]
        assert await harness.run() == [first.stem, patch.stem, second.stem]

    async def test_a_revision_that_fails_leaves_nothing_of_itself(self, harness: MigrationHarness) -> None:
        """A failed revision is rolled back, earlier steps are kept, and once it is fixed the run continues.

        On a store without transactional schema changes, a part of it may stay.
        """
        empty = await harness.write("empty", empty=True)
        await harness.run()
        failing = await harness.write("failing")
        sound = failing.read_text()
        harness.spoil(failing)
        differs = list(await harness.migrations.diff())
        for _ in range(2):
            with pytest.raises(MigrationError, match=failing.stem):
                await harness.run()
            if StoreCapability.TRANSACTIONAL_SCHEMA in harness.capabilities:
                assert list(await harness.migrations.diff()) == differs
            status = await harness.migrations.status()
            assert (status.revisions, [step.name for step in status.pending]) == ((empty.stem,), [failing.stem])
        failing.write_text(sound)
        assert await harness.run() == [failing.stem]
        assert (await harness.migrations.status()).is_current

    async def test_a_patch_is_done_once_and_whole(self, harness: MigrationHarness) -> None:
        """A failed patch changes nothing; a rollback does not undo a patch, and the next run does not repeat it."""
        await harness.write("first")
        patch = await harness.migrations.create_patch("fill it")
        harness.fill(patch)
        sound = patch.read_text()
        harness.spoil(patch)
        with pytest.raises(MigrationError, match=patch.stem):
            await harness.run()
        assert await harness.filled() == 0
        assert await harness.find_pending() == [patch.stem]
        patch.write_text(sound)
        assert await harness.run() == [patch.stem]
        later = await harness.write("later", empty=True)
        assert await harness.run() == [later.stem]
        assert await harness.undo() == [later.stem]
        assert await harness.run() == [later.stem]
        assert await harness.filled() == 1

    async def test_several_runs_at_once_do_each_step_once(
        self, harness: MigrationHarness, open_migrations: OpenMigrations
    ) -> None:
        """Later runs wait and apply the remaining steps."""
        names = [(await harness.write("first")).stem, (await harness.migrations.create_patch("fill it")).stem]
        async with open_migrations(build_earlier_registry()) as other:
            done = await asyncio.gather(harness.run(), other.run(), harness.run())
        assert sorted(name for names in done for name in names) == sorted(names)

    async def test_a_run_waits_for_the_end_of_another_and_does_nothing_twice(
        self, harness: MigrationHarness, open_migrations: OpenMigrations
    ) -> None:
        """A second run waits until the first has ended, also between its steps, and repeats no step."""
        names = [(await harness.write("first")).stem, (await harness.write("second", empty=True)).stem]
        run = harness.migrations.apply()
        assert (await anext(run)).name == names[0]
        async with open_migrations(build_earlier_registry()) as other, asyncio.timeout(_RUN_TIMEOUT_SECONDS):
            waiting = asyncio.create_task(other.run())
            await asyncio.sleep(_WHILE)
            assert not waiting.done()
            assert [step.name async for step in run] == names[1:]
            assert await waiting == []

    async def test_looking_waits_for_no_run_and_a_run_that_is_left_gives_way(
        self, harness: MigrationHarness, open_migrations: OpenMigrations
    ) -> None:
        """Reading the status never waits for a run; an aborted run keeps its applied steps and releases its lock."""
        first, second = await harness.write("first"), await harness.write("second", empty=True)
        run = harness.migrations.apply()
        assert (await anext(run)).name == first.stem
        async with open_migrations(build_earlier_registry()) as other, asyncio.timeout(_RUN_TIMEOUT_SECONDS):
            assert await other.find_pending() == [second.stem]
            assert [step.applied for step in await other.migrations.history()] == [True, False]
            await run.aclose()
            assert await other.run() == [second.stem]

    async def test_revisions_are_undone_from_the_newest(self, harness: MigrationHarness) -> None:
        """A rollback undoes a number of revisions, all after a given one, or all, and they can be applied again."""
        names = [(await harness.write("first")).stem]
        names += [(await harness.write(f"empty {number}", empty=True)).stem for number in range(3)]
        await harness.run()
        assert await harness.undo() == names[3:]
        assert await harness.undo(to=names[1]) == names[2:3]
        assert (await harness.migrations.status()).revisions == (names[1],)
        assert await harness.run() == names[2:]
        assert await harness.undo(to="base") == names[::-1]
        assert list(await harness.migrations.diff()) != []
        assert (await harness.migrations.status()).revisions == ()
        assert await harness.run() == names
        assert (await harness.migrations.status()).is_current

    async def test_a_preview_tells_and_changes_nothing(self, harness: MigrationHarness) -> None:
        """A preview names the steps; neither it nor `verify` changes anything.

        A store without transactional schema changes may refuse it, by a ConfigurationError.
        """
        name = (await harness.write("first")).stem
        differs = list(await harness.migrations.diff())
        try:
            assert any(name in line for line in await harness.migrations.preview())
        except ConfigurationError:
            assert StoreCapability.TRANSACTIONAL_SCHEMA not in harness.capabilities
        await harness.migrations.verify()
        assert list(await harness.migrations.diff()) == differs
        assert (await harness.migrations.status()).revisions == ()
        assert await harness.run() == [name]

    async def test_files_that_are_not_those_that_were_run_are_named(self, harness: MigrationHarness) -> None:
        """`verify` names changed patches and missing files."""
        revision, patch = await harness.write("first"), await harness.migrations.create_patch("fill it")
        harness.fill(patch)
        assert [
            name for name in (revision.stem, patch.stem) if name not in "".join(await harness.migrations.verify())
        ] == []
        await harness.run()
        assert list(await harness.migrations.verify()) == []
        sound = patch.read_text()
        harness.spoil(patch)
        assert any(patch.stem in line for line in await harness.migrations.verify())
        patch.unlink()
        assert any(patch.stem in line for line in await harness.migrations.verify())
        patch.write_text(sound)
        revision.unlink()
        assert any(revision.stem in line for line in await harness.migrations.verify())
        with pytest.raises(ConfigurationError, match=revision.stem):
            await harness.run()

    async def test_a_file_that_makes_no_sense_stops_the_run_and_is_named(self, harness: MigrationHarness) -> None:
        """An invalid file stops the run before its first step, and is named."""
        revision = await harness.write("first")
        nonsense = revision.with_stem("0009_nonsense")
        nonsense.write_text("nonsense")
        with pytest.raises(ConfigurationError, match="0009_nonsense"):
            await harness.run()
        assert any("0009_nonsense" in line for line in await harness.migrations.verify())
        nonsense.unlink()
        assert await harness.run() == [revision.stem]

    async def test_a_schema_that_development_made_is_taken_over_as_it_is(self, open_migrations: OpenMigrations) -> None:
        """`init` adopts what development has created; from then on, revisions change them."""
        async with open_migrations(build_earlier_registry()) as harness:
            await harness.develop()
            assert len(await harness.migrations.init()) > 1
            assert (await harness.migrations.status()).is_current
            assert await harness.run() == []
        async with open_migrations(build_later_registry()) as later:
            name = (await later.write("more")).stem
            assert await later.run() == [name]
            assert (await later.migrations.status()).is_current


def _compiled(*doctypes: type[FakeDocType]) -> Registry:
    builder = RegistryBuilder()
    for doctype in doctypes:
        builder.add_doctype(doctype, "samples")
    return builder.freeze()
