"""`container`: what modules of an app override of the framework's objects and of other apps' ports.

    from framework_m.container import container

    container.wms.ledger.override(LocalLedger())
    container.clock.override(frozen_clock)

A provider is `container.<name>`, or `container.<app>.<port>` for a port that an app declares. An override counts for
every application that the module's app is part of, from the import of its modules until the application is composed.
"""

from __future__ import annotations

from framework_m_core.container.recorder import RECORDER

__all__ = ["container"]

container = RECORDER
