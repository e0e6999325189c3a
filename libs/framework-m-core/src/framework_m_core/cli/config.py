"""`m config`: show effective settings and the origin of each."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from pydantic import SecretStr

from framework_m_core.bootstrap.settings.effective import effective_settings
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.cli.tables import print_table
from framework_m_core.domain.redaction import HIDDEN, without_password

__all__ = ["app", "show"]

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
    known = type(settings.sections[section]).model_fields
    found = [*effective_settings(settings, section)]
    if not explain:
        print_table((f"{setting.key} = {shown(setting.value)}", f"# {setting.origin}") for setting in found)
        return
    for setting in found:
        if setting.key in known and (about := known[setting.key].description):
            print("\n".join(wrap(about, _WIDTH, initial_indent="# ", subsequent_indent="# ")))
        print(f"{setting.key} = {shown(setting.value)}  # {setting.origin}")


def shown(value: Any) -> str:
    """Return a value in TOML notation, with secrets and passwords hidden."""
    if value is None:
        return "(not set)"
    if isinstance(value, SecretStr):
        return f'"{HIDDEN}"'
    if isinstance(value, str):
        return json.dumps(without_password(value), ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
