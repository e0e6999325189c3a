"""A decorator of a package's own, and a step that reads what it declares, for processes of a role of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from framework_m_core.spi import (
    ApplicationView,
    Derived,
    Injector,
    Registrar,
    RegistryHandle,
    RegistryView,
    RequestContext,
    declare,
)

__all__ = ["Index", "IndexMark", "InitIndexer", "indexed"]


@dataclass(frozen=True)
class IndexMark:
    """The declaration of a function that returns the words by which a document is found."""

    doctype: str

    def register(self, registrar: Registrar, declared: Callable[..., Any], app: str) -> None:
        """Keep it in the registry."""
        registrar.add(self, declared, app)


def indexed(doctype: str) -> Callable[[Any], Any]:
    """Have a function index the documents of a DocType; its parameters may ask for ports, as those of handlers may."""
    return lambda function: declare(function, IndexMark(doctype))


def _by_doctype(registry: RegistryView) -> Mapping[str, Callable[..., Any]]:
    return {one.declaration.doctype: one.target for one in registry.declared.get(IndexMark, ())}


class Index:
    """Words of documents, by what the registry declares."""

    _functions: Derived[RegistryView, Mapping[str, Callable[..., Any]]] = Derived(_by_doctype)

    def __init__(self, registry_handle: RegistryHandle, injector: Injector) -> None:
        self._registry_handle = registry_handle
        self._injector = injector

    @property
    def doctypes(self) -> list[str]:
        """The indexed DocTypes."""
        return sorted(self._functions.of(self._registry_handle.current))

    async def read_words(self, context: RequestContext, doctype: str, document: Mapping[str, Any]) -> list[str]:
        """Return the words of a document."""
        pinned = self._registry_handle.pin(context)
        function = self._functions.of(pinned.registry)[doctype]
        words: list[str] = await function(document, **self._injector.resolve_arguments(pinned, function))
        return words


class InitIndexer:
    """Binds the index; it runs where a process is an indexer."""

    order = 70
    roles = frozenset({"indexer"})

    def __init__(self) -> None:
        self.is_closed = False

    async def run(self, app: ApplicationView) -> None:
        """Bind `index`."""
        app.container.bind("index", Index)
        app.container.provide("indexer_step", self)

    async def close(self) -> None:
        """End."""
        self.is_closed = True
