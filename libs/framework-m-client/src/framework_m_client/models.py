"""Decoding of documents into the caller's types, by pydantic if it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast, is_typeddict

try:
    from pydantic import TypeAdapter
except ImportError:
    TypeAdapter = None  # type: ignore[assignment,misc]

__all__ = ["Decoder", "decoder_of"]

type Decoder[T] = Callable[[Mapping[str, Any]], T]


def decoder_of[T](model: type[T]) -> Decoder[T]:
    """Return what makes a `model` of a served document. A TypedDict is only a type: its documents stay as served.

    Raises TypeError for another type unless pydantic is installed.
    """
    if is_typeddict(model) or model is dict:
        return lambda document: cast("T", document)
    if TypeAdapter is None:
        raise TypeError(
            f"expected pydantic to be installed for documents as {model.__name__}, but it is not: "
            "install framework-m-client[models], or give a TypedDict"
        )
    return TypeAdapter(model).validate_python
