"""dependency-injector without its integrations, which import FastAPI, Flask and others if installed."""

from __future__ import annotations

import sys
from typing import Final

INTEGRATIONS: Final = ("fastapi", "flask", "pydantic_settings", "starlette", "werkzeug")
"""Optional modules that dependency-injector tries to import; together they take longer than our whole startup."""

_hidden = [name for name in INTEGRATIONS if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]  # None makes their import fail
try:
    from dependency_injector import containers, providers
finally:
    for _name in _hidden:
        del sys.modules[_name]

__all__ = ["INTEGRATIONS", "containers", "providers"]
