"""The values of all sections as their sources give them, and the origin of each leaf."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framework_m_core.bootstrap.settings.paths import (
    KeyPath,
    field_of,
    find_leaf_values,
    find_named_fields,
    format_path,
)
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["SettingValues"]

_VARIABLE = re.compile(r"\$\{(\w+)\}")


class SettingValues:
    """Tables of values by section. A path begins with the section."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        self.origins: dict[KeyPath, str] = {}
        self.dropped: set[KeyPath] = set()

    def set(self, path: KeyPath, value: Any, origin: str) -> None:
        """Set a value or a table in place of what was there.

        Raises ConfigurationError if the path leads through a value that is not a table.
        """
        table: dict[str, Any] = self.tables
        for position, key in enumerate(path[:-1], 1):
            below = table.setdefault(key, {})
            if not isinstance(below, dict):
                section, *keys = path[:position]
                raise ConfigurationError(
                    f"{origin}: {self.origin_of(path[:position])} sets [{section}] {format_path((*keys,))} to a value: "
                    "expected a table"
                )
            table = below
        table[path[-1]] = value
        self.origins = {known: where for known, where in self.origins.items() if known[: len(path)] != path}
        self.origins |= dict.fromkeys((known for known, _ in find_leaf_values({path[-1]: value}, path[:-1])), origin)

    def origin_of(self, path: KeyPath) -> str:
        """Return where a value comes from; for a table, where one of its values does."""
        return next((where for known, where in self.origins.items() if known[: len(path)] == path), "default")

    def spell(self, section: str, keys: KeyPath, model: Any) -> KeyPath:
        """Return the path of lower-case keys, each spelled as it is set already, or as the model has it."""
        path: list[str] = [section]
        table, annotation = self.tables.get(section), model
        for key in keys:
            known = table if isinstance(table, dict) else {}
            path.append(next((one for one in (*known, *find_named_fields(annotation)) if one.lower() == key), key))
            table, info = known.get(path[-1]), field_of(annotation, path[-1])
            annotation = None if info is None else info.annotation
        return tuple(path)

    def expand(self, environment: Mapping[str, str]) -> Iterator[str]:
        """Replace `${NAME}`, and yield an error for each unset variable, whose setting is dropped."""
        for path, value in [*find_leaf_values(self.tables)]:
            missing: list[str] = []
            expanded = _expand_value(value, environment, missing)
            section, *keys = path
            for name in missing:
                yield f"[{section}] {format_path((*keys,))}: the environment variable {name} is not set"
            table: Any = self.tables
            for key in path[:-1]:
                table = table[key]
            if missing:
                del table[path[-1]]
                self.dropped.add(path)
            else:
                table[path[-1]] = expanded


def _expand_value(value: Any, environment: Mapping[str, str], missing: list[str]) -> Any:
    """Return a value with variables replaced at any depth, appending the names of unset ones to `missing`."""
    if isinstance(value, list):
        return [_expand_value(item, environment, missing) for item in value]
    if isinstance(value, dict):
        return {name: _expand_value(item, environment, missing) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    unset = [name for name in _VARIABLE.findall(value) if name not in environment]
    missing += unset
    return value if unset else _VARIABLE.sub(lambda found: environment[found[1]], value)
