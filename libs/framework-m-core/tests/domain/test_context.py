"""What a context says of the unit of work that it is inside of."""

from __future__ import annotations

from typing import cast

import pytest

from framework_m_core.domain.context import Principal, RequestContext, UnitView


def test_a_context_inside_a_unit_gives_it_and_another_refuses() -> None:
    context, unit = RequestContext(Principal("ada")), cast(UnitView, object())
    assert context.within(unit).require_unit() is unit
    with pytest.raises(LookupError):
        context.require_unit()
