"""Loads migration files, which are not modules of the app."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = ["load_file"]


def load_file(path: Path) -> ModuleType:
    """Execute a file as a module of its own and return it. Raises what it raises."""
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"expected a Python file, got {path.name}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
