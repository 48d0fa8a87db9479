"""Mutants of generators as streams, and of context managers that a task owns."""

from __future__ import annotations

from typing import Any

from accord import (
    BrokenResourceError,
    BusyResourceError,
    CancelScope,
    EndOfStream,
    GeneratorStream,
    TaskOwned,
    _generators,
    get_cancelled_exc_class,
)
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, around, mutant, replace

_Life: Any = vars(_generators)["_Life"]


@mutant("GEN-1")
def generator_loses_none(_: Broken) -> None:
    """An item that is None is skipped."""

    async def receive(original: Any, self: Any) -> Any:
        while (item := await original(self)) is None:
            pass
        return item

    around(GeneratorStream, "receive", receive)


@mutant("GEN-1")
def generator_is_entered_again(_: Broken) -> None:
    """A second block has an empty stream."""

    async def enter(original: Any, self: Any) -> Any:
        self._entered = False
        return await original(self)

    around(_Life, "__aenter__", enter)


@mutant("GEN-2")
def generator_runs_ahead(_: Broken) -> None:
    """A step is taken before it is asked for."""

    async def wait_until_wanted(original: Any, self: Any) -> Any:
        if not self._closed and not self._kept:
            return True
        return await original(self)

    around(GeneratorStream, "wait_until_wanted", wait_until_wanted)


@mutant("GEN-3")
def generator_runs_in_the_consumer(_: Broken) -> None:
    """Each step is taken by who asks for it."""

    async def enter(self: Any) -> Any:
        stream = GeneratorStream[Any]()
        generator = self._generator

        async def receive(*_: object) -> Any:
            try:
                return await generator.__anext__()
            except StopAsyncIteration:
                raise EndOfStream from None

        replace(GeneratorStream, receive=receive)
        self._stream = stream
        return stream

    async def leave(self: Any, *_: object) -> None:
        await self._generator.aclose()

    replace(_Life, __aenter__=enter, __aexit__=leave)


@mutant("GEN-4")
def generator_wraps_errors(_: Broken) -> None:
    """Errors come in exception groups."""

    def opened(original: Any, self: Any, answer: Any) -> Any:
        try:
            return original(self, answer)
        except ValueError as error:
            raise ExceptionGroup("one", [error]) from None

    around(GeneratorStream, "_opened", opened)


@mutant("GEN-4")
def generator_forgets_errors(_: Broken) -> None:
    """What nobody has received is lost."""

    def undelivered(_self: Any) -> None:
        return None

    replace(GeneratorStream, undelivered=undelivered)


@mutant("GEN-4")
def generator_wraps_errors_of_the_body(_: Broken) -> None:
    """What the body raises comes in an exception group."""

    async def leave(original: Any, self: Any, kind: Any, error: Any, tb: Any) -> Any:
        result = await original(self, None, None, None)
        if isinstance(error, Exception):
            raise ExceptionGroup("one", [error])
        return result

    around(_Life, "__aexit__", leave)


@mutant("GEN-5")
def generator_is_always_cancelled(_: Broken) -> None:
    """The generator is cancelled at the end, also at a yield."""

    def stop(original: Any, self: Any) -> bool:
        original(self)
        return True

    around(GeneratorStream, "stop", stop)


@mutant("GEN-5")
def generator_is_never_cancelled(_: Broken) -> None:
    """A step that is under way is waited for."""

    def stop(original: Any, self: Any) -> bool:
        original(self)
        return False

    around(GeneratorStream, "stop", stop)


@mutant("GEN-6")
def generator_loses_what_nobody_waits_for(_: Broken) -> None:
    """The item of a step whose asker was cancelled is dropped."""

    def pass_on(original: Any, self: Any, answer: Any) -> None:
        original(self, answer)
        self._kept.clear()

    around(GeneratorStream, "pass_on", pass_on)


@mutant("GEN-6")
def generator_begins_for_the_cancelled(_: Broken) -> None:
    """A cancelled receive asks for a step."""

    async def receive(original: Any, self: Any) -> Any:
        if not self._closed and not self._ended and not self._kept and self._consumer is None:
            self._wanted = True
            if self._producer is not None:
                self._producer.unpark(True)
        return await original(self)

    around(GeneratorStream, "receive", receive)


@mutant("GEN-7")
def generator_is_shielded(_: Broken) -> None:
    """A cancellation around the block does not reach the generator."""

    async def run(original: Any, self: Any) -> None:
        with CancelScope(shield=True):
            await original(self)

    around(_Life, "_run", run)


@mutant("GEN-7")
def generator_that_was_cancelled_has_ended(_: Broken) -> None:
    """The consumer takes it for the end."""

    def end(original: Any, self: Any, cut: bool) -> None:
        original(self, False)

    around(GeneratorStream, "end", end)


@mutant("GEN-8")
def generator_error_before_the_cancellation(_: Broken) -> None:
    """A closed stream does not look for a cancellation, and a busy one is broken."""

    async def receive(original: Any, self: Any) -> Any:
        try:
            return await original(self)
        except BusyResourceError:
            raise BrokenResourceError from None

    around(GeneratorStream, "receive", receive)


@mutant("GEN-8")
def generator_closes_quietly(_: Broken) -> None:
    """Who waits when the stream is closed waits on."""

    def close(self: Any) -> None:
        self._closed = True
        if self._producer is not None:
            self._producer.unpark(False)

    replace(GeneratorStream, _close=close)


@mutant("OWNED-1")
def owned_is_left_by_the_closer(_: Broken) -> None:
    """Who closes leaves the manager."""

    async def own(_original: Any, self: Any, manager: Any, *, task_status: Any) -> None:
        self._value = await manager.__aenter__()
        managers[self] = manager
        task_status.started(self)
        await self._closing.wait()

    async def aclose(original: Any, self: Any) -> None:
        manager = managers.pop(self, None)
        if manager is not None:
            await manager.__aexit__(None, None, None)
        await original(self)

    managers: dict[Any, Any] = {}
    around(TaskOwned, "own", own)
    around(TaskOwned, "aclose", aclose)


@mutant("OWNED-2")
def owned_entry_fails_in_the_group(_: Broken) -> None:
    """An error of the entry is hidden behind another."""

    async def own(original: Any, self: Any, manager: Any, *, task_status: Any) -> None:
        try:
            await original(self, manager, task_status=task_status)
        except ValueError:
            if not self.closed:
                raise BrokenResourceError from None
            raise

    around(TaskOwned, "own", own)


@mutant("OWNED-3")
def owned_close_does_not_wait(_: Broken) -> None:
    """aclose() only says that the manager is to be left."""

    async def aclose(self: Any) -> None:
        self._closing.set()
        await checkpoint_if_cancelled()

    replace(TaskOwned, aclose=aclose)


@mutant("OWNED-3")
def owned_error_is_lost(_: Broken) -> None:
    """An error that nobody waits for is dropped."""

    async def own(original: Any, self: Any, manager: Any, *, task_status: Any) -> None:
        try:
            await original(self, manager, task_status=task_status)
        except Exception:
            if not self.closed:
                raise

    around(TaskOwned, "own", own)


@mutant("OWNED-4")
def owned_stays_open_if_cancelled(_: Broken) -> None:
    """aclose() looks for a cancellation first."""

    async def aclose(original: Any, self: Any) -> None:
        await checkpoint_if_cancelled()
        await original(self)

    around(TaskOwned, "aclose", aclose)


@mutant("OWNED-5")
def owned_hides_the_cancellation(_: Broken) -> None:
    """The manager is left as if nothing had happened."""

    async def own(original: Any, self: Any, manager: Any, *, task_status: Any) -> None:
        cancelled = get_cancelled_exc_class()

        class Wrong:
            __aenter__ = staticmethod(manager.__aenter__)

            @staticmethod
            async def __aexit__(kind: Any, error: Any, tb: Any) -> Any:
                if isinstance(error, cancelled):
                    return await manager.__aexit__(None, None, None)
                return await manager.__aexit__(kind, error, tb)

        await original(self, Wrong(), task_status=task_status)

    around(TaskOwned, "own", own)
