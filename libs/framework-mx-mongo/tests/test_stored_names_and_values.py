"""What migrations look for among the stored values and collections of MongoDB."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.domain.documents.reserved_names import FRAMEWORK_TABLES
from framework_m_core.domain.fields.field import Field
from framework_mx_mongo.documents.indexes import FRAMEWORK_INDEXES
from framework_mx_mongo.schema.recorder import RECORDS

from .migrating import Opened, plain


@pytest.mark.parametrize("stricter", [Field(le=2), Field(multiple_of=5)])
async def test_refused_values_are_counted_over_ranges_of_documents(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, stricter: Any
) -> None:
    """Each aggregation reads some documents only, whose counts and names are put together."""
    monkeypatch.setattr("framework_mx_mongo.migrations.unfit_values._RANGE", 2)
    async with opened(plain(code=(int,))) as app:
        await app.change("first")
        for name in "gfedcba":
            await app.store.store("Plain", name=name, code=7)
        await app.store.store("Plain", name="0", code=0)
    async with opened(plain(code=(int, stricter))) as app:
        (line,) = (await app.migrations.status()).unfit
        assert line.startswith("7 documents of Plain hold a code ") and line.endswith(", such as in a, b, c")


async def test_every_collection_of_the_framework_is_reserved(opened: Opened) -> None:
    """Names of DocTypes hold no underscore, so only other names have to be in the list."""
    async with opened(plain(code=(int, 1))) as app:
        await app.change("first")
        await app.store.store("Plain", code=2)
        found = {*await app.driver.database.list_collection_names(), *FRAMEWORK_INDEXES} - {"Plain"}
    assert RECORDS in found
    assert {name.lower() for name in found if "_" not in name} <= FRAMEWORK_TABLES
