"""Overrides that modules record while they are imported, and the applications in which they count."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.container.container import Container, Override
from framework_m_core.container.recorder import OverrideRecorder, RecordedOverride
from framework_m_core.domain.errors import ConfigurationError
from tests.errors import assert_names

PORTS = {"wms.ledger": "ledger"}


class Ledger:
    def __init__(self, bus: Any) -> None:
        self.bus = bus


class Bus:
    name = "the bus"


def _asked_for(recorder: OverrideRecorder, module: str, line: str) -> None:
    exec(line, {"__name__": module, "container": recorder, "Ledger": Ledger})


def _container() -> Container:
    container = Container()
    container.bind("bus", Bus)
    container.provide("ledger", "the default")
    return container


def _replayed(recorder: OverrideRecorder, *apps: str, **taken: str) -> Container:
    container = _container()
    recorder.replay(container, {app: app in apps for app in ("shop", "todo", "umbrella")}, PORTS, taken)
    return container


@pytest.mark.parametrize(
    "line",
    [
        "container.wms.ledger.override(Ledger(bus=container.bus()))",
        "container.wms.ledger.override(Ledger, bus=container.bus)",
        "container.wms.ledger.override(Ledger)",
        "container.ledger.override(Ledger)",
    ],
)
def test_an_override_is_written_as_it_reads(line: str) -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "umbrella.wiring", line)
    ledger = _replayed(recorder, "umbrella").get("ledger")
    assert isinstance(ledger, Ledger)
    assert ledger.bus.name == "the bus"


def test_an_override_counts_where_its_app_takes_part() -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "umbrella.wiring", "container.ledger.override('umbrella')")
    _asked_for(recorder, "shop", "container.ledger.override('shop')")
    assert _replayed(recorder, "shop").get("ledger") == "shop"
    assert _replayed(recorder, "umbrella").get("ledger") == "umbrella"
    assert _replayed(recorder, "todo").get("ledger") == "the default"


def test_an_override_outside_of_any_app_counts_everywhere() -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "__main__", "container.ledger.override('everywhere')")
    assert _replayed(recorder, "shop").get("ledger") == "everywhere"


def test_the_last_override_of_a_module_counts() -> None:
    recorder = OverrideRecorder()
    for value in ("first", "last"):
        _asked_for(recorder, "shop", f"container.ledger.override({value!r})")
    assert _replayed(recorder, "shop").get("ledger") == "last"


def test_two_apps_that_override_one_provider_are_told() -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "shop", "container.ledger.override('shop')")
    _asked_for(recorder, "umbrella", "container.wms.ledger.override('umbrella')")
    with pytest.raises(ConfigurationError) as refused:
        _replayed(recorder, "shop", "umbrella")
    assert_names(refused.value, "'ledger'", "shop", "umbrella")


def test_a_module_and_an_entry_point_that_override_one_provider_are_told() -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "shop", "container.ledger.override('shop')")
    with pytest.raises(ConfigurationError) as refused:
        _replayed(recorder, "shop", ledger="acme-ledger")
    assert_names(refused.value, "'ledger'", "acme-ledger", "shop")


def test_a_port_that_no_app_declares_is_told() -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "shop", "container.wms.leger.override('shop')")
    with pytest.raises(ConfigurationError) as refused:
        _replayed(recorder, "shop")
    assert_names(refused.value, "container.wms.leger", "'wms.ledger'")


def test_a_stand_in_needs_one_open_application() -> None:
    recorder = OverrideRecorder()
    bus: Any = recorder.bus()
    with pytest.raises(ConfigurationError, match="got 0; override"):
        _ = bus.name
    first, second = _replayed(recorder, "shop"), _replayed(recorder, "shop")
    with pytest.raises(ConfigurationError, match="got 2; override"):
        _ = bus.name
    recorder.forget(first)
    assert bus.name == second.get("bus").name


def test_an_override_can_be_taken_back() -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "__main__", "container.ledger.override('everywhere')")
    recorder.ledger.reset_override()
    assert _replayed(recorder, "shop").get("ledger") == "the default"


def test_private_names_are_no_providers() -> None:
    recorder = OverrideRecorder()
    assert not hasattr(recorder, "__wrapped__")
    assert not hasattr(recorder.wms, "_private")
    assert repr(recorder.wms.ledger) == "<provider wms.ledger>"


def test_what_was_recorded_can_be_looked_at() -> None:
    recorder = OverrideRecorder()
    _asked_for(recorder, "shop", "container.ledger.override('shop')")
    assert recorder.recorded == (RecordedOverride("ledger", "shop", Override("shop")),)
