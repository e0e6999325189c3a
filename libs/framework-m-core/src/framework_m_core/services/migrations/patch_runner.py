"""Execution of patches: as the system, each in one transaction with the record that it was applied."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import CLI, RequestContext, make_system_principal
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.migrations.failures import RUN_AGAIN, Explain, explain_error, translate_failures
from framework_m_core.services.migrations.files.loading import load_file
from framework_m_core.services.migrations.files.patches import PatchFile
from framework_m_core.services.runtime.retry import retry

__all__ = ["PatchRunner", "PatchStore"]


@dataclass(frozen=True, slots=True)
class PatchStore[U: UnitOfWorkProtocol]:
    """How a store runs patches.

    `begin` begins the transaction of an open unit and returns what patches may take as parameters besides `documents`;
    `record` writes into it that the patch was applied at a time.
    """

    open: Callable[[RequestContext], U]
    begin: Callable[[U], Awaitable[Mapping[str, object]]]
    record: Callable[[U, PatchFile, str], Awaitable[None]]
    explain: Explain = explain_error


class PatchRunner[U: UnitOfWorkProtocol]:
    """Runner of single patches."""

    def __init__(self, store: PatchStore[U], documents: DocumentService, registry_handle: RegistryHandle) -> None:
        self._store = store
        self._documents = documents
        self._registry_handle = registry_handle

    async def run(self, patch: PatchFile, label: str) -> None:
        """Run a patch; retry it if it conflicts with other writers. Raises MigrationError stating where it failed."""
        with translate_failures("patch", label, patch.path.parents[1], RUN_AGAIN, self._store.explain):
            work = _run_function(patch)
            await retry(lambda: self._attempt(patch, work))

    async def _attempt(self, patch: PatchFile, work: Any) -> None:
        context = self._registry_handle.make_context(
            make_system_principal(f"patch {patch.name}"), source=CLI, clock=system_clock
        )
        async with self._store.open(context) as unit:
            known = await self._store.begin(unit)
            await work(**self._arguments(work, context, unit, known))
            await unit.flush()
            await self._store.record(unit, patch, context.clock().isoformat())
            await unit.commit()

    def _arguments(
        self, work: Any, context: RequestContext, unit: U, known: Mapping[str, object]
    ) -> Mapping[str, object]:
        offered = {"documents": self._documents.client_for(context.within(unit)), **known}
        wanted = list(inspect.signature(work).parameters)
        if unknown := [name for name in wanted if name not in offered]:
            expected = " or ".join(f"`{name}`" for name in offered)
            raise ConfigurationError(f"expected {expected} as parameters of `run`, got {unknown[0]!r}")
        return {name: offered[name] for name in wanted}


def _run_function(patch: PatchFile) -> Any:
    work = getattr(load_file(patch.path), "run", None)
    if not inspect.iscoroutinefunction(work):
        raise ConfigurationError("expected `async def run(documents)` in it, got none")
    return work
