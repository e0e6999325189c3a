"""`m config`: show effective settings and the origin of each."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from pydantic import BaseModel, SecretBytes, SecretStr

from framework_m_core.bootstrap.settings.effective import list_effective_settings
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.paths import find_field, format_path, to_tables
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.cli.tables import print_table
from framework_m_core.domain.redaction import HIDDEN, hide_password

__all__ = ["app", "format_value", "show"]

app = App(name="config", help="Show effective settings and the origin of each.")

_WIDTH: Final = 100


@app.command
def show(*, explain: Annotated[bool, Parameter(negative="", help="Also show what each setting does.")] = False) -> None:
    """Print every setting with its effective value and origin; secrets as ***.

    For example:
      m config show
      m config show --explain
      M_HTTP__PORT=9000 m config show
    """
    settings = load_settings(Path.cwd(), secrets=False)
    for section in sorted(settings.sections):
        print(f"[{section}]")
        _print_section(settings, section, explain)
        print()


def _print_section(settings: Settings, section: str, explain: bool) -> None:
    found = [*list_effective_settings(settings, section)]
    if not explain:
        print_table((f"{setting.key} = {format_value(setting.value)}", f"# {setting.origin}") for setting in found)
        return
    for setting in found:
        info = find_field(type(settings.sections[section]), setting.path)
        if info is not None and info.description:
            print("\n".join(wrap(info.description, _WIDTH, initial_indent="# ", subsequent_indent="# ")))
        print(f"{setting.key} = {format_value(setting.value)}  # {setting.origin}")


def format_value(value: Any) -> str:
    """Return a value in TOML notation, with secrets and passwords hidden."""
    if value is None:
        return "(not set)"
    if isinstance(value, SecretStr | SecretBytes):
        return f'"{HIDDEN}"'
    if isinstance(value, str):
        return json.dumps(hide_password(value), ensure_ascii=False)
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{', '.join(map(format_value, value))}]"
    if isinstance(value, BaseModel | dict):
        items = ", ".join(f"{format_path((key,))} = {format_value(below)}" for key, below in to_tables(value).items())
        return f"{{ {items} }}" if items else "{}"
    return str(value).lower() if isinstance(value, bool) else str(value)
