"""Operations and column types of revisions, next to Alembic's own `op`: `from framework_m import migrations as m`."""

from framework_m_standard.sql.migrations.operations.column_types import (
    boolean,
    bytes_,
    date,
    datetime,
    decimal,
    float_,
    integer,
    json,
    text,
    uuid,
)
from framework_m_standard.sql.migrations.operations.renaming import rename_column, rename_doctype
from framework_m_standard.sql.migrations.operations.table_operations import (
    add_column,
    add_index,
    add_link,
    add_unique,
    change_type,
    drop_column,
    drop_link,
    set_not_nullable,
    set_nullable,
)
from framework_m_standard.sql.migrations.patch_store import PatchSql

__all__ = [
    "PatchSql",
    "add_column",
    "add_index",
    "add_link",
    "add_unique",
    "boolean",
    "bytes_",
    "change_type",
    "date",
    "datetime",
    "decimal",
    "drop_column",
    "drop_link",
    "float_",
    "integer",
    "json",
    "rename_column",
    "rename_doctype",
    "set_not_nullable",
    "set_nullable",
    "text",
    "uuid",
]
