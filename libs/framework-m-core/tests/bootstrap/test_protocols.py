"""The class of an adapter is compared with the protocol of its port before an instance is made."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any, Protocol

import pytest

from framework_m_core.bootstrap.plugins.protocols import compare_with_protocol


class Store(Protocol):
    size: int

    async def put(self, key: str, value: int = 0, *, ttl: float | None = None) -> None: ...

    def name(self) -> str: ...


class _Named:
    def name(self) -> str:
        return ""


class _Fits(_Named):
    async def put(self, key: str, value: int = 0, *, ttl: float | None = None) -> None: ...


class _TakesKeysByPosition:
    def put(self, key: str, value: int = 0, /, *more: int, **named: Any) -> Awaitable[None]:
        raise NotImplementedError

    def name(self, style: str = "long") -> str:
        return ""


class _ByName(_Named):
    async def put(self, key: str, value: int = 0, more: bool = False, ttl: float | None = None) -> None: ...


class _ByCoroutine(_Named):
    def put(self, key: str, value: int = 0, *, ttl: float | None = None) -> Coroutine[Any, Any, None]:
        raise NotImplementedError


class _IsStatic(_Named):
    @staticmethod
    async def put(key: str, value: int = 0, *, ttl: float | None = None) -> None: ...


class _IsOpaque:
    put = name = type


class _Lacks:
    def name(self) -> str:
        return ""


class _IsNoMethod:
    name = "store"

    async def put(self, key: str, value: int = 0, *, ttl: float | None = None) -> None: ...


class _Waits(_Named):
    def put(self, key: str, value: int = 0, *, ttl: float | None = None) -> None: ...


class _Renames(_Named):
    async def put(self, name: str, value: int = 0, *, ttl: float | None = None) -> None: ...


class _Reorders(_Named):
    async def put(self, value: int, key: str = "", *, ttl: float | None = None) -> None: ...


class _RequiresMore(_Named):
    async def put(self, key: str, value: int = 0, *, ttl: float | None = None, region: str) -> None: ...


class _RequiresWhatIsOptional(_Named):
    async def put(self, key: str, value: int, *, ttl: float | None = None) -> None: ...


class _TakesLess(_Named):
    async def put(self, key: str, value: int = 0) -> None: ...


@pytest.mark.parametrize("adapter", [_Fits, _ByName, _ByCoroutine, _IsStatic, _IsOpaque])
def test_an_adapter_with_the_methods_of_its_port_is_taken(adapter: type) -> None:
    assert list(compare_with_protocol(adapter, Store)) == []


@pytest.mark.parametrize(
    ("adapter", "methods"),
    [
        (_Lacks, ["put"]),
        (_IsNoMethod, ["name"]),
        (_Waits, ["put"]),
        (_Renames, ["put"]),
        (_Reorders, ["put"]),
        (_RequiresMore, ["put"]),
        (_RequiresWhatIsOptional, ["put"]),
        (_TakesLess, ["put"]),
        (_TakesKeysByPosition, ["put"]),
        (object, ["name", "put"]),
    ],
)
def test_each_difference_is_told_with_the_method(adapter: type, methods: list[str]) -> None:
    errors = list(compare_with_protocol(adapter, Store))
    assert [one for one in ("name", "put") if any(f"{one}(" in error or f"def {one}" in error for error in errors)] == (
        methods
    )
    assert len(errors) == len(methods)
