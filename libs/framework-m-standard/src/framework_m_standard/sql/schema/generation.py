"""The generation of the registry: a number in the store that each change raises, so that other processes follow."""

from __future__ import annotations

from typing import Final

from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.statements.compiled import Statement

__all__ = ["raise_generation", "read_generation"]

_READ: Final = Statement("SELECT fingerprint FROM m_schema WHERE name = 'generation'")
_RAISE: Final = Statement(
    "INSERT INTO m_schema (name, fingerprint) VALUES ('generation', '1') ON CONFLICT (name) DO UPDATE "
    "SET fingerprint = CAST(CAST(m_schema.fingerprint AS BIGINT) + 1 AS TEXT) RETURNING fingerprint"
)


async def read_generation(driver: Driver) -> int:
    """Return the number; 0 before the first change."""
    rows = await driver.fetch(_READ, ())
    return int(rows[0][0]) if rows else 0


async def raise_generation(driver: Driver) -> int:
    """Return the next number, which is stored."""
    return int((await driver.write(_RAISE, ()))[0][0])
