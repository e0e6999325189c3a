"""An app with an empty database of its own, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.upgrade.shop import FIRST, Shop

type MakeShop = Callable[[], Shop]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture
def shop(url: str, tmp_path: Path) -> Shop:
    """The app in its first version; nothing has been run in it."""
    return Shop.new(tmp_path / "shop", url, FIRST)
