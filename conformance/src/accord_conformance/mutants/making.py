"""How a mutant is made: a backend whose members can be replaced, and the classes behind it.

What a backend does is in its members and in the classes of what they return. ``Broken`` gives access to both without
knowing which backend it is. Rules about what lies above the waist, such as locks, are broken in ``accord`` itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from accord_conformance.loader import load_backend

DEFAULT_BASE = "asyncio"


def _class_of(thing: object) -> Any:
    return type(thing)


class Broken:
    """All members of a conforming backend; those that are assigned replace its own."""

    def __init__(self, base: Any) -> None:
        self.base = base
        """The conforming backend."""

    def __getattr__(self, member: str) -> Any:
        return getattr(self.base, member)

    if TYPE_CHECKING:

        def __setattr__(self, member: str, value: Any) -> None: ...

    @property
    def scope(self) -> Any:
        """The class of its cancel scopes."""
        return _class_of(self.base.create_cancel_scope(inf, None, False))

    @property
    def group(self) -> Any:
        """The class of its task groups."""
        return _class_of(self.base.create_task_group(None))

    def in_run(self, get: Callable[[], Any]) -> Any:
        """Return what ``get`` returns inside a run of the base: for classes whose objects exist only there."""

        async def main() -> Any:
            return get()

        return self.base.run(main, (), {})

    @property
    def parker(self) -> Any:
        """The class of its parkers."""
        return self.in_run(lambda: _class_of(self.base.create_parker()))

    @property
    def task(self) -> Any:
        """The class of its tasks' information, which is that of handles too."""
        return self.in_run(lambda: _class_of(self.base.current_task()))

    @property
    def token(self) -> Any:
        """The class of its loop tokens."""
        return self.in_run(lambda: _class_of(self.base.current_token()))


Break = Callable[[Broken], object]


@dataclass(frozen=True)
class Mutant:
    """One way to be wrong."""

    name: str
    rule: str
    """The rule that is broken, whose tests must notice."""
    base: str
    """The backend that is broken."""
    about: str
    break_it: Break

    def make(self) -> Broken:
        """Return the broken backend; the process is not fit for anything else afterwards."""
        broken = Broken(load_backend(self.base))
        self.break_it(broken)
        return broken


registered: dict[str, Mutant] = {}


def mutant(rule: str, base: str = DEFAULT_BASE) -> Callable[[Break], Break]:
    """Register a function that breaks a backend.

    :param rule: the rule that it breaks.
    :param base: the backend that is broken, by name or as ``module:object``.
    """

    def register(function: Break) -> Break:
        name = function.__name__
        if name in registered:
            raise ValueError(f"two mutants are called {name!r}")
        registered[name] = Mutant(name, rule, base, (function.__doc__ or "").partition("\n")[0], function)
        return function

    return register


def replace(owner: Any, **members: Any) -> None:
    """Replace members of a class, a module or an object, without the type checker's objections."""
    for name, member in members.items():
        getattr(owner, name)  # an error for what is not there any more: the mutant would break nothing
        setattr(owner, name, member)


def add(owner: Any, **members: Any) -> None:
    """Give a class members that it does not have."""
    for name, member in members.items():
        setattr(owner, name, member)


def around(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace ``owner.name``: ``wrapper`` is called with the original first, and then as the original was."""
    original = getattr(owner, name)

    def replaced(*args: Any, **keywords: Any) -> Any:
        return wrapper(original, *args, **keywords)

    setattr(owner, name, replaced)


def always(value: Any) -> Callable[..., Any]:
    """Return a function that returns ``value``, whatever it is called with."""

    def function(*_: Any, **__: Any) -> Any:
        return value

    return function
