"""Mutants of what takes exception groups apart."""

from __future__ import annotations

from typing import Any

from accord import _unwrapping, leaves, raise_single, unwrap_single

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere


@mutant("EXC-1")
def leaves_of_the_first_level(_: Broken) -> None:
    """Groups within the group are taken for leaves."""

    def wrong(error: Any, kind: Any = None) -> Any:
        found = leaves(error, kind)
        inner = getattr(error, "exceptions", ())
        return tuple(member for member in inner if kind is None or isinstance(member, kind)) if inner else found

    replace_everywhere(leaves, wrong)


@mutant("EXC-1")
def leaves_in_reverse(_: Broken) -> None:
    """The last leaf comes first."""

    def wrong(error: Any, kind: Any = None) -> Any:
        return leaves(error, kind)[::-1]

    replace_everywhere(leaves, wrong)


@mutant("EXC-1")
def leaves_by_recursion(_: Broken) -> None:
    """The depth is limited by Python's stack."""

    def wrong(error: Any, path: Any = ()) -> Any:
        if not isinstance(error, BaseException):
            raise TypeError("error must be an exception")
        inner = getattr(error, "exceptions", ())
        return [pair for member in inner for pair in wrong(member, (*path, error))] or [(error, path)]

    replace(_unwrapping, _walk=wrong)


def _first(error: Any) -> Any:
    return leaves(error)[0]


@mutant("EXC-2")
def unwrap_takes_the_first(_: Broken) -> None:
    """Of several leaves the first one is returned."""
    replace_everywhere(unwrap_single, _first)


@mutant("EXC-2")
def unwrap_marks_the_leaf(_: Broken) -> None:
    """The leaf gets a note."""

    def wrong(error: Any) -> Any:
        leaf = unwrap_single(error)
        leaf.add_note("was in a group")
        return leaf

    replace_everywhere(unwrap_single, wrong)


@mutant("EXC-3")
def raise_single_ignores_kinds(_: Broken) -> None:
    """Any leaf is raised."""

    def init(original: Any, self: Any, *_: object) -> None:
        original(self)

    around(raise_single, "__init__", init)


@mutant("EXC-3")
def raise_single_raises_the_first(_: Broken) -> None:
    """Of several leaves the first one is raised."""
    replace(_unwrapping, unwrap_single=_first)


@mutant("EXC-4")
def raise_single_forgets_the_way(_: Broken) -> None:
    """The traceback has only the entries of the leaf."""

    def joined(_outer: Any, inner: Any) -> Any:
        return inner

    replace(_unwrapping, _joined=joined)


@mutant("EXC-4")
def raise_single_forgets_the_origin(_: Broken) -> None:
    """The traceback has only the entries of the groups."""

    def joined(original: Any, outer: Any, _inner: Any) -> Any:
        return original(outer, None)

    around(_unwrapping, "_joined", joined)


@mutant("EXC-5")
def raise_single_forgets_notes(_: Broken) -> None:
    """The notes of the groups are lost."""

    def inherit(original: Any, leaf: Any, path: Any) -> None:
        notes = list(getattr(leaf, "__notes__", ()))
        original(leaf, path)
        leaf.__notes__ = notes

    around(_unwrapping, "_inherit", inherit)


@mutant("EXC-6")
def raise_single_chains_the_group(_: Broken) -> None:
    """The group is the leaf's context."""

    def leave(original: Any, self: Any, kind: Any, error: Any, tb: Any) -> None:
        try:
            original(self, kind, error, tb)
        except BaseException as leaf:
            leaf.__context__ = error
            raise

    around(raise_single, "__exit__", leave)


@mutant("EXC-6")
def raise_single_forgets_causes(_: Broken) -> None:
    """What the group was raised from is lost."""

    def explain(*_: object) -> None:
        pass

    replace(_unwrapping, _explain=explain)
