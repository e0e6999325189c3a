"""Validation of a single setting before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pydantic
from pydantic import BaseModel, SecretStr
from pydantic_core import ErrorDetails

from framework_m_core.bootstrap.plugins.binding import installed_variants, resolve_bindings
from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.bootstrap.settings.sources import settings_models, typed
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["check_setting", "is_secret", "model_of"]

_CHOICES = "adapters"
_OWN_WORDS = {"assertion_error", "value_error"}


def model_of(discovered: Discovered, section: str, key: str) -> type[BaseModel]:
    """Return the model of a setting. Raises ConfigurationError with a suggestion for an unknown one."""
    models = settings_models(discovered)
    model = models.get(section)
    if model is None:
        raise ConfigurationError(f"there is no section [{section}]{_meant(section, models)}")
    if section != _CHOICES and key not in model.model_fields:
        raise ConfigurationError(f"[{section}] has no setting {key!r}{_meant(key, model.model_fields)}")
    return model


def is_secret(discovered: Discovered, section: str, key: str) -> bool:
    """Return whether a setting is secret. Raises ConfigurationError as `model_of` does."""
    info = model_of(discovered, section, key).model_fields.get(key)
    return info is not None and SecretStr in (info.annotation, *get_args(info.annotation))


def check_setting(
    discovered: Discovered, section: str, key: str, value: str | Sequence[str], *, given: str | None = None
) -> Any:
    """Return the value of a text, parsed like an environment variable.

    `given` is the original text if it contained variables; error messages then hide their values, and secrets always.
    Raises ConfigurationError stating what was expected.
    """
    model = model_of(discovered, section, key)
    hidden = given is not None or is_secret(discovered, section, key)
    try:
        checked = model.model_validate({key: typed(model, key, value)})
        if section == _CHOICES:
            resolve_bindings({key: str(value)}, installed_variants(discovered), discovered)
    except pydantic.ValidationError as error:
        message = "; ".join(_message(fault, model, key, hidden) for fault in error.errors())
        got = f", got {given if hidden else value!r}" if given or not hidden else ""
        raise ConfigurationError(f"[{section}] {key}: {message.removesuffix(got)}{got}") from (
            None if hidden else error
        )
    except ConfigurationError:
        if not hidden:
            raise
        raise ConfigurationError(f"[{section}] {key}: {given} does not name an installed adapter") from None
    return value if section == _CHOICES else getattr(checked, key)


def _message(fault: ErrorDetails, model: type[BaseModel], key: str, hidden: bool) -> str:
    """Return the error message; for a hidden value, a validator's own is replaced, as it may contain the value."""
    if hidden and fault["type"] in _OWN_WORDS:
        info = model.model_fields.get(key)
        return f"expected a value for: {info.description}" if info and info.description else "the value is not valid"
    return fault["msg"].removeprefix("Value error, ")


def _meant(word: str, known: Mapping[str, object]) -> str:
    return did_you_mean(word, known) or f": expected one of {', '.join(sorted(known))}"
