"""Generation of a package with an adapter, which passes the contract of its port, or with a variant that chooses it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_studio.scaffolding.names import AppName
from framework_m_studio.scaffolding.placing import place_folder
from framework_m_studio.scaffolding.templates import has_template, render_folder

__all__ = ["PORTS", "write_adapter"]

PORTS: Final = ("cache", "event_bus", "login_attempts", "permission", "session")
"""The ports for which there are templates."""


def write_adapter(name: AppName, port: str, folder: Path, *, variant: bool = False) -> None:
    """Write a package into a new or empty folder. On failure, raise ConfigurationError and write nothing."""
    if port not in PORTS:
        hint = did_you_mean(port, PORTS) or f": expected one of {', '.join(PORTS)}"
        raise ConfigurationError(f"there is no template for the port {port!r}{hint}")
    class_name = "".join(word.title() for word in name.package.split("_"))
    has_settings = has_template(f"adapter_{port}/src/__package__/settings.py")
    values = {
        "package": name,
        "port": port,
        "class_name": class_name,
        "variant": variant,
        "has_settings": has_settings,
    }
    templates = ["adapter", f"adapter_{port}", *(["adapter_variant"] if variant else [])]
    files = [file for template in templates for file in render_folder(template, name.package, values)]
    place_folder(folder, files)
