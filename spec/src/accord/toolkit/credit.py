"""Operations on credit: how a backend spares the question ``checkpoint_due()``.

An operation that need not wait asks before it takes effect (CKPT-5), which costs more than taking an item from a buffer
does. The answer is nearly always no, and often the backend knows that it will be no again: nothing in the loop is
cancelled, no deadline is set that could pass unnoticed, and the budget is not used up. Then it may lend the next
operations to the loop's thread, as a number; an operation that finds it above zero counts it down instead of asking.
Whatever could change the answer takes the number back at once. It may come with a signal or a finalizer, which Python
runs between calls, so an operation looks at the number and counts it down without a call in between.

A backend need not lend anything. One that does has a ``Credit`` for each loop, and enters ``lending`` around what runs
the loop. What it lends it takes back when a scope of the loop is cancelled or a deadline is set, and it lends nothing
while there is a cancelled task or a deadline.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from .._backends import Credit, here


@contextmanager
def lending(credit: Credit, **instead_of: object) -> Generator[None, None, None]:
    """Let the operations of this thread use ``credit`` during the block.

    :param instead_of: the members of the lending backend that are no longer asked. If the backend that runs here has
        others, which is so where one backend wraps the other, nothing is lent.
    """
    backend = here.backend
    if backend is None or any(getattr(backend, name) != member for name, member in instead_of.items()):
        yield
        return
    outer, here.credit = here.credit, credit
    credit.backend = backend
    try:
        yield
    finally:
        here.credit = outer
        credit.backend = None


__all__ = ["Credit", "lending"]
