"""The difference between stored child rows and those to store."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.documents.child_rows import compare_rows

_rows = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from([0, 1, True, None, [1], [True], {"a": 1}, {"a": True}])),
    max_size=9,
    unique_by=lambda row: row[0],
).map(lambda rows: [_row(identifier, value) for identifier, value in rows])


def _row(identifier: int, value: Any = None) -> dict[str, Any]:
    return {"id": UUID(int=identifier), "value": value}


@given(_rows, _rows)
def test_the_changes_turn_the_stored_rows_into_the_given_ones(stored: list[Any], rows: list[Any]) -> None:
    changes = compare_rows(stored, rows)
    table = {row["id"]: (place, row) for place, row in enumerate(stored)}
    for identifier in changes.deleted:
        del table[identifier]
    for place, row in changes.written:
        assert row["id"] not in table
        table[row["id"]] = (place, row)
    found = [row for _, row in sorted(table.values(), key=lambda item: item[0])]
    assert repr(found) == repr(rows)
    assert compare_rows(rows, rows) == ([], [])


@pytest.mark.parametrize(
    ("stored", "rows", "deleted", "written"),
    [
        ([], [_row(1)], [], [0]),
        ([_row(1), _row(2)], [_row(1), _row(2, 5)], [2], [1]),
        ([_row(1), _row(2)], [_row(1)], [2], []),
        ([_row(1), _row(2)], [_row(1), _row(2), _row(3)], [], [2]),
        ([_row(1, [1])], [_row(1, [True])], [1], [0]),
    ],
)
def test_only_what_differs_is_written(stored: Any, rows: Any, deleted: list[int], written: list[int]) -> None:
    changes = compare_rows(stored, rows)
    assert changes.deleted == [UUID(int=number) for number in deleted]
    assert [place for place, _ in changes.written] == written
