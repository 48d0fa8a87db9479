"""When operations on files happen: one at a time, and not if they are cancelled before."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import open_file, wrap_file
from accord.lowlevel import checkpoint
from accord_conformance.attempts import GAPS, blocked
from accord_conformance.helpers import count_yields, is_cancelled_by, rule, settle

from .objects import CountingLimiter, Watched


def operations(file: Any) -> list[Callable[[], Any]]:
    """Each operation on a binary file, as something to be called."""
    return [
        file.read,
        partial(file.read, 3),
        file.readline,
        file.readlines,
        file.__anext__,
        partial(file.read1, 2),
        partial(file.readinto, bytearray(2)),
        partial(file.write, b"x"),
        partial(file.writelines, [b"x"]),
        file.truncate,
        partial(file.seek, 1),
        file.tell,
        file.flush,
    ]


@rule("FILE-3")
async def test_operations_in_a_cancelled_scope() -> None:
    """They raise the cancellation, and the file object was not called."""
    fp = Watched(b"one\ntwo\n")
    async with wrap_file(fp) as file:
        for operation in operations(file):
            assert await is_cancelled_by(operation)
        assert fp.calls == []
        assert await file.read() == b"one\ntwo\n"


@rule("FILE-3", "FILE-5")
async def test_opening_in_a_cancelled_scope(tmp_path: Path) -> None:
    """No file is opened or made."""
    assert await is_cancelled_by(lambda: open_file(tmp_path / "file", "w"))
    await accord.sleep(0.01)
    assert not (tmp_path / "file").exists()


@rule("FILE-3")
async def test_cancelled_after_it_has_begun() -> None:
    """A read that is cancelled in the thread returns its data; a write is done and returns."""
    for name, arguments, expected in (("read", (), b"data"), ("readline", (), b"data"), ("write", (b"new!",), 4)):
        fp = Watched(b"data")
        fp.gate.clear()
        async with wrap_file(fp) as file, accord.create_task_group() as group:
            attempt: Any = await blocked(group, partial(getattr(file, name), *arguments))
            attempt.cancel()
            await accord.sleep(0.01)
            assert attempt.outcome == "blocked"
            fp.gate.set()
            await attempt.handle.wait()
            assert attempt.outcome == "returned"
            assert attempt.value == expected


@rule("FILE-3")
async def test_cancelled_while_it_waits_for_a_token() -> None:
    """Then the operation has not begun, and the next one can."""
    limiter = accord.CapacityLimiter(1)
    fp = Watched(b"data")
    async with wrap_file(fp, limiter=limiter) as file, accord.create_task_group() as group:
        limiter.acquire_on_behalf_of_nowait("somebody")
        attempt = await blocked(group, file.read)
        attempt.cancel()
        await attempt.handle.wait()
        assert attempt.outcome == "cancelled"
        assert fp.calls == []
        limiter.release_on_behalf_of("somebody")
        assert await file.read() == b"data"


@rule("FILE-4")
async def test_one_at_a_time_in_order() -> None:
    """Operations of several tasks are done in the order of their calls, and not at the same time."""
    fp = Watched(b"0123456789")
    fp.gate.clear()
    async with wrap_file(fp) as file, accord.create_task_group() as group:
        attempts = [await blocked(group, partial(file.read, 2)) for _ in range(5)]
        await accord.sleep(0.01)
        assert fp.calls == ["read"]
        fp.gate.set()
        for attempt in attempts:
            await attempt.handle.wait()
    assert [attempt.value for attempt in attempts] == [b"01", b"23", b"45", b"67", b"89"]


@rule("FILE-4")
async def test_memory_waits_for_its_turn_too() -> None:
    """What was read ahead is not given to a task that comes while another operation is under way."""
    fp = Watched(b"one\ntwo\nthree\n")
    async with wrap_file(fp) as file, accord.create_task_group() as group:
        assert await file.readline() == b"one\n"
        fp.gate.clear()
        flushing: Any = await blocked(group, file.flush)

        operations = (file.readline, partial(file.read, 3), file.__anext__)
        reading = [await blocked(group, operation) for operation in operations]
        fp.gate.set()
        for attempt in (flushing, *reading):
            await attempt.handle.wait()
        assert [attempt.value for attempt in reading] == [b"two\n", b"thr", b"ee\n"]


@rule("FILE-4")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_while_it_waits_for_its_turn(gap: str) -> None:
    """One that is cancelled is left out, and its turn goes on to the next, whenever that happens."""
    fp = Watched(b"012345")
    fp.gate.clear()
    async with wrap_file(fp) as file, accord.create_task_group() as group:
        first = await blocked(group, partial(file.read, 1))
        second = await blocked(group, partial(file.read, 1))
        third = await blocked(group, partial(file.read, 1))
        if gap.startswith("cancelled"):
            second.cancel()
        if gap == "cancelled and resumed before":
            await settle()
        fp.gate.set()
        if gap == "resumed and cancelled after":
            await second.handle.wait()
        second.cancel()
        for attempt in (first, second, third):
            await attempt.handle.wait()
        assert (first.value, first.outcome, third.outcome) == (b"0", "returned", "returned")
        if gap.startswith("cancelled"):
            assert second.outcome == "cancelled"
        assert third.value == (b"2" if second.outcome == "returned" else b"1")
        with accord.fail_after(5):
            await file.tell()


@rule("FILE-10")
async def test_checkpoints_in_memory() -> None:
    """Operations on files in memory check before they take effect, and yield now and then."""
    file = wrap_file(io.BytesIO(b"one\ntwo\n"))
    for operation in operations(file):
        assert await is_cancelled_by(operation)
    assert await file.read() == b"one\ntwo\n"
    assert sum([await count_yields(file.tell()) for _ in range(64)]) >= 4


@rule("FILE-10")
async def test_checkpoints_of_what_was_read_ahead(tmp_path: Path) -> None:
    """Lines that are there already are given after a check; nothing is lost, and other tasks run."""
    path = tmp_path / "file"
    path.write_text("".join(f"{number}\n" for number in range(1000)), encoding="utf-8")
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await checkpoint()

    async with await open_file(path) as file, accord.create_task_group() as group:
        assert await file.readline() == "0\n"
        for operation in (file.readline, file.__anext__, partial(file.read, 1)):
            assert await is_cancelled_by(operation)
        group.start_soon(count)
        lines: list[str] = []
        before = turns
        while len(lines) < 200:
            lines.append(await file.readline())
        assert turns - before >= 8
        lines += [line async for line in file]
        assert lines == [f"{number}\n" for number in range(1, 1000)]
        group.cancel()


@rule("FILE-10")
async def test_subclasses_are_not_in_memory() -> None:
    """A subclass of io.BytesIO may do anything, and is called in a thread."""
    limiter = CountingLimiter(1)
    async with wrap_file(Watched(b"data"), limiter=limiter) as file:
        assert await file.read() == b"data"
        assert limiter.taken == 1


@rule("FILE-6", "FILE-4")
async def test_many_tasks_and_cancellations() -> None:
    """Under cancellations at all moments no turn is lost and no data is read twice."""
    fp = Watched(bytes(range(250)))
    seen: list[bytes] = []

    async def read(file: Any, number: int) -> None:
        with accord.move_on_after(0.0005 * (number % 7)):
            seen.append(await file.read(1))

    async with wrap_file(fp) as file:
        async with accord.create_task_group() as group:
            for number in range(100):
                group.start_soon(read, file, number)
        rest = await file.read()
    assert sorted(b"".join(seen) + rest) == list(range(250))
