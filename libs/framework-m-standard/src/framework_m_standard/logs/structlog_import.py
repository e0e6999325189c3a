"""Import structlog without its optional traceback printers, which take longer to import than the rest of it."""

from __future__ import annotations

import sys
from typing import Final

OPTIONAL: Final = ("better_exceptions", "colorama", "rich")
"""Optional modules that structlog tries to import. Their tracebacks show local variables, which may be secret."""

_hidden = [name for name in OPTIONAL if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]  # None makes their import fail
try:
    import structlog
finally:
    for _name in _hidden:
        del sys.modules[_name]

__all__ = ["OPTIONAL", "structlog"]
