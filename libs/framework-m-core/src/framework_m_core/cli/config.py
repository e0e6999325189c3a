"""`m config`: the settings in force, and where each comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cyclopts import App
from pydantic import SecretStr

from framework_m_core.bootstrap.in_force import settings_in_force
from framework_m_core.bootstrap.settings import load_settings
from framework_m_core.cli.tables import print_table

__all__ = ["app", "show"]

app = App(name="config", help="The settings in force, and where each comes from.")

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


@app.command
def show() -> None:
    """Print every setting with the value in force and its origin; secrets as ***.

    For example:
      m config show
      M_HTTP__PORT=9000 m config show
    """
    settings = load_settings(Path.cwd(), secrets=False)
    for section in sorted(settings.sections):
        print(f"[{section}]")
        found = settings_in_force(settings, section)
        print_table((f"{setting.key} = {shown(setting.value)}", f"# {setting.origin}") for setting in found)
        print()


def shown(value: Any) -> str:
    """A value as TOML writes it, without what nobody but the process should see."""
    if value is None:
        return "(not set)"
    if isinstance(value, SecretStr):
        return '"***"'
    if isinstance(value, str):
        return json.dumps(_CREDENTIALS.sub("***@", value), ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
