"""Changes of a column's type: its values are converted exactly, or the change is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from framework_m_core.domain.errors import MigrationError
from framework_m_core.domain.fields.spec import FieldKind
from framework_m_standard.sql.migrations.operations.conversions import Conversion, conversion
from framework_m_standard.sql.schema.field_registry import FieldRegistry, KindType, kind_of, text_of_type
from framework_m_standard.sql.statements.row_codec import SQLITE, decoder, encoder

__all__ = ["convert_column"]

_BATCH: Final = 1000
_INT64: Final = 1 << 63


def convert_column(table: str, name: str, type_: KindType) -> None:
    """Change the type of a column. Raises MigrationError if its values cannot be converted exactly."""
    before = _type_before(table, name)
    way = conversion(before, type_)
    if way is None:
        raise MigrationError(
            f"{table}.{name} is {_said(before)}, which cannot be converted to {_said(type_)}: add a field of another "
            "name, and fill it by a patch"
        )
    change = _on_sqlite if op.get_context().dialect.name == SQLITE else _on_postgres
    change(table, name, before, type_, way)


def _type_before(table: str, name: str) -> KindType:
    bind = op.get_bind()
    columns = sa.inspect(bind).get_columns(table)
    [found] = [column["type"] for column in columns if column["name"] == name]
    return kind_of(text_of_type(bind.dialect, found))


def _said(type_: KindType) -> str:
    return f"decimal({type_.scale or 0})" if type_.kind is FieldKind.DECIMAL else str(type_.kind)


def _refuse(table: str, name: str, type_: KindType, rows: int, example: object) -> None:
    if rows:
        raise MigrationError(
            f"{table}.{name} cannot become {_said(type_)}: {rows} rows have values that cannot be converted exactly, "
            f"such as {str(example)!r}: change them first, by an earlier patch"
        )


def _on_postgres(table: str, name: str, before: KindType, type_: KindType, way: Conversion) -> None:
    quote = op.get_context().dialect.identifier_preparer.quote
    column = quote(name)
    lost = sa.text(
        f"SELECT count(*), min({column}::text) FROM {quote(table)} "  # noqa: S608 - names of our own
        f"WHERE {column} IS NOT NULL AND ({way.loses.format(c=column)})".replace(":", "\\:")
    )
    rows, example = op.get_bind().execute(lost).one()
    _refuse(table, name, type_, rows, example)
    op.alter_column(table, name, type_=type_, postgresql_using=way.using.format(c=column))


def _on_sqlite(table: str, name: str, before: KindType, type_: KindType, way: Conversion) -> None:
    """Convert a column through a temporary table of converted values, since SQLite converts nothing by itself.

    Old and new values must not collide in a unique column, so each row temporarily holds a value made from its id.
    """
    bind, place = op.get_bind(), sa.table(table, sa.column("id"), sa.column(name))
    kept = sa.table("m_converted", sa.column("id"), sa.column("value"))
    bind.exec_driver_sql("CREATE TEMPORARY TABLE m_converted (id PRIMARY KEY, value)")
    wrong: list[Any] = []
    for rows in _batches(bind, place, name):
        if converted := list(_converted(rows, before, type_, way, wrong)):
            bind.execute(sa.insert(kept), converted)
    _refuse(table, name, type_, len(wrong), next(iter(wrong), None))
    there = place.c[name].is_not(None)
    bind.execute(sa.update(place).values({name: sa.literal("m_converted ") + place.c.id}).where(there))
    _declare(table, name, FieldRegistry(SQLITE).column_type(type_.spec))
    value = sa.select(kept.c.value).where(kept.c.id == place.c.id).scalar_subquery()
    bind.execute(sa.update(place).values({name: value}).where(there))
    bind.exec_driver_sql("DROP TABLE m_converted")


def _batches(bind: sa.Connection, place: Any, name: str) -> Iterator[Sequence[Any]]:
    page = sa.select(place.c.id, place.c[name]).where(place.c[name].is_not(None)).order_by(place.c.id).limit(_BATCH)
    rows = bind.execute(page).all()
    while rows:
        yield rows
        rows = bind.execute(page.where(place.c.id > rows[-1][0])).all()


def _converted(
    rows: Sequence[Any], before: KindType, type_: KindType, way: Conversion, wrong: list[Any]
) -> Iterator[dict[str, Any]]:
    decode, encode = decoder(SQLITE, before.spec), encoder(SQLITE, type_.spec)
    for id, value in rows:
        found = value
        try:
            found = decode(value) if decode else value
            result = way.convert(found)
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
