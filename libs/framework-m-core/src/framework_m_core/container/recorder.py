"""Overrides that apps record while their modules are imported: `container.wms.ledger.override(LocalLedger())`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from framework_m_core.container.container import Container, Named, Override
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["RECORDER", "OverrideRecorder", "RecordedOverride"]


@dataclass(frozen=True, slots=True)
class RecordedOverride:
    """One override: the dotted path of its provider, the module that requested it, and the replacement."""

    path: str
    module: str
    override: Override


class _Provider:
    """A provider of the future container: attributes lead to the providers of an app, `override` records.

    Calling it returns a stand-in for its object, to pass to a replacement that keeps it: `Ledger(bus=container.bus())`.
    """

    def __init__(self, recorder: OverrideRecorder, path: str) -> None:
        self._recorder = recorder
        self._path = path

    def __getattr__(self, name: str) -> _Provider:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Provider(self._recorder, f"{self._path}.{name}")

    def __call__(self) -> _Deferred:
        """Return a stand-in for the object, usable once the app is composed."""
        return _Deferred(self._recorder.resolve, self._path)

    def __repr__(self) -> str:
        return f"<provider {self._path}>"

    def override(self, replacement: object, /, **arguments: object) -> None:
        """Replace the provider's object by another one, or by what a class or function returns.

        A class or function is called with `arguments` and with the objects that its other parameters name; `original`
        is the replaced object. Arguments may be providers.
        """
        given = {
            name: Named(value._path) if isinstance(value, _Provider) else value for name, value in arguments.items()
        }
        module = sys._getframe(1).f_globals.get("__name__", "")
        self._recorder.record(RecordedOverride(self._path, module, Override(replacement, given)))

    def reset_override(self) -> None:
        """Discard the overrides recorded for this provider, such as at the end of a test."""
        self._recorder.discard(self._path)


class _Deferred:
    """A stand-in for an object of the container before it exists; attributes are read from that object."""

    __slots__ = ("__path", "__resolve")

    def __init__(self, resolve: Callable[[str], Any], path: str) -> None:
        self.__resolve = resolve
        self.__path = path

    def __repr__(self) -> str:
        return f"<object of provider {self.__path}>"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__resolve(self.__path), name)


class OverrideRecorder:
    """`framework_m.container.container`: keeps the overrides of modules for each application that uses them."""

    def __init__(self) -> None:
        self._recorded: list[RecordedOverride] = []
        self._containers: list[Container] = []
        self._apps: set[str] = set()

    def __repr__(self) -> str:
        return f"<OverrideRecorder: {len(self._recorded)} overrides>"

    def __getattr__(self, name: str) -> _Provider:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Provider(self, name)

    @property
    def recorded(self) -> tuple[RecordedOverride, ...]:
        """All overrides recorded by modules."""
        return tuple(self._recorded)

    def record(self, recorded: RecordedOverride) -> None:
        """Record an override; a module's last one for a provider wins."""
        self._recorded = [one for one in self._recorded if (one.path, one.module) != (recorded.path, recorded.module)]
        self._recorded.append(recorded)

    def discard(self, path: str) -> None:
        """Discard all overrides of a provider."""
        self._recorded = [one for one in self._recorded if one.path != path]

    def replay(
        self, container: Container, apps: Mapping[str, bool], ports: Mapping[str, str], taken: Mapping[str, str]
    ) -> None:
        """Apply to a container the overrides recorded by modules of its apps and by modules of no app.

        `apps` maps the packages of all installed apps to whether each takes part, `ports` maps paths (`wms.ledger`) to
        the names of apps' ports, `taken` maps names to the entry point that overrides them. Raises ConfigurationError
        listing all errors.
        """
        self._apps |= apps.keys()
        errors: list[str] = []
        wanted: dict[str, RecordedOverride] = {}
        for one in self._recorded:
            root = one.module.partition(".")[0]
            if root in self._apps and not apps.get(root):
                continue
            name = _name_of(one, ports, errors)
            other = wanted.setdefault(name, one).module
            rival = other if other.partition(".")[0] != root else taken.get(name)
            if rival:
                errors.append(f"{name!r} is overridden by both {rival} and {one.module}: remove one")
            wanted[name] = one
        if errors:
            raise ConfigurationError("these overrides are not valid:", errors)
        for name, one in wanted.items():
            container.override(name, one.override.replacement, **one.override.arguments)
        self._containers.append(container)

    def forget(self, container: Container) -> None:
        """Forget a container whose application has been closed."""
        if container in self._containers:
            self._containers.remove(container)

    def resolve(self, path: str) -> Any:
        """Return the object of a provider. Raises ConfigurationError unless exactly one application is open."""
        if len(self._containers) != 1:
            raise ConfigurationError(
                f"expected exactly one open application to resolve {path}, got {len(self._containers)}; "
                f"override with a class and its arguments instead, as in override(Ledger, bus=container.{path})"
            )
        return self._containers[0].get(path.rpartition(".")[2])


def _name_of(recorded: RecordedOverride, ports: Mapping[str, str], errors: list[str]) -> str:
    """Return the container's name for a path: the path itself, or the name of the port `app.port`."""
    if "." not in recorded.path:
        return recorded.path
    if recorded.path not in ports:
        meant = did_you_mean(recorded.path, ports)
        errors.append(f"{recorded.module}: no app declares the port container.{recorded.path}{meant}")
    return ports.get(recorded.path, recorded.path)


RECORDER = OverrideRecorder()
"""The one recorder of the process, since modules are imported once: `framework_m.container.container`."""
