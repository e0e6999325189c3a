"""`Endpoint`: a callable method or function, compiled with its permission and the model of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from framework_m_core.controllers.controller import Controller

__all__ = ["DOC_ID", "Endpoint"]

DOC_ID = "doc_id"
"""The key of the document's id in the body of a method call."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One callable. `arguments` is the model of its body; `filled` names the parameters that the framework injects.

    Without an `action`, guests may call it. A method is called on an instance of its `controller`, with or without a
    `document`.
    """

    function: Callable[..., Any]
    action: str | None
    doctype: str | None
    arguments: type[BaseModel]
    filled: Mapping[str, type]
    returns: Any
    about: str
    controller: type[Controller[Any]] | None = None
    document: bool = False
