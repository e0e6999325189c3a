"""The app and its people, as the tests use them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from framework_m_testing.apps import AppClient, open_app
from framework_m_testing.people import TestUser


@pytest.fixture
async def app() -> AsyncIterator[AppClient]:
    """The app on an empty store in memory."""
    async with open_app(Path(__file__).parents[1]) as opened:
        yield opened


@pytest.fixture
def ada(app: AppClient) -> TestUser:
    """Somebody with todos of her own."""
    return app.user("Todo User")


@pytest.fixture
def bob(app: AppClient) -> TestUser:
    """Somebody else."""
    return app.user("Todo User")
