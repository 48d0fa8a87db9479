"""What pytest is told of errors: outcomes of child tasks count as the test's own, a lonely error leaves its group."""

from __future__ import annotations

import unittest
from collections.abc import Iterator

import pytest
from _pytest.outcomes import OutcomeException

from ..toolkit.errors import members
from .levels import Trouble

STOPS = (KeyboardInterrupt, SystemExit, pytest.exit.Exception)
OUTCOMES = (OutcomeException, unittest.SkipTest)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Return the exceptions in an exception group and the groups within; of another exception, itself."""
    inner = members(error)
    for member in inner:
        yield from leaves(member)
    if not inner:
        yield error


def as_at_top_level(error: BaseException) -> BaseException:
    """Return what to raise for an error: the outcome that a group is made of, if it is made of one kind.

    ``pytest.skip()`` in a child task comes out of its task group, and means what it means in the test itself. What
    ends the session does so from everywhere.
    """
    found = list(leaves(error))
    if isinstance(error, Trouble):
        return pytest.fail.Exception(str(error), pytrace=False)
    for leaf in found:
        if isinstance(leaf, STOPS):
            return leaf
    kinds = {type(leaf) for leaf in found}
    if found[0] is not error and len(kinds) == 1 and isinstance(found[0], OUTCOMES):
        return found[0]
    return error


def lonely(error: BaseException) -> BaseException | None:
    """Return the only exception in a group, for which the group says nothing that its notes don't say."""
    found = list(leaves(error))
    return found[0] if len(found) == 1 and found[0] is not error else None
