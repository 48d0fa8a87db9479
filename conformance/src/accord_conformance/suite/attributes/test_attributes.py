"""Typed attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from accord import TypedAttributeLookupError, TypedAttributeProvider, TypedAttributeSet, typed_attribute
from accord_conformance.helpers import rule

if TYPE_CHECKING:
    from fractions import Fraction


class Facts(TypedAttributeSet):
    """Some facts."""

    count: int = typed_attribute()
    nothing: None = typed_attribute()
    failing: str = typed_attribute()
    unknown: Fraction = typed_attribute()
    _private = 5


class Provider(TypedAttributeProvider):
    """Knows some of them."""

    def __init__(self) -> None:
        self.counted = 0

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Return what it knows."""
        return {Facts.count: self.count, Facts.nothing: lambda: None, Facts.failing: self.fail}

    def count(self) -> int:
        """Return how often it was asked."""
        self.counted += 1
        return self.counted

    def fail(self) -> str:
        """Fail with the kind of error that a lookup may raise."""
        raise TypedAttributeLookupError("something else")


@rule("ATTR-1")
def test_values() -> None:
    """The value is asked for each time; a default counts only where there is no attribute."""
    provider = Provider()
    assert [provider.extra(Facts.count), provider.extra(Facts.count, 10)] == [1, 2]
    assert provider.extra(Facts.nothing, "default") is None
    assert provider.extra(Facts.unknown, None) is None
    assert provider.extra(Facts.unknown, "default") == "default"
    for default in ((), (5,)):
        with pytest.raises(TypedAttributeLookupError, match="something else"):
            provider.extra(Facts.failing, *default)


@rule("ATTR-1")
def test_unknown_attributes() -> None:
    """The error names the class and the attribute."""
    with pytest.raises(TypedAttributeLookupError, match=r"Provider has no Facts\.unknown") as caught:
        Provider().extra(Facts.unknown)
    assert isinstance(caught.value, LookupError)
    with pytest.raises(TypedAttributeLookupError, match="Provider"):
        Provider().extra(typed_attribute())
    assert TypedAttributeProvider().extra_attributes == {}


@rule("ATTR-1")
def test_markers_differ() -> None:
    """Each marker is equal to itself only, and can be a key."""
    markers = [typed_attribute() for _ in range(5)]
    assert len(set(markers)) == len(markers)
    assert markers[0] != markers[1]


@rule("ATTR-2")
def test_fields_without_annotation() -> None:
    """A field without an annotation is refused when the class is made, also in a subclass."""
    for base in (TypedAttributeSet, Facts):
        with pytest.raises(TypeError, match=r"Wrong\.forgotten"):
            type("Wrong", (base,), {"forgotten": typed_attribute(), "__annotations__": {"other": "int"}})
    right = type("Right", (Facts,), {"more": typed_attribute(), "__annotations__": {"more": "Unheard"}, "_own": 3})
    assert TypedAttributeProvider().extra(right.more, 4) == 4  # type: ignore[attr-defined]
