"""The records in `m_schema`: the fingerprint of the last sync, and the generation of the registry.

The generation is a number that each registry change increments, so that other processes follow.
"""

from __future__ import annotations

from typing import Final

from framework_m_standard.sql.engine.driver import Driver, Transaction
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.engine.statement import Statement

__all__ = ["increment_generation", "read_fingerprint", "read_generation"]

_READ: Final = Statement("SELECT fingerprint FROM m_schema WHERE name = 'generation'")
_UPSERT: Final = Statement(
    "INSERT INTO m_schema (name, fingerprint) VALUES ('generation', '1') ON CONFLICT (name) DO UPDATE "
    "SET fingerprint = CAST(CAST(m_schema.fingerprint AS BIGINT) + 1 AS TEXT) RETURNING fingerprint"
)
_INCREMENT: Final = {
    "sqlite": _UPSERT,
    "postgresql": _UPSERT,
    MARIADB: Statement(
        "INSERT INTO m_schema (name, fingerprint) VALUES ('generation', '1') ON DUPLICATE KEY UPDATE "
        "fingerprint = CAST(fingerprint AS SIGNED) + 1 RETURNING fingerprint"
    ),
}
_TABLE: Final = {
    "sqlite": Statement("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'm_schema'"),
    "postgresql": Statement(
        "SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = 'm_schema'"
    ),
    MARIADB: Statement(
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'm_schema'"
    ),
}
_FINGERPRINT: Final = Statement("SELECT fingerprint FROM m_schema WHERE name = 'doctypes'")


async def read_fingerprint(transaction: Transaction, dialect: str) -> str | None:
    """Return the fingerprint of the last sync; None before the first."""
    rows = await transaction.fetch(_TABLE[dialect], ()) and await transaction.fetch(_FINGERPRINT, ())
    return str(rows[0][0]) if rows else None


async def read_generation(driver: Driver) -> int:
    """Return the number; 0 before the first change."""
    rows = await driver.fetch(_READ, ())
    return int(rows[0][0]) if rows else 0


async def increment_generation(driver: Driver) -> int:
    """Increment the number and return it."""
    return int((await driver.write(_INCREMENT[driver.name], ()))[0][0])
