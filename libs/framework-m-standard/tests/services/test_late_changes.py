"""What a hook assigns after the document is stored is not lost silently: it raises at once."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.domain.errors import ControllerError

from .orders import Hooks
from .test_hooks import prepared
from .wiring import Wired

AFTER = [
    ("create", "after_save"), ("create", "after_insert"), ("update", "after_save"), ("submit", "after_save"),
    ("cancel", "after_save"), ("delete", "before_delete"), ("delete", "after_delete"), ("purge", "before_delete"),
]  # fmt: skip


def _assigns(doc: Any) -> None:
    doc.title = "late"


def _assigns_in_a_row(doc: Any) -> None:
    doc.lines[0].text = "late"


def _removes(doc: Any) -> None:
    del doc.title


@pytest.mark.parametrize("change", [_assigns, _assigns_in_a_row, _removes])
@pytest.mark.parametrize(("action", "hook"), AFTER)
async def test_a_late_assignment_raises_at_once(shop: Wired, hooks: Hooks, action: str, hook: str, change: Any) -> None:
    write, reached = await prepared(shop, action), list[str]()
    before = await shop.dump()

    async def late(controller: Any) -> None:
        assert controller.doc.title in {"new", "changed"}
        change(controller.doc)
        reached.append(hook)

    hooks[hook] = late
    with pytest.raises(ControllerError):
        await write()
    assert reached == []
    assert await shop.dump() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda doc: doc.tags.append("late"),
        lambda doc: doc.extra.update(late=True),
        lambda doc: doc.lines.pop(),
        lambda doc: doc.lines[0].notes.append("late"),
    ],
)
@pytest.mark.parametrize(("action", "hook"), AFTER[:5])
async def test_a_list_changed_late_undoes_the_write(
    shop: Wired, hooks: Hooks, action: str, hook: str, change: Any
) -> None:
    write = await prepared(shop, action)
    before = await shop.dump()

    async def late(controller: Any) -> None:
        change(controller.doc)

    hooks[hook] = late
    with pytest.raises(ControllerError):
        await write()
    assert await shop.dump() == before


@pytest.mark.parametrize(("action", "hook"), [("submit", "on_submit"), ("cancel", "on_cancel")])
async def test_what_a_transition_sets_is_stored(shop: Wired, hooks: Hooks, action: str, hook: str) -> None:
    write = await prepared(shop, action)

    async def sets(controller: Any) -> None:
        controller.doc.remark = "set"

    hooks[hook] = sets
    done = await write()
    assert (done["remark"], done["docstatus"]) == ("set", 1 if action == "submit" else 2)
    assert await shop.stored("Order", done["id"]) == done
