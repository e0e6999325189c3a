"""Statements of migrations may take longer than those of the app: nobody waits for an answer."""

from __future__ import annotations

from framework_m_standard.sql.engine.driver import Transaction

__all__ = ["lift_timeout"]


async def lift_timeout(transaction: Transaction, dialect: str) -> None:
    """Until the end of the transaction; the bound on waiting for others' locks stays."""
    if dialect == "postgresql":
        await transaction.script("SET LOCAL statement_timeout = 0")
