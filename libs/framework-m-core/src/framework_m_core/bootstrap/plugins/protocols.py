"""Comparison of an adapter's class with the protocol of its port, without making an instance."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter
from typing import Any, Final

__all__ = ["compare_with_protocol"]

_POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_NAMED: Final = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def compare_with_protocol(adapter: type, protocol: type) -> Iterator[str]:
    """Yield what is wrong with the methods of an adapter: missing ones, other parameters, and missing `async`.

    Attributes that are not methods are not looked at, since instances may have them.
    """
    for name in sorted(getattr(protocol, "__protocol_attrs__", ())):
        wanted, found = getattr(protocol, name, None), getattr(adapter, name, None)
        if not inspect.isfunction(wanted):
            continue
        if not callable(found):
            yield f"expected a method {name}{_parameters(wanted)}, got none"
        elif inspect.isfunction(inspect.getattr_static(adapter, name)):  # others bind or show no parameters
            yield from _compare(name, wanted, found)


def _compare(name: str, wanted: Callable[..., Any], found: Callable[..., Any]) -> Iterator[str]:
    if inspect.iscoroutinefunction(wanted) and not _is_awaitable(found):
        yield f"expected async def {name}, got def {name}"
    if not _accepts(wanted, found):
        yield f"expected {name}{_parameters(wanted)}, got {name}{_parameters(found)}"


def _is_awaitable(found: Callable[..., Any]) -> bool:
    """Return whether a call may be awaited: a plain function may return a coroutine, unless it says otherwise."""
    returns = inspect.signature(found).return_annotation
    return inspect.iscoroutinefunction(found) or "Awaitable" in str(returns) or "Coroutine" in str(returns)


def _accepts(wanted: Callable[..., Any], found: Callable[..., Any]) -> bool:
    """Return whether a function takes each call that the wanted one takes."""
    signature = inspect.signature(found)
    parameters = [one for name, one in inspect.signature(wanted).parameters.items() if name != "self"]
    for count in range(len(parameters) + 1):  # the first ones by position, the others by name
        first, rest = parameters[:count], parameters[count:]
        if any(one.kind not in _POSITIONAL for one in first) or any(one.kind not in _NAMED for one in rest):
            continue
        for named in (rest, [one for one in rest if one.default is one.empty]):
            try:
                signature.bind(None, *(None for _ in first), **{one.name: None for one in named})
            except TypeError:
                return False
    return True


def _parameters(function: Callable[..., Any]) -> str:
    names = [
        f"{one}" if one.kind in {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD} else one.name + ("=…" * _has(one))
        for one in inspect.signature(function).parameters.values()
        if one.name != "self"
    ]
    return f"({', '.join(names)})"


def _has(parameter: Parameter) -> bool:
    return parameter.default is not Parameter.empty
