"""`configuration.md`: every setting, from the typed models of the sections."""

import inspect
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from framework_m_core.bootstrap.plugins.discovery import Discovered, discover_installed
from framework_m_core.bootstrap.settings.paths import find_leaf_fields, variable_of
from framework_m_core.bootstrap.settings.sources import gather_settings_models
from framework_m_core.cli.config import format_value
from framework_m_core.interfaces.ports import PORTS
from scripts.reference.markdown import one_line, table

__all__ = ["configuration_page", "settings_table"]

_HEAD = """# Settings

Generated from the settings models by `make reference`. [Configuration](../user/configuration.md) explains sources and
their precedence; `m config show --explain` prints the effective values with descriptions. A list in a variable is
written with commas.
"""
_TYPES = {str: "text", SecretStr: "secret text", int: "whole number", float: "number", bool: "true or false"}
_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "above"), Le: ("le", "at most"), Lt: ("lt", "below")}


def configuration_page() -> str:
    """Return the page of all sections."""
    found = discover_installed()
    lines = [_HEAD]
    for section, model in sorted(gather_settings_models(found).items()):
        lines += [f"## `[{section}]`", "", one_line(inspect.getdoc(model) or ""), ""]
        lines += _choices(found) if section == "adapters" else settings_table(section, model)
        lines.append("")
    return "\n".join(lines)


def settings_table(section: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield the table of a section's settings, each of a table by its path."""
    rows = []
    for path, info in find_leaf_fields(model):
        key = ".".join(path)
        assert info.description, f"[{section}] {key} has no description"
        variable = f"`{variable_of(section, path)}`"
        rows.append([f"`{key}`", _type(info), _default(info), variable, one_line(info.description)])
    return table(["key", "type", "default", "variable", "description"], rows)


def _default(info: FieldInfo) -> str:
    return "" if info.default is None else f"`{format_value(info.default)}`"


def _type(info: FieldInfo) -> str:
    bounds = [
        f"{word} {getattr(part, attribute)}"
        for part in info.metadata
        for kind, (attribute, word) in _BOUNDS.items()
        if isinstance(part, kind)
    ]
    return ", ".join([_named(info.annotation), *bounds])


def _named(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return " or ".join(_named(part) for part in arguments if part is not NoneType)
    if origin is Literal:
        return " or ".join(f"`{format_value(choice)}`" for choice in arguments)
    if origin is dict:
        return f"table of {_named(arguments[1])}"
    if origin is tuple:
        return f"list of {_named(arguments[0])}"
    return _TYPES[annotation]


def _choices(found: Discovered) -> Iterator[str]:
    """Yield the ports with a choice of adapters, including those for which only apps or packages offer others."""
    rows = []
    groups: dict[str, str] = {}
    for port in PORTS:
        groups.setdefault(port.key, port.group)
    for key, group in groups.items():
        names = sorted({choice.name for choice in found.find_choices(group)})
        rows.append([f"`{key}`", ", ".join(f"`{name}`" for name in names), f"`M_ADAPTERS__{key.upper()}`"])
    return table(["key", "built in", "variable"], rows)
