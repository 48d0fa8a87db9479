"""What type checkers infer for virtual time, helpers of tests, and debugging; checked, never run."""

from __future__ import annotations

import sys
from typing import assert_type

import accord
from accord.debug import DebugWarning, dump_on_signal, watched
from accord.protocols import Backend
from accord.testing import (
    DeadlockError,
    LeakError,
    Sequencer,
    VirtualClock,
    assert_checkpoints,
    assert_no_checkpoints,
    check_leaks,
    format_task_tree,
    memory_byte_stream_pair,
)


async def clocks(clock: VirtualClock, token: accord.lowlevel.LoopToken) -> None:
    assert_type(clock.now, float)
    assert_type(await clock.advance(1), None)
    clock.autojump = False
    clock.autojump = 1  # type: ignore[assignment]
    clock.now = 1.0  # type: ignore[misc]
    token.call_soon(clock.advance, 1.5)
    token.call_soon(clock.advance, "1")  # type: ignore[arg-type]
    VirtualClock(start=1, io_grace=0.5)
    VirtualClock(1.0)  # type: ignore[call-arg]
    error: RuntimeError = DeadlockError("deadlock")
    assert_type(str(error), str)


async def helpers(sequencer: Sequencer) -> None:
    async with sequencer(1) as nothing:
        assert_type(nothing, None)
    with sequencer(1):  # type: ignore[attr-defined]
        pass
    with assert_checkpoints() as nothing, assert_no_checkpoints():
        assert_type(nothing, None)
    try:
        with check_leaks(threads=False):
            value = str(sequencer)
        assert_type(value, str)  # the block lets errors pass
    except LeakError as error:
        assert_type(error.tasks, tuple[str, ...])
        failure: AssertionError = error
        assert_type(str(failure), str)
    near, _ = memory_byte_stream_pair()
    near.send_hook = lambda: accord.sleep(1)
    near.close_hook = None
    near.receive_hook = lambda: 1  # type: ignore[assignment]


def debugging() -> None:
    assert_type(format_task_tree(), str)
    assert_type(watched("trio"), Backend)
    assert_type(watched(watched(), slow_step=None), Backend)
    with dump_on_signal(10, file=sys.stderr) as nothing:
        assert_type(nothing, None)
    warning: RuntimeWarning = DebugWarning("text")
    assert_type(str(warning), str)
