"""`StoreCapability`: what a store can do besides what every store must."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["StoreCapability"]


class StoreCapability(StrEnum):
    """An ability that a store's `UnitOfWorkFactoryProtocol.capabilities` claims, and that its contracts then demand.

    Without `BLOCKING_LOCKS`, other units go on with a row that one has locked, and that one's commit raises
    TransientError if it has changed. Without `TRANSACTIONAL_SCHEMA`, a revision that fails may leave a part of its
    changes, and stays pending, and there may be no preview. Without `APPEND_ONLY_AUDIT`, the store's own means can
    change audit entries, unless an operator takes the right to do so away from the app.
    """

    BLOCKING_LOCKS = "blocking locks"
    TRANSACTIONAL_SCHEMA = "transactional schema changes"
    APPEND_ONLY_AUDIT = "append-only audit log"
