"""Changes of a column's type: its values are converted exactly, or the change is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateIndex

from framework_m_core.spi import FieldKind, MigrationError
from framework_m_standard.sql.engine.mariadb.column_types import drop_index
from framework_m_standard.sql.engine.row_codec import MARIADB, SQLITE, make_decoder, make_encoder
from framework_m_standard.sql.migrations.operations.conversions import Conversion, find_conversion
from framework_m_standard.sql.schema.existing import ExistingSchema, read_with
from framework_m_standard.sql.schema.field_registry import FieldRegistry, KindType, kind_of

__all__ = ["convert_column", "read_stored_type"]

_BATCH: Final = 1000
_INT64: Final = 1 << 63
_CONVERTED: Final = "m_converted"
_FORMER: Final = "m_former"


def convert_column(table: str, name: str, type_: KindType) -> None:
    """Change the type of a column. Raises MigrationError if its values cannot be converted exactly."""
    before = read_stored_type(op.get_bind(), table, name)
    rule = find_conversion(before, type_)
    if rule is None:
        raise MigrationError(
            f"{table}.{name} is {_name(before)}, which cannot be converted to {_name(type_)}: add a field of another "
            "name, and fill it by a patch"
        )
    _CHANGES[op.get_context().dialect.name](table, name, before, type_, rule)


def read_stored_type(bind: sa.Connection, table: str, name: str) -> KindType:
    """Return the type of a column in the database."""
    return kind_of(read_with(bind).columns[table][name].type)


def _name(type_: KindType) -> str:
    return f"decimal({type_.scale or 0})" if type_.kind is FieldKind.DECIMAL else str(type_.kind)


def _refuse(table: str, name: str, type_: KindType, rows: int, example: object) -> None:
    if rows:
        raise MigrationError(
            f"{table}.{name} cannot become {_name(type_)}: {rows} rows have values that cannot be converted exactly, "
            f"such as {str(example)!r}: change them first, by an earlier patch"
        )


def _on_postgres(table: str, name: str, before: KindType, type_: KindType, rule: Conversion) -> None:
    quote = op.get_context().dialect.identifier_preparer.quote
    column = quote(name)
    lost = sa.text(
        f"SELECT count(*), min({column}::text) FROM {quote(table)} "  # noqa: S608 - names of our own
        f"WHERE {column} IS NOT NULL AND ({rule.loses.format(c=column)})".replace(":", "\\:")
    )
    rows, example = op.get_bind().execute(lost).one()
    _refuse(table, name, type_, rows, example)
    op.alter_column(table, name, type_=type_, postgresql_using=rule.using.format(c=column))


def _on_mariadb(table: str, name: str, before: KindType, type_: KindType, rule: Conversion) -> None:
    """Convert a column through another, which then takes its name. An earlier try may have got as far as that."""
    bind = op.get_bind()
    if (before.kind, before.scale) != (type_.kind, type_.scale):
        op.execute(f"ALTER TABLE {_quoted(table)} DROP COLUMN IF EXISTS {_quoted(_CONVERTED)}")
        op.add_column(table, sa.Column(_CONVERTED, type_, nullable=True))
        if wrong := _fill_converted(bind, table, name, before, type_, rule):
            op.drop_column(table, _CONVERTED)
            _refuse(table, name, type_, len(wrong), wrong[0])
        _swap(read_with(bind), table, name, type_)
    op.execute(f"ALTER TABLE {_quoted(table)} DROP COLUMN IF EXISTS {_quoted(_FORMER)}")


def _fill_converted(
    bind: sa.Connection, table: str, name: str, before: KindType, type_: KindType, rule: Conversion
) -> list[Any]:
    """Fill the column of converted values. Return the values that cannot be converted exactly."""
    place = sa.table(table, sa.column("id"), sa.column(name))
    into = sa.table(table, sa.column("id"), sa.column(_CONVERTED))
    change = sa.update(into).where(into.c.id == sa.bindparam("row")).values({_CONVERTED: sa.bindparam("value")})
    wrong: list[Any] = []
    for rows in _batches(bind, place, name):
        for one in list(_convert(rows, before, type_, rule, wrong)):
            bind.execute(change, {"row": one["id"], "value": one["value"]})
    return wrong


def _swap(found: ExistingSchema, table: str, name: str, type_: KindType) -> None:
    """Give the converted column the name of the other, and make its indexes anew."""
    dialect = op.get_context().dialect
    column, converted, former = _quoted(name), _quoted(_CONVERTED), _quoted(_FORMER)
    indexes = {key: one for key, one in found.indexes.items() if one.table == table and name in one.columns}
    alter = f"ALTER TABLE {_quoted(table)} "
    dropped = [drop_index(_quoted, table, key).removeprefix(alter) for key in indexes]
    op.execute(
        alter + ", ".join([*dropped, f"RENAME COLUMN {column} TO {former}", f"RENAME COLUMN {converted} TO {column}"])
    )
    if found.columns[table][name].required:
        op.execute(f"{alter}MODIFY COLUMN {column} {type_.compile(dialect=dialect)} NOT NULL")
    types = {one: kind_of(existing.type) for one, existing in found.columns[table].items()} | {name: type_}
    declared: list[sa.Column[Any]] = [sa.Column(one, known) for one, known in types.items()]
    whole = sa.Table(table, sa.MetaData(), *declared)
    for key, one in indexes.items():
        parts = [whole.c[part] for part in one.columns if part is not None]
        op.get_bind().execute(CreateIndex(sa.Index(key, *parts, unique=key.startswith("uq_"))))


def _quoted(name: str) -> str:
    return op.get_context().dialect.identifier_preparer.quote(name)


def _on_sqlite(table: str, name: str, before: KindType, type_: KindType, rule: Conversion) -> None:
    """Convert a column through a temporary table of converted values, since SQLite converts nothing by itself.

    Old and new values must not collide in a unique column, so each row temporarily holds a value made from its id.
    """
    bind, place = op.get_bind(), sa.table(table, sa.column("id"), sa.column(name))
    kept = sa.table("m_converted", sa.column("id"), sa.column("value"))
    bind.exec_driver_sql("CREATE TEMPORARY TABLE m_converted (id PRIMARY KEY, value)")
    wrong: list[Any] = []
    for rows in _batches(bind, place, name):
        if converted := list(_convert(rows, before, type_, rule, wrong)):
            bind.execute(sa.insert(kept), converted)
    _refuse(table, name, type_, len(wrong), next(iter(wrong), None))
    there = place.c[name].is_not(None)
    bind.execute(sa.update(place).values({name: sa.literal("m_converted ") + place.c.id}).where(there))
    _declare(table, name, FieldRegistry(SQLITE).column_type_of(type_.spec))
    value = sa.select(kept.c.value).where(kept.c.id == place.c.id).scalar_subquery()
    bind.execute(sa.update(place).values({name: value}).where(there))
    bind.exec_driver_sql("DROP TABLE m_converted")


def _batches(bind: sa.Connection, place: Any, name: str) -> Iterator[Sequence[Any]]:
    page = sa.select(place.c.id, place.c[name]).where(place.c[name].is_not(None)).order_by(place.c.id).limit(_BATCH)
    rows = bind.execute(page).all()
    while rows:
        yield rows
        rows = bind.execute(page.where(place.c.id > rows[-1][0])).all()


def _convert(
    rows: Sequence[Any], before: KindType, type_: KindType, rule: Conversion, wrong: list[Any]
) -> Iterator[dict[str, Any]]:
    dialect = op.get_context().dialect.name
    decode, encode = make_decoder(dialect, before.spec), make_encoder(dialect, type_.spec)
    for id, value in rows:
        found = value
        try:
            found = decode(value) if decode else value
            result = rule.convert(found)
            result = encode(result) if encode else result
        except (ValueError, ArithmeticError, TypeError):
            wrong.append(found)
            continue
        if isinstance(result, int) and not -_INT64 <= result < _INT64:
            wrong.append(found)
        else:
            yield {"id": id, "value": result}


def _declare(table: str, name: str, stored: sa.types.TypeEngine[Any]) -> None:
    """Rewrite a table with another type of a column, without casting values."""

    def other_type(inspector: object, reflected: object, column: Any) -> None:
        if column["name"] == name:
            column["type"] = stored

    with op.batch_alter_table(
        table,
        recreate="always",
        table_kwargs={"sqlite_with_rowid": False},
        reflect_kwargs={"listeners": [("column_reflect", other_type)]},
    ):
        pass


_CHANGES: Final[Mapping[str, Callable[[str, str, KindType, KindType, Conversion], None]]] = {
    SQLITE: _on_sqlite,
    MARIADB: _on_mariadb,
    "postgresql": _on_postgres,
}
