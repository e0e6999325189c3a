"""Loading of the field types, actions and `ext` namespaces that installed packages and the local app declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.ext import ExtNamespace
from framework_m_core.domain.fields.field_type import FieldType
from framework_m_core.registry.extensions import Extensions

__all__ = ["ACTIONS", "EXT", "FIELD_TYPES", "load_extensions"]

FIELD_TYPES: Final = "framework_m.field_types"
ACTIONS: Final = "framework_m.actions"
EXT: Final = "framework_m.ext"


def load_extensions(discovered: Discovered) -> Extensions:
    """Load all that packages declare. Raises ConfigurationError listing every error."""
    errors: list[str] = []
    field_types = [*_load(discovered, FIELD_TYPES, FieldType, errors)]
    actions = [*_load(discovered, ACTIONS, Action, errors)]
    namespaces = [*_load(discovered, EXT, ExtNamespace, errors)]
    if errors:
        raise ConfigurationError("the extensions of packages could not be loaded:", errors)
    return Extensions(tuple(field_types), tuple(actions), tuple(namespaces))


def _load(discovered: Discovered, group: str, expected: type[Any], errors: list[str]) -> Iterator[Any]:
    for choice in discovered.find_choices(group):
        try:
            found = discovery.load(choice)
            # An abstract class cannot be made, which says what it lacks.
            made = found() if isinstance(found, type) and issubclass(found, expected) else found
        except (ConfigurationError, TypeError) as error:
            errors.append(f"{_place(group, choice)}: {error}")
            continue
        if not isinstance(made, expected):
            errors.append(f"{_place(group, choice)}: expected {expected.__name__}, got {choice.value!r}")
        elif (name := getattr(made, "name", None)) != choice.name:
            errors.append(f"{_place(group, choice)}: expected the entry point's name, got {name!r}")
        else:
            yield made


def _place(group: str, choice: Choice) -> str:
    return f"{choice.name!r} of {choice.distribution} in {group}"
