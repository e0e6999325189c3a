"""Renamed fields and DocTypes keep their values, rows and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.errors import MigrationError
from framework_m_core.domain.fields.field import Field
from framework_m_standard.sql.schema.existing import read_with
from framework_m_testing.fakes.doctype import FakeDocType

from .migrating import Migrating, OpenMigrations, first, open_migrating, plain, registry_of

FAX = (str, Field(default="", index=True))
PHONE = (str, Field(default="none", index=True))


EVENT = """
INSERT INTO m_outbox
    (id, type, doctype, document_id, version, idx, occurred_at, actor, schema_version, data)
VALUES ('00000000-0000-7000-8000-000000000001', 'doc.created', 'Customer', '00000000-0000-7000-8000-000000000002', 1, 0,
    '2026-01-31 12:00:00.000000+00', 'ada', 1, '{}')
"""
EVENTS = {
    "mariadb": EVENT.replace("+00'", "'").replace("'00000000-0000-7000-8000-", "X'00000000000070008000"),
    "sqlite": EVENT,
    "postgresql": EVENT,
}


class Line(FakeDocType):
    """A row that links to a document."""

    what: str
    about: UUID | None = Field(default=None, link="Tag")

    class Meta:
        is_child_table = True


class Tag(FakeDocType):
    """Linked from rows."""


def _named(name: str, **links: str) -> type[Any]:
    fields: dict[str, Any] = {"code": Field(default="", unique=True), "rows": Field(default=[]), "other": None}
    annotations: dict[str, Any] = {"code": str, "rows": list[Line], "other": UUID | None}
    fields["other"] = Field(default=None, link=name)
    return type(name, (FakeDocType,), {"__annotations__": annotations, "__module__": __name__, **fields})


def _note(target: str) -> type[Any]:
    link = Field(default=None, link=target)
    return type("Note", (FakeDocType,), {"__annotations__": {"of": UUID | None}, "__module__": __name__, "of": link})


async def write(app: Migrating, body: str) -> None:
    """A revision by hand, and its run."""
    written = await app.migrations.create("by hand", empty=True)
    assert written is not None
    text = written.path.read_text().replace("    pass\n", f"    {body}\n", 1)
    written.path.write_text(text.replace("\nrevision", "\nfrom framework_m import migrations as m\n\nrevision", 1))
    await app.run()


async def assert_current(app: Migrating) -> None:
    assert [*await app.migrations.verify()] == []
    assert await app.migrations.create("again", drop=True) is None
    assert not await app.store.schema_mapper.plan()


async def rows(app: Migrating, statement: str) -> list[tuple[Any, ...]]:
    return await app.migrations._database.work(
        lambda one: [tuple(row) for row in one.exec_driver_sql(statement)], keep=False
    )


async def execute(app: Migrating, statement: str) -> None:
    transaction = await app.migrations._store.global_driver.begin()
    await transaction.run_script(statement)
    await transaction.commit()


async def test_a_renamed_column_keeps_its_values_and_index(opened: OpenMigrations) -> None:
    old = await first(opened, plain(fax=FAX), fax="12")
    async with opened(registry_of(plain(phone=PHONE))) as app:
        await write(app, 'm.rename_column("plain", "fax", "phone")')
        assert (await app.store.load("Plain", old.id)).phone == "12"
        await assert_current(app)


async def test_a_renamed_link_keeps_its_key(opened: OpenMigrations) -> None:
    before, after = [(UUID | None, Field(default=None, link="Plain")) for _ in range(2)]
    await first(opened, plain(below=before))
    async with opened(registry_of(plain(above=after))) as app:
        await write(app, 'm.rename_column("plain", "below", "above")')
        await assert_current(app)
    async with opened(registry_of(plain(above=(UUID | None, None)))) as app:
        assert "plain.above no longer links to another table" in await app.change("unlink")


async def begin(opened: OpenMigrations) -> tuple[Any, Any]:
    """Documents of `Customer` with rows and links, a link to one from elsewhere, a counter and an event."""
    async with opened(registry_of(Line, Tag, _named("Customer"), _note("Customer"))) as app:
        await app.migrations.init()
        await app.change("first")
        tag = await app.store.store("Tag")
        one = await app.store.store("Customer", code="a", rows=[{"what": "x", "about": tag.id}, {"what": "y"}])
        await app.store.store("Customer", code="b", other=one.id)
        note = await app.store.store("Note", of=one.id)
        await execute(app, "INSERT INTO m_counter (prefix, value) VALUES ('Customer:C-', 7), ('Customers:C-', 3)")
        await execute(app, EVENTS[app.migrations._store.global_driver.name])
        return one, note


async def assert_renamed(app: Migrating, one: Any, note: Any) -> None:
    found = await app.store.load("Client", one.id)
    assert (found.code, [row.what for row in found.rows]) == ("a", ["x", "y"])
    assert (await app.store.load("Note", note.id)).of == one.id
    assert await rows(app, "SELECT prefix, value FROM m_counter ORDER BY 1") == [("Client:C-", 7), ("Customers:C-", 3)]
    assert await rows(app, "SELECT doctype FROM m_outbox WHERE type = 'doc.created'") == [("Client",)]
    existing = await app.migrations._database.work(read_with, keep=False)
    assert not [name for name in (*existing.columns, *existing.indexes) if "customer" in name]
    assert all(link.named for table in ("client", "client__rows", "note") for link in existing.links[table])
    assert {link.target for link in existing.links["note"]} == {"client"}
    await assert_current(app)


async def test_a_renamed_doctype_keeps_rows_children_and_links(opened: OpenMigrations) -> None:
    one, note = await begin(opened)
    async with opened(registry_of(Line, Tag, _named("Client"), _note("Client"))) as app:
        await write(app, 'm.rename_doctype("Customer", "Client")')
        await assert_renamed(app, one, note)
        with pytest.raises(MigrationError, match="customer"):
            await write(app, 'm.rename_doctype("Customer", "Client")')


async def test_empty_tables_of_the_new_name_are_replaced(opened: OpenMigrations) -> None:
    one, note = await begin(opened)
    async with opened(registry_of(Line, Tag, _named("Customer"), _note("Customer"), _named("Client"))) as app:
        await app.change("beside")
    async with opened(registry_of(Line, Tag, _named("Client"), _note("Client"))) as app:
        await write(app, 'm.rename_doctype("Customer", "Client")')
        await assert_renamed(app, one, note)


async def test_rows_under_the_new_name_are_not_lost(opened: OpenMigrations) -> None:
    await begin(opened)
    async with opened(registry_of(Line, Tag, _named("Customer"), _note("Customer"), _named("Client"))) as app:
        await app.change("beside")
        await app.store.store("Client", code="c")
        with pytest.raises(MigrationError, match="client"):
            await write(app, 'm.rename_doctype("Customer", "Client")')
        assert await rows(app, "SELECT count(*) FROM client") == [(1,)]
        assert await rows(app, "SELECT count(*) FROM customer") == [(2,)]


async def test_a_written_revision_shows_how_to_keep_the_values(opened: OpenMigrations) -> None:
    """The operations on both names are deleted, and the commented one is uncommented."""
    old = await first(opened, plain(fax=FAX), fax="12")
    async with opened(registry_of(plain(phone=PHONE))) as app:
        written = await app.migrations.create("rename fax")
        assert written is not None
        up, middle, down = written.path.read_text().partition("\n\n\ndef downgrade")
        lines = [line for line in up.splitlines() if "    m." not in line and "    op." not in line]
        written.path.write_text("\n".join(lines).replace("# m.rename_column", "m.rename_column") + middle + down)
        await app.run()
        assert (await app.store.load("Plain", old.id)).phone == "12"
        await assert_current(app)


@pytest.mark.parametrize(("type_", "shown"), [((str | None, None), True), ((int, 1), False)])
async def test_only_a_column_of_the_same_type_looks_renamed(opened: OpenMigrations, type_: Any, shown: bool) -> None:
    await first(opened, plain(fax=FAX))
    async with opened(registry_of(plain(phone=type_))) as app:
        written = await app.migrations.create("rename fax")
        assert written is not None and ("# m.rename_column" in written.path.read_text()) is shown


async def test_create_tells_of_a_doctype_that_looks_renamed(opened: OpenMigrations) -> None:
    one, note = await begin(opened)
    async with opened(registry_of(Line, Tag, _named("Client"), _note("Client"))) as app:
        written = await app.migrations.create("rename customer")
        assert written is not None
        [told] = [line for line in written.advice if "m.rename_doctype" in line]
        assert told.startswith("table client is new, and customer ")
        written.path.unlink()
        await write(app, 'm.rename_doctype("Customer", "Client")')
        await assert_renamed(app, one, note)


async def test_a_doctype_of_other_fields_does_not_look_renamed(opened: OpenMigrations) -> None:
    await begin(opened)
    async with opened(registry_of(Tag, plain(amount=(int, 1)))) as app:
        written = await app.migrations.create("other")
        assert written is not None and not [line for line in written.advice if "rename_doctype" in line]


async def test_a_start_in_development_tells_the_way(
    bare_database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "app" / "migrations"
    async with open_migrating(bare_database_url, registry_of(Line, Tag, _named("Customer")), folder) as app:
        await app.store.schema_mapper.sync()
        one = await app.store.store("Customer", code="a", rows=[{"what": "x"}])
        await app.store.store("Customer", code="b", other=one.id)
    async with open_migrating(bare_database_url, registry_of(Line, Tag, _named("Client")), folder) as app:
        await app.store.schema_mapper.sync()
        [told] = [message for message in caplog.messages if message.startswith("table client is new, and customer ")]
        assert "`m migrate init`" in told
    async with open_migrating(bare_database_url, registry_of(Line, Tag, _named("Customer")), folder) as app:
        await app.migrations.init()
    async with open_migrating(bare_database_url, registry_of(Line, Tag, _named("Client")), folder) as app:
        await write(app, 'm.rename_doctype("Customer", "Client")')
        assert [row.what for row in (await app.store.load("Client", one.id)).rows] == ["x"]
        await assert_current(app)
