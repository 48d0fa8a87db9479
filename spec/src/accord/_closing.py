"""Closing what has to be closed, in a hurry or several at a time."""

from __future__ import annotations

from ._running import get_cancelled_exc_class
from ._scopes import CancelScope
from .protocols import AsyncResource


async def aclose_forcefully(resource: AsyncResource) -> None:
    """Close a resource without waiting for anything: ``aclose()`` in a scope that is cancelled from the start.

    A TLS stream, for instance, skips its farewell, and a process is killed. Not a checkpoint: the cancellation does not
    come out, and one from outside stays pending (STREAM-10).

    :param resource: anything that has ``aclose()``.
    """
    # Shielded: otherwise a scope around it that is cancelled would be the one that catches the cancellation.
    with CancelScope(shield=True) as scope:
        scope.cancel(reason="closed forcefully")
        await resource.aclose()


async def aclose_all(*resources: AsyncResource) -> None:
    """Close all resources, one after the other, whatever happens; then raise what they raised.

    One exception is raised as it is, several as a group; of several cancellations the first stands for all. A
    checkpoint if each ``aclose`` is one.
    """
    cancellation: BaseException | None = None
    errors: list[BaseException] = []
    for resource in resources:
        try:
            await resource.aclose()
        except get_cancelled_exc_class() as exc:
            cancellation = cancellation or exc
        except BaseException as exc:
            errors.append(exc)
    if cancellation is not None:
        errors.insert(0, cancellation)
    try:
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise BaseExceptionGroup("errors while closing several resources", errors)
    finally:
        cancellation = None  # with its traceback it would be a reference cycle
        errors.clear()
