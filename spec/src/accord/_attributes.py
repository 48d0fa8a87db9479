"""Typed attributes: facts about an object that are looked up by a marker and keep their type (area ATTR)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from .exceptions import TypedAttributeLookupError

T = TypeVar("T")
D = TypeVar("D")

_NO_DEFAULT: Any = object()


class _Marker:
    """Stands for one attribute; is called as the class attribute that it is, which errors say."""

    __slots__ = ("_name",)

    def __init__(self) -> None:
        self._name = "typed attribute of this marker"

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"{owner.__qualname__}.{name}"

    def __repr__(self) -> str:
        return self._name


def typed_attribute() -> Any:
    """Return a new marker, to be the value of an annotated field of a ``TypedAttributeSet`` (ATTR-1, ATTR-2)."""
    return _Marker()


def _annotated(cls: type) -> Mapping[str, object]:
    """Return the annotations of a class itself, without working them out."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(cls, format=Format.FORWARDREF)
    found: Mapping[str, object] = vars(cls).get("__annotations__", {})
    return found


class TypedAttributeSet:
    """A class whose fields are markers of typed attributes, each with its type (ATTR-2).

    A field that has no annotation is a ``TypeError`` when the class is made: its type would be lost.
    """

    def __init_subclass__(cls) -> None:
        annotations = _annotated(cls)
        for name in vars(cls):
            if not name.startswith("_") and name not in annotations:
                raise TypeError(f"{cls.__qualname__}.{name} needs an annotation, which says the attribute's type")


class TypedAttributeProvider:
    """Something that has typed attributes."""

    __slots__ = ()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """A mapping of the markers that this object knows to functions that return their values."""
        return {}

    @overload
    def extra(self, attribute: T, /) -> T: ...
    @overload
    def extra(self, attribute: T, default: D, /) -> T | D: ...
    def extra(self, attribute: Any, default: Any = _NO_DEFAULT, /) -> Any:
        """Return the value of an attribute, or ``default`` (ATTR-1).

        :param attribute: a marker, such as ``SocketAttribute.remote_address``.

        Raises ``TypedAttributeLookupError``, with the name of the attribute, if the object has no such one and there is
        no default.
        """
        getter = self.extra_attributes.get(attribute)
        if getter is not None:
            return getter()
        if default is _NO_DEFAULT:
            raise TypedAttributeLookupError(f"a {type(self).__name__} has no {attribute!r}")
        return default
