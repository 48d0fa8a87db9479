"""Comparing signatures at run time, for authors who use no type checker.

Every way in which a Protocol lets a member be called is tried on the signature of the backend's member. Types of
arguments are not compared; that is what checkers are for.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from inspect import Parameter, Signature
from typing import Any

from .subjects import Subject

_BASE = ("__init__", "__new__", "__class_getitem__", "__init_subclass__", "__subclasshook__")


def members_of(protocol: type[Any]) -> dict[str, Any]:
    """Return the members that a Protocol declares, with those of the Protocols that it inherits."""
    members: dict[str, Any] = {}
    for cls in protocol.__mro__:
        if getattr(cls, "_is_protocol", False):
            for name, member in vars(cls).items():
                if name not in _BASE and (callable(member) or isinstance(member, property)):
                    members.setdefault(name, member)
    return members


def compare(subject: Subject) -> list[str]:
    """Return what is wrong with a backend's object, a sentence for each member."""
    return [
        mistake for name, member in members_of(subject.protocol).items() for mistake in _compare(subject, name, member)
    ]


def _compare(subject: Subject, name: str, wanted: Any) -> Iterator[str]:
    if not hasattr(subject.cls, name) and not hasattr(subject.found, name):
        yield f"{name} is missing"
        return
    static = inspect.getattr_static(subject.found, name, None)
    if isinstance(wanted, property):
        if inspect.isroutine(static):
            yield f"{name} is a method and should be an attribute"
        elif wanted.fset is not None and isinstance(static, property) and static.fset is None:
            yield f"{name} cannot be assigned"
        return
    if isinstance(static, property):
        # Asking for its value may do anything; what it is annotated with is the checkers' business.
        return
    found = getattr(subject.found, name)
    if not callable(found):
        yield f"{name} is not callable"
        return
    if inspect.iscoroutinefunction(found) and not inspect.iscoroutinefunction(wanted):
        yield f"{name} is a coroutine function and should be an ordinary one"
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return  # of built-in functions it is not always known
    for arguments, keywords in _calls(inspect.signature(wanted)):
        try:
            signature.bind(*arguments, **keywords)
        except TypeError as error:
            shown = ", ".join([*map(str, arguments), *(f"{key}=..." for key in keywords)])
            yield f"{name}({shown}) is not possible: {error}"
            return


def _calls(signature: Signature) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield arguments for the shortest call, the longest one, and one by keyword wherever that is allowed."""
    parameters = list(signature.parameters.values())[1:]  # without self
    required = [one for one in parameters if one.default is Parameter.empty]
    for chosen in (required, parameters):
        yield _call(chosen, by_keyword=False)
        yield _call(chosen, by_keyword=True)


def _call(parameters: list[Parameter], *, by_keyword: bool) -> tuple[list[str], dict[str, str]]:
    arguments: list[str] = []
    keywords: dict[str, str] = {}
    several = any(one.kind is Parameter.VAR_POSITIONAL for one in parameters)
    for one in parameters:
        if one.kind is Parameter.VAR_POSITIONAL:
            arguments += ["...", "..."]
        elif one.kind is Parameter.KEYWORD_ONLY or (
            one.kind is Parameter.POSITIONAL_OR_KEYWORD and by_keyword and not several
        ):
            keywords[one.name] = "..."
        elif one.kind is not Parameter.VAR_KEYWORD:
            arguments.append("...")
    return arguments, keywords
