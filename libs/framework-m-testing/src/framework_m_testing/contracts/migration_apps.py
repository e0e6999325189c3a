"""The contract of `MigrationProtocol` where several apps have migrations."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_testing.contracts.contract import Contract
from framework_m_testing.contracts.migration import OpenMigrations
from framework_m_testing.fakes.doctype import FakeDocType

__all__ = ["MigrationAppsContract", "build_crm", "build_shop"]


def build_crm(*, later: bool = False) -> Registry:
    """Return the registry of `crm` alone, with one more field in a later version."""
    return _compile((_customer(later=later), "crm"))


def build_shop(*, later: bool = False, later_crm: bool = False, rated: bool = False, declarer: str = "crm") -> Registry:
    """Return the registry of `shop`, which links to a DocType of `crm`, and adds a field to it if it is `rated`.

    `declarer` is the app that declares that DocType.
    """

    class Order(FakeDocType):
        customer: UUID | None = Field(default=None, link="Customer")

    class LaterOrder(Order):
        note: str | None = None

    LaterOrder.__name__ = "Order"
    customer = _customer(later=later_crm)
    overrides = [(_rated(customer), "shop")] if rated else []
    return _compile((customer, declarer), (LaterOrder if later else Order, "shop"), *overrides)


def _customer(*, later: bool) -> type[FakeDocType]:
    class Customer(FakeDocType):
        title: str = ""

    class LaterCustomer(Customer):
        phone: str | None = None

    LaterCustomer.__name__ = "Customer"
    return LaterCustomer if later else Customer


def _rated(customer: type[FakeDocType]) -> type[FakeDocType]:
    class RatedCustomer(customer):  # type: ignore[misc, valid-type]
        rating: int | None = Field(default=None, index=True)

        class Meta:
            overrides = True

    return RatedCustomer


class MigrationAppsContract(Contract):
    """The contract of migrations of several apps. Provide a fixture `open_migrations`, an `OpenMigrations`."""

    async def test_each_app_writes_its_own_revisions(self, open_migrations: OpenMigrations) -> None:
        """On an empty store and after a new field of each, the app that is linked to comes first."""
        await _write(open_migrations, build_crm(), "crm", "first")
        await _write(open_migrations, build_shop(), "shop", "first")
        async with open_migrations(build_shop(), "shop") as shop:
            assert await shop.find_pending() == ["crm:0001_first", "0001_first"]
            assert await shop.run() == ["crm:0001_first", "0001_first"]
            assert (await shop.migrations.status()).revisions == ("0001_first", "crm:0001_first")
            assert list(await shop.migrations.verify()) == []
        both = build_shop(later=True, later_crm=True)
        async with open_migrations(both, "shop") as shop:
            drifting = await shop.migrations.status()
            assert len(drifting.drift) == len(drifting.elsewhere) == 1
            assert "note" in drifting.drift[0]
            assert drifting.elsewhere[0].startswith("crm: ")
            assert "phone" in drifting.elsewhere[0]
            assert not drifting.is_current
        await _write(open_migrations, build_shop(later=True, later_crm=True), "shop", "note")
        await _write(open_migrations, build_crm(later=True), "crm", "phone")
        async with open_migrations(both, "shop") as shop:
            assert await shop.run() == ["crm:0002_phone", "0002_note"]
            assert (await shop.migrations.status()).is_current
            assert list(await shop.migrations.verify()) == []

    async def test_only_differences_of_others_are_no_revision(self, open_migrations: OpenMigrations) -> None:
        """What another app must write is told, and not written."""
        await _write(open_migrations, build_crm(), "crm", "first")
        await _write(open_migrations, build_shop(), "shop", "first")
        async with open_migrations(build_shop(), "shop") as shop:
            await shop.run()
        async with open_migrations(build_shop(later_crm=True), "shop") as shop:
            assert await shop.migrations.create("nothing of mine") is None
            [line] = await shop.migrations.diff_elsewhere()
            assert line.startswith("crm: ")
            assert any("phone" in error for error in await shop.migrations.verify())

    async def test_what_an_override_adds_is_of_its_app(self, open_migrations: OpenMigrations) -> None:
        """A field that an override adds, with its index, is written by the app of the override, and dropped by it."""
        await _write(open_migrations, build_crm(), "crm", "first")
        rated = build_shop(rated=True)
        async with open_migrations(rated, "shop") as shop:
            await shop.migrations.init()
            path = await shop.write("first")
            assert "rating" in path.read_text()
            assert await shop.run() == ["crm:0001_first", "0001_first"]
            assert (await shop.migrations.status()).is_current
        async with open_migrations(build_shop(), "shop") as shop:
            assert list(await shop.migrations.diff_elsewhere()) == []
            await shop.write("drop", drop=True)
            assert await shop.run() == ["0002_drop"]
        async with open_migrations(build_crm(), "crm") as crm:
            assert (await crm.migrations.status()).is_current

    async def test_a_revision_waits_for_what_it_depends_on(self, open_migrations: OpenMigrations) -> None:
        """`depends_on` binds the order, and a revision that another app needs is not undone before it."""
        await _write(open_migrations, build_crm(), "crm", "first")
        first = await _write(open_migrations, build_shop(), "shop", "first")
        async with open_migrations(build_shop(), "crm") as crm:
            early = await crm.write("early", empty=True)
            _insert(early, 'depends_on = "shop:0001_first"')
            assert await crm.find_pending() == ["0001_first", "shop:0001_first", "0002_early"]
            _insert(first, 'depends_on = "crm:0002_early"')
            with pytest.raises(ConfigurationError):
                await crm.run()
            early.write_text(early.read_text().replace('depends_on = "shop:0001_first"', ""))
            assert await crm.run() == ["0001_first", "0002_early", "shop:0001_first"]
            with pytest.raises(ConfigurationError, match="shop:0001_first"):
                await crm.undo()
            assert await crm.undo(to="shop:base") == ["shop:0001_first"]
            assert await crm.undo() == ["0002_early"]

    async def test_tables_that_anothers_revisions_made_are_adopted(self, open_migrations: OpenMigrations) -> None:
        """An app that has made another's tables writes a revision that adopts them, and all stores take this way."""
        await _write(open_migrations, build_crm(), "crm", "first")
        await _write(open_migrations, build_shop(declarer="shop"), "shop", "carried")
        async with open_migrations(build_shop(declarer="shop"), "shop") as shop:
            assert await shop.run() == ["0001_carried"]
        async with open_migrations(build_shop(), "shop") as shop:
            with pytest.raises(ConfigurationError, match="m migrate init"):
                await shop.run()
            [line] = await shop.migrations.init()
            assert "crm:0001_first" in line
            assert list(await shop.migrations.init()) == []
            assert await shop.find_pending() == ["0002_adopt_crm"]
            assert await shop.run() == ["0002_adopt_crm"]
            assert (await shop.migrations.status()).revisions == ("0002_adopt_crm", "crm:0001_first")
            assert list(await shop.migrations.verify()) == []
        await _write(open_migrations, build_crm(later=True), "crm", "phone")
        async with open_migrations(build_shop(later_crm=True), "shop") as shop:
            assert await shop.run() == ["crm:0002_phone"]
            assert (await shop.migrations.status()).is_current
            with pytest.raises(ConfigurationError, match="crm:0002_phone"):
                await shop.undo()
            assert await shop.undo(to="crm:0001") == ["crm:0002_phone"]
            assert await shop.undo(to="base") == ["0002_adopt_crm", "0001_carried"]
            assert await shop.run() == ["0001_carried", "0002_adopt_crm", "crm:0002_phone"]
            assert (await shop.migrations.status()).is_current

    async def test_a_store_of_development_is_taken_over_with_other_apps(self, open_migrations: OpenMigrations) -> None:
        """`init` writes the first revision of this app, and takes those of others as run if they make their tables."""
        async with open_migrations(build_shop(), "shop") as shop:
            await shop.develop()
            with pytest.raises(ConfigurationError, match="crm"):
                await shop.migrations.init()
        async with open_migrations(build_crm(), "crm") as crm:
            await crm.migrations.init()
        async with open_migrations(build_shop(), "shop") as shop:
            await shop.migrations.init()
            assert await shop.find_pending() == []
            assert (await shop.migrations.status()).is_current
            assert await shop.run() == []


async def _write(open_migrations: OpenMigrations, registry: Registry, app: str, message: str) -> Path:
    """Write a revision of an app, whose earlier ones and those of other apps have been run if they need to be."""
    async with open_migrations(registry, app) as harness:
        await harness.migrations.init()
        return await harness.write(message)


def _insert(path: Path, line: str) -> None:
    path.write_text(path.read_text().replace("down_revision", f"{line}\ndown_revision", 1))


def _compile(*doctypes: tuple[type[FakeDocType], str]) -> Registry:
    builder = RegistryBuilder()
    for doctype, app in doctypes:
        builder.add_doctype(doctype, app)
    return builder.freeze()
