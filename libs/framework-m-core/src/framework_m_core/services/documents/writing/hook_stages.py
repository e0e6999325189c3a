"""`HookStages`: the stages of a write that run code of apps: hooks of controllers, and declared stages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel

from framework_m_core.controllers.write_stage import Write
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.write_stages import DeclaredStage
from framework_m_core.services.documents.hooks import (
    HookRun,
    copy_frozen,
    freeze,
    freeze_classes,
    refuse_changes,
    refuse_invalid,
)
from framework_m_core.services.documents.writing.write import DocumentWrite
from framework_m_core.services.runtime.injection import Injector
from framework_m_core.services.runtime.lookups import refuse_failed_lookups

__all__ = ["HookStages"]


class HookStages:
    """Runs code of apps on the document of a write, which it may change until the document is final."""

    def __init__(self, injector: Injector) -> None:
        self._injector = injector
        self._frozen_classes: Derived[CompiledDocType, Mapping[str, type[BaseModel]]] = Derived(freeze_classes)

    def bind_declared(self, stage: DeclaredStage, *, is_final: bool) -> Callable[[DocumentWrite], Awaitable[None]]:
        """Return the code that calls a declared stage; the document `is_final` where changes to it no longer count."""
        function, name = stage.function, stage.mark.name

        async def call(write: DocumentWrite) -> None:
            context, client = write.join()
            stored = None if write.loaded is None else write.loaded.document
            document = copy_frozen(write.document, self._frozen_classes.of(write.plan)) if is_final else write.document
            operation, doctype = write.operation, write.plan.name
            write.running = f"{doctype}, stage {name},"
            given = Write(operation.name, operation.action, doctype, stored, document, context, client)
            where = f"{doctype}, stage {name}"
            with refuse_invalid(where), refuse_failed_lookups(where):
                await function(given, **self._injector.resolve_arguments(context, function))

        return call

    async def run_before(self, write: DocumentWrite) -> None:
        """Run the hooks before storing."""
        hooks = self._hooks_of(write)
        if write.operation.name == "delete":
            freeze(write.document, self._frozen_classes.of(write.plan))
        for hook in write.operation.before:
            if hook in write.plan.hooks:
                write.running = f"{write.plan.name}.{hook}"
                await hooks.run(hook)
        write.document = hooks.document

    async def run_after(self, write: DocumentWrite) -> None:
        """Run the hooks after storing, which may not change the document."""
        hooks = self._hooks_of(write)
        freeze(write.document, self._frozen_classes.of(write.plan))
        for hook in write.operation.after:
            if hook in write.plan.hooks:
                write.running = f"{write.plan.name}.{hook}"
                await hooks.run(hook)
        if write.operation.name != "delete":
            refuse_changes(write.plan, write.values, hooks.document)

    def _hooks_of(self, write: DocumentWrite) -> HookRun:
        if write.hooks is None:
            context, client = write.join()
            previous = None if write.loaded is None else write.loaded.document
            write.hooks = HookRun(write.plan, write.document, previous, context, client, self._injector)
        return write.hooks
