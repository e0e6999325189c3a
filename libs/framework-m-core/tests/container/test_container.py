"""The container: one object per name, wired by parameter name, and every mistake told before anything is built."""

from __future__ import annotations

from typing import Protocol

import pytest

from framework_m_core.container.container import Container, Named
from framework_m_core.domain.errors import ConfigurationError
from tests.errors import assert_names


class Engine:
    made = 0

    def __init__(self) -> None:
        type(self).made += 1


class Diesel(Engine):
    pass


class Starts(Protocol):
    def start(self) -> None: ...


class Car:
    def __init__(self, engine: Engine, colour: str, seats: int = 4) -> None:
        self.engine = engine
        self.colour = colour
        self.seats = seats


@pytest.fixture
def container() -> Container:
    Engine.made = 0
    made = Container()
    made.bind("engine", Engine)
    made.provide("colour", "red")
    made.bind("car", Car)
    return made


def test_a_thing_is_made_once_and_only_when_it_is_asked_for(container: Container) -> None:
    assert Engine.made == 0
    car = container.get("car")
    assert (car.colour, car.seats) == ("red", 4)
    assert container.get("car") is car
    assert container.get("engine") is car.engine
    assert Engine.made == 1
    assert container.names == ("car", "colour", "engine")


def test_what_could_not_be_made_is_tried_again(container: Container) -> None:
    failures = [OSError("away")]

    def radio() -> str:
        if failures:
            raise failures.pop()
        return "music"

    container.bind("radio", radio)
    with pytest.raises(OSError, match="away"):
        container.get("radio")
    assert container.get("radio") == "music"


def test_nothing_may_stand_for_a_name_too(container: Container) -> None:
    container.provide("nothing", None)
    assert container.get("nothing") is None


def test_a_name_bound_anew_leaves_what_was_wired_before(container: Container) -> None:
    container.provide("colour", "blue")
    assert container.get("car").colour == "red"
    assert container.get("colour") == "blue"


def test_an_unknown_name_is_told_with_those_that_are_bound(container: Container) -> None:
    with pytest.raises(ConfigurationError) as refused:
        container.get("truck")
    assert_names(refused.value, "'truck'", "car, colour, engine")


def test_a_parameter_that_nothing_is_bound_to_is_told_when_it_is_bound(container: Container) -> None:
    def truck(engine: Engine, trailer: object) -> object:
        raise AssertionError("never made")

    with pytest.raises(ConfigurationError) as refused:
        container.bind("truck", truck)
    assert_names(refused.value, "truck", "parameter 'trailer'")


@pytest.mark.parametrize("wanted", [Diesel, Starts])
def test_a_parameter_of_another_type_is_told(container: Container, wanted: type) -> None:
    def truck(engine: object) -> object:
        raise AssertionError("never made")

    truck.__annotations__["engine"] = wanted
    with pytest.raises(ConfigurationError) as refused:
        container.bind("truck", truck)
    assert_names(refused.value, "'engine'", wanted.__name__, "Engine")


def test_an_override_stays_in_place_of_what_is_bound_later(container: Container) -> None:
    diesel = Diesel()
    container.override("engine", diesel)
    container.bind("engine", Engine)
    container.bind("car", Car)
    assert container.get("car").engine is diesel


def test_an_override_reaches_what_was_wired_before(container: Container) -> None:
    diesel = Diesel()
    container.override("engine", diesel)
    assert container.get("car").engine is diesel
    assert Engine.made == 0


def test_an_override_is_wired_like_what_it_replaces(container: Container) -> None:
    def painted(colour: str, coats: int) -> str:
        return f"painted {colour} {coats} times"

    container.override("gate", painted, coats=2)
    container.provide("gate", "bare")
    assert container.get("gate") == "painted red 2 times"


def test_an_override_may_wrap_the_original(container: Container) -> None:
    def tuned(original: Engine, colour: str) -> tuple[Engine, str]:
        return original, colour

    container.override("engine", tuned)
    engine, colour = container.get("engine")
    assert (type(engine), colour, Engine.made) == (Engine, "red", 1)


def test_an_argument_of_an_override_may_be_what_is_bound_to_a_name_or_a_setting(container: Container) -> None:
    container.provide_settings({"shop": {"colour": "blue"}})
    container.override(
        "colour", lambda own, shade: (own, shade), own=Named("config.shop.colour"), shade=Named("engine")
    )
    own, shade = container.get("colour")
    assert (own, shade) == ("blue", container.get("engine"))


def test_an_override_names_what_is_bound(container: Container) -> None:
    with pytest.raises(ConfigurationError) as refused:
        container.override("colour", lambda one: one, one=Named("engin"))
    assert_names(refused.value, "colour", "'engin'", "'engine'")


def test_an_override_of_another_type_is_told_where_it_is_used(container: Container) -> None:
    container.override("engine", "steam")
    with pytest.raises(ConfigurationError) as refused:
        container.bind("car", Car)
    assert_names(refused.value, "'engine'", "Engine", "str")


def test_an_override_too_late_is_refused(container: Container) -> None:
    container.get("engine")
    with pytest.raises(ConfigurationError) as refused:
        container.override("engine", Diesel)
    assert_names(refused.value, "'engine'", "in use")
    container.seal()
    with pytest.raises(ConfigurationError) as refused:
        container.override("colour", "blue")
    assert_names(refused.value, "'colour'", "in use")


def test_an_override_of_nothing_is_told_when_the_application_is_composed(container: Container) -> None:
    container.override("engin", Diesel)
    with pytest.raises(ConfigurationError) as refused:
        container.seal()
    [error] = refused.value.errors
    assert_names(error, "'engin'", "'engine'")


def test_what_was_made_is_known_each_after_what_it_was_made_from(container: Container) -> None:
    car = container.get("car")
    assert container.built == (("engine", car.engine), ("car", car))


def test_a_setting_that_is_not_there_raises(container: Container) -> None:
    container.provide_settings({"shop": {"colour": "blue"}})
    container.override("colour", lambda own: own, own=Named("config.shop.shade"))
    with pytest.raises(Exception, match=r"shop\.shade"):
        container.get("colour")


class Radio(Starts):
    """An adapter that names its port as its base, whose constructor takes any number of anything."""

    def start(self) -> None: ...


def test_a_class_without_a_constructor_of_its_own_needs_nothing(container: Container) -> None:
    container.bind("radio", Radio)
    assert isinstance(container.get("radio"), Radio)


def test_something_is_built_of_what_is_given_and_what_is_bound(container: Container) -> None:
    car = container.build(Car, colour="green")
    assert (car.colour, car.engine) == ("green", container.get("engine"))
    assert container.get("car") is not car
