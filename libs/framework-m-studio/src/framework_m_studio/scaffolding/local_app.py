"""The app in the working directory, to which new files are added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.cli.declared import compile_declared, load_local_application
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compilation.builder import RegistryBuilder

__all__ = ["LocalApp", "find_local_app"]


@dataclass(frozen=True)
class LocalApp:
    """An app's folders, the document classes it may link to, its own child tables, and classes of field types."""

    package: str
    root: Path
    sources: Path
    documents: Mapping[str, type[BaseModel]]
    children: Mapping[str, type[BaseModel]]
    types: Mapping[str, type] = field(default_factory=dict)

    @property
    def doctypes(self) -> Path:
        """The folder of new DocTypes: the package's `doctypes` if it exists, else the package itself."""
        room = self.sources / "doctypes"
        return room if (room / "__init__.py").is_file() else self.sources


def find_local_app(name: str | None) -> LocalApp:
    """Return the app in the working directory, by name if there are several. Raises ConfigurationError."""
    application = load_local_application()
    choice = _chosen(application.settings.local_apps, name)
    package = choice.value.partition(":")[0].partition(".")[0]
    registry = compile_declared(application)
    documents = registry.doctypes
    sources = discovery.folder_of(package)
    if sources is None:
        raise ConfigurationError(
            f"expected the app {choice.name} to be a package, got one module: create {package}/__init__.py first"
        )
    return LocalApp(
        package,
        application.settings.root,
        sources,
        {known: plan.model for known, plan in documents.items()},
        {known: model for known, model in _declared(choice).items() if known not in documents},
        {python_type.__name__: python_type for python_type in registry.extensions.types},
    )


def _chosen(apps: tuple[Choice, ...], name: str | None) -> Choice:
    by_name = {choice.name: choice for choice in apps}
    if not by_name:
        raise ConfigurationError(
            "there is no app in this folder: change to its folder, or create one with `m new app shop`"
        )
    if name is None and len(by_name) > 1:
        raise ConfigurationError(f"there are several apps here, {', '.join(by_name)}: choose one with --app")
    if name is not None and name not in by_name:
        meant = did_you_mean(name, by_name) or f": known are {', '.join(by_name)}"
        raise ConfigurationError(f"expected an app in this folder, got {name!r}{meant}")
    return by_name[name or apps[0].name]


def _declared(choice: Choice) -> Mapping[str, type[BaseModel]]:
    builder = RegistryBuilder()
    register_app(builder, choice)
    return builder.models
