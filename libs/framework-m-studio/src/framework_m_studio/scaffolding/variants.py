"""The stores that `m new app` writes apps for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["VARIANTS", "AppVariant", "VariantName"]

type VariantName = Literal["sql", "mongo"]


@dataclass(frozen=True, slots=True)
class AppVariant:
    """A store: the distributions that an app depends on, and what a person must know before the first start."""

    name: VariantName
    requires: tuple[str, ...]
    remark: str = ""


VARIANTS: Final[Mapping[VariantName, AppVariant]] = {
    "sql": AppVariant("sql", ("framework-m",)),
    "mongo": AppVariant(
        "mongo",
        ("framework-m-standard[openapi]", "framework-mx-mongo"),
        "its documents are in MongoDB: `[mongo] url` in framework_config.toml names a replica set",
    ),
}
