"""`m config`: the settings in force, and where each comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclopts import App
from pydantic import BaseModel, SecretStr

from framework_m_core.bootstrap.settings import Settings, load_settings
from framework_m_core.cli.tables import print_table

__all__ = ["app", "show"]

app = App(name="config", help="The settings in force, and where each comes from.")

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


@app.command
def show() -> None:
    """Print every setting with its value and its origin; secrets as ***.

    For example:
      m config show
      M_HTTP__PORT=9000 m config show
    """
    settings = load_settings(Path.cwd(), secrets=False)
    for section, model in sorted(settings.sections.items()):
        print(f"[{section}]")
        print_table(_lines(settings, section, model))
        print()


def _lines(settings: Settings, section: str, model: BaseModel) -> Iterator[tuple[str, str]]:
    values = {**dict(model), **(model.model_extra or {})}
    for key, value in values.items():
        yield f"{key} = {shown(value)}", f"# {settings.origins.get((section, key), 'default')}"


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
