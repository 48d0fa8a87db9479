"""What type checkers infer for typed attributes; checked, never run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_type

from accord import TypedAttributeProvider, TypedAttributeSet, typed_attribute


class Engine(TypedAttributeSet):
    """Attributes of an engine."""

    power: int = typed_attribute()
    name: str = typed_attribute()


class Car(TypedAttributeProvider):
    """Something with attributes."""

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {Engine.power: lambda: 90, Engine.name: lambda: "V8"}


def attributes(car: Car) -> None:
    assert_type(car.extra(Engine.power), int)
    assert_type(car.extra(Engine.name), str)
    assert_type(car.extra(Engine.name, None), str | None)
