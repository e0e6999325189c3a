"""`ExtNamespace`: the models by which a package validates its options under `ext` of DocTypes and fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["ExtNamespace", "validate_ext"]


@dataclass(frozen=True, slots=True)
class ExtNamespace:
    """A key of `ext` in `class Meta` and `Field`, with the model of the options below it; None if there are none."""

    name: str
    doctype: type[BaseModel] | None = None
    field: type[BaseModel] | None = None


def validate_ext(
    stated: Mapping[str, Any], models: Mapping[str, type[BaseModel] | None], errors: list[str]
) -> dict[str, Any]:
    """Return the options of each namespace as JSON, with defaults; append an error for each that is invalid.

    `models` has all namespaces, with None for those without options in this place.
    """
    found: dict[str, Any] = {}
    for namespace, options in stated.items():
        model = models.get(namespace)
        if namespace not in models:
            known = ", ".join(sorted(models)) or "none, since no installed package registers one"
            meant = did_you_mean(namespace, models) or f": expected one of {known}"
            errors.append(f"ext has no namespace {namespace!r}{meant}")
        elif model is None:
            errors.append(f"ext: {namespace!r} has no options here")
        else:
            unknown = [*_unknown_options(model, options)]
            errors += [f"ext.{namespace}.{text}" for text in unknown]
            try:
                found[namespace] = model.model_validate(options).model_dump(mode="json")
            except ValidationError as error:
                errors += [f"ext.{namespace}{text}" for text in _option_errors(error)]
    return found


def _unknown_options(model: type[BaseModel], options: Any) -> Iterator[str]:
    """Yield an error for each option that the model does not have, even if the model itself ignores such options."""
    if not isinstance(options, Mapping) or model.model_config.get("extra") == "allow":
        return
    for name in options:
        if name not in model.model_fields:
            meant = did_you_mean(name, model.model_fields) or f": expected one of {', '.join(model.model_fields)}"
            yield f"{name}: there is no such option{meant}"


def _option_errors(error: ValidationError) -> Iterator[str]:
    for details in error.errors(include_url=False):
        if details["type"] != "extra_forbidden":
            path = "".join(f".{part}" for part in details["loc"])
            yield f"{path}: {details['msg'].removeprefix('Value error, ')}"
