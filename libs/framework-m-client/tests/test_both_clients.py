"""The sync and the async client offer the same."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from framework_m_client import AsyncClient, AsyncDocTypeClient, Client, DocTypeClient

ENTERED = {"__aenter__": "__enter__", "__aexit__": "__exit__"}
PAIRS = [(Client, AsyncClient), (DocTypeClient, AsyncDocTypeClient)]


def offered(kind: type[Any]) -> Mapping[str, Any]:
    """The parameters of each public method, by its name in the sync client."""
    members = {ENTERED.get(name, name): member for name, member in vars(kind).items()}
    public = {name: member for name, member in members.items() if not name.startswith("_") or name in ENTERED.values()}
    return {
        name: [(one.name, one.kind, one.annotation) for one in inspect.signature(member).parameters.values()]
        for name, member in public.items()
        if inspect.isfunction(member)
    }


@pytest.mark.parametrize(("waiting", "awaited"), PAIRS)
def test_methods_have_the_same_parameters(waiting: type[Any], awaited: type[Any]) -> None:
    assert offered(waiting) == offered(awaited)
    assert len(offered(waiting)) >= 8


@pytest.mark.parametrize(("waiting", "awaited"), PAIRS)
def test_they_say_the_same_of_their_methods(waiting: type[Any], awaited: type[Any]) -> None:
    for name in offered(waiting):
        if not name.startswith("_"):
            assert inspect.getdoc(getattr(waiting, name)) == inspect.getdoc(getattr(awaited, name))
