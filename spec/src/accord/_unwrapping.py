"""Exception groups, for code that wants the errors and not the tree.

A task group always raises a group (TASK-3), because code that handles errors must not depend on how many tasks failed.
A caller that can only have one error may say so: ``raise_single`` takes the error out of its groups. What was known of
the groups stays with it: where they passed, their texts and notes, and what they were caused by.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, TypeVar, cast, overload

from .toolkit.errors import members

E = TypeVar("E", bound=BaseException)
E_co = TypeVar("E_co", bound=BaseException, covariant=True)


@overload
def leaves(error: BaseException, kind: type[E] | tuple[type[E], ...]) -> tuple[E, ...]: ...
@overload
def leaves(error: BaseExceptionGroup[E], kind: None = None) -> tuple[E, ...]: ...
@overload
def leaves(error: BaseException, kind: None = None) -> tuple[BaseException, ...]: ...
def leaves(error: BaseException, kind: Any = None) -> tuple[BaseException, ...]:
    """Return the exceptions of a group at any depth, from left to right; ``(error,)`` if it is no group.

    :param error: an exception, a group or not.
    :param kind: a class or several: only the leaves that are instances of it.

    A leaf that is there more than once is returned once (EXC-1). ``TypeError`` for what is no exception.
    """
    _check_kinds(() if kind is None else kind)
    found: dict[int, BaseException] = {}
    for leaf, _ in _walk(error):
        if kind is None or isinstance(leaf, kind):
            found.setdefault(id(leaf), leaf)
    return tuple(found.values())


@overload
def unwrap_single(error: BaseExceptionGroup[E]) -> E | BaseExceptionGroup[E]: ...
@overload
def unwrap_single(error: BaseException) -> BaseException: ...
def unwrap_single(error: BaseException) -> BaseException:
    """Return the only leaf of a group, and ``error`` itself if there are several, or if it is no group.

    Neither the leaf nor the group is changed (EXC-2); ``raise_single`` is for raising it. ``TypeError`` for what is no
    exception.
    """
    found = leaves(error)
    return found[0] if len(found) == 1 else error


class raise_single:  # noqa: N801
    """A context manager: a group with a single leaf that leaves its block is raised as that leaf (EXC-3 to EXC-6).

    :param kinds: the classes of leaves that are taken out of their groups; by default all.

    Another exception passes unchanged, and so does a group with more than one leaf. ``TypeError`` if a kind is no
    exception class.
    """

    __slots__ = ("_kinds",)

    def __init__(self, *kinds: type[BaseException]) -> None:
        _check_kinds(kinds)
        self._kinds = kinds or (BaseException,)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if not isinstance(exc, BaseExceptionGroup):
            return
        group = cast("BaseExceptionGroup[BaseException]", exc)
        leaf = unwrap_single(group)
        if leaf is group or not isinstance(leaf, self._kinds):
            return
        _inherit(leaf, next(path for _, path in _walk(group)))
        cause, context, suppressed = leaf.__cause__, leaf.__context__, leaf.__suppress_context__
        try:
            raise leaf
        finally:
            # The interpreter has just made the group its context: the whole tree would be shown once more.
            leaf.__cause__, leaf.__context__, leaf.__suppress_context__ = cause, context, suppressed
            del leaf, group, exc


_Path = tuple[BaseException, ...]


def _walk(error: BaseException) -> list[tuple[BaseException, _Path]]:
    """Return each leaf with the groups that lead to it, the outermost first."""
    if not isinstance(error, BaseException):
        raise TypeError(f"error must be an exception, not {type(error).__name__}")
    found: list[tuple[BaseException, _Path]] = []
    # Not by recursion: what was nested by a loop may be deeper than Python's stack.
    left: list[tuple[BaseException, _Path]] = [(error, ())]
    while left:
        current, path = left.pop()
        inner = members(current)
        if inner:
            left += [(member, (*path, current)) for member in reversed(inner)]
        else:
            found.append((current, path))
    return found


def _check_kinds(kinds: object) -> None:
    for kind in cast("tuple[object, ...]", kinds) if isinstance(kinds, tuple) else (kinds,):
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError(f"kind must be an exception class, not {kind!r}")


def _inherit(leaf: BaseException, path: _Path) -> None:
    """Give a leaf what its groups know, from the innermost to the outermost."""
    for group in reversed(path):
        for note in [f"from the group {str(group.args[0])!r}", *getattr(group, "__notes__", ())]:
            leaf.add_note(note)
        leaf.__traceback__ = _joined(group.__traceback__, leaf.__traceback__)
        _explain(leaf, group)


def _joined(outer: TracebackType | None, inner: TracebackType | None) -> TracebackType | None:
    entries: list[TracebackType] = []
    while outer is not None:
        entries.append(outer)
        outer = outer.tb_next
    for entry in reversed(entries):
        inner = TracebackType(inner, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return inner


def _explain(leaf: BaseException, group: BaseException) -> None:
    """Put what a group was raised from, or during, at the end of its leaf's own chain."""
    chain = _chain(leaf)
    explanation = group.__cause__ or (None if group.__suppress_context__ else group.__context__)
    if explanation is None or any(error in chain for error in _chain(explanation)):
        return
    if group.__cause__ is not None:
        chain[-1].__cause__ = explanation
    else:
        chain[-1].__context__ = explanation


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and what it was raised from, or during."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and not any(following is known for known in chain):
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain
