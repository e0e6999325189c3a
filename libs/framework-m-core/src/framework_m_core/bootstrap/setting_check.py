"""Whether one setting may have a value, before anybody writes it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pydantic
from pydantic import BaseModel, SecretStr

from framework_m_core.bootstrap.binding import installed_variants, resolve_bindings
from framework_m_core.bootstrap.discovery import Discovered
from framework_m_core.bootstrap.settings import settings_models, typed
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["check_setting", "is_secret", "model_of"]

_CHOICES = "adapters"


def model_of(discovered: Discovered, section: str, key: str) -> type[BaseModel]:
    """The model that has a setting. Raises ConfigurationError, with what was probably meant."""
    models = settings_models(discovered)
    model = models.get(section)
    if model is None:
        raise ConfigurationError(f"there is no section [{section}]{_meant(section, models)}")
    if section != _CHOICES and key not in model.model_fields:
        raise ConfigurationError(f"[{section}] has no setting {key!r}{_meant(key, model.model_fields)}")
    return model


def is_secret(discovered: Discovered, section: str, key: str) -> bool:
    """Whether a setting is one that nobody but the process should see. Raises ConfigurationError as `model_of`."""
    info = model_of(discovered, section, key).model_fields.get(key)
    return info is not None and SecretStr in (info.annotation, *get_args(info.annotation))


def check_setting(
    discovered: Discovered, section: str, key: str, value: str | Sequence[str], *, shown: object = None
) -> Any:
    """The value that a text means, read as the environment's is.

    Raises ConfigurationError: what was expected, and what came, or what is `shown` in its place.
    """
    model = model_of(discovered, section, key)
    try:
        checked = model.model_validate({key: typed(model, key, value)})
    except pydantic.ValidationError as error:
        said = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise ConfigurationError(f"[{section}] {key}: {said}; {value if shown is None else shown!r} came") from error
    if section == _CHOICES:
        resolve_bindings({key: str(value)}, installed_variants(discovered), discovered)
        return value
    return getattr(checked, key)


def _meant(word: str, known: Mapping[str, object]) -> str:
    return did_you_mean(word, known) or f": known are {', '.join(sorted(known))}"
