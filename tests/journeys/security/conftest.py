"""The callers of the shared CRM. Whatever they are answered is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import _product
from tests.journeys.product import Product
from tests.journeys.security.gate import SECRET
from tests.journeys.security.responses import HOOKS


def _caller(name: str) -> Callable[..., Any]:
    @pytest.fixture(scope="session", name=name)
    def caller(crm: Product) -> Iterator[httpx.Client]:
        with crm.client(None if name == "anonymous" else name, event_hooks=HOOKS) as client:
            yield client

    return caller


admin = _caller("admin")
manager = _caller("manager")
alice = _caller("alice")
bob = _caller("bob")
nobody = _caller("nobody")
anonymous = _caller("anonymous")


@pytest.fixture(scope="session")
def clients(
    admin: httpx.Client, manager: httpx.Client, alice: httpx.Client, bob: httpx.Client, nobody: httpx.Client
) -> Mapping[str, httpx.Client]:
    """All who have logged in, by name."""
    return {"admin": admin, "manager": manager, "alice": alice, "bob": bob, "nobody": nobody}


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for what must hold within a second, as a revocation does; a busy machine takes longer to answer."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 3
        while not holds():
            assert time.monotonic() < deadline, "it took much more than a second"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def gate(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A CRM of its own for attacks on logins: its secret is known, and one address may fail as often as it likes."""
    with _product(store, tmp_path_factory.mktemp(f"gate-{store}")) as product:
        product.environment |= {"M_AUTH__SECRET": SECRET, "M_AUTH__MAX_LOGIN_FAILURES_PER_ADDRESS": "1000000"}
        product.create_users({"admin": ("Administrator",), "alice": ("Sales User",), "bob": ("Sales User",)})
        product.start()
        yield product
