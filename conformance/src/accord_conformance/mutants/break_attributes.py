"""Mutants of typed attributes."""

from __future__ import annotations

from typing import Any

from accord import TypedAttributeLookupError, TypedAttributeProvider, TypedAttributeSet, _attributes

from .making import Broken, mutant, replace

Provider: Any = TypedAttributeProvider


@mutant("ATTR-1")
def error_does_not_name_the_attribute(_: Broken) -> None:
    """The error says that there is no such attribute, and not which."""

    def describe(_marker: Any) -> str:
        return "such attribute"

    replace(_attributes._Marker, __repr__=describe)


@mutant("ATTR-1")
def default_hides_failures(_: Broken) -> None:
    """A default counts also where the attribute's function fails."""

    def extra(provider: Any, attribute: Any, *default: Any) -> Any:
        try:
            return provider.extra_attributes[attribute]()
        except LookupError:
            if default:
                return default[0]
            raise TypedAttributeLookupError(f"a {type(provider).__name__} has no {attribute!r}") from None

    replace(Provider, extra=extra)


@mutant("ATTR-2")
def annotations_are_not_needed(_: Broken) -> None:
    """Fields need no annotation."""

    def nothing(_: type) -> None:
        """Look at nothing."""

    replace(TypedAttributeSet, __init_subclass__=classmethod(nothing))
