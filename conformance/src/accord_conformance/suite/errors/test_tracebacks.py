"""What tracebacks show, how long they get, and that errors stay what they are."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord.protocols import TaskStatus
from accord_conformance.helpers import leaves, rule


async def _fail(error: Exception) -> None:
    await checkpoint()
    raise error


async def _nested(depth: int, error: Exception) -> None:
    if depth == 0:
        await _fail(error)
    async with accord.create_task_group() as group:
        group.start_soon(_nested, depth - 1, error)


async def _module_of_the_backend() -> str:
    """The module of a class of the backend: the backend's own may be that of a proxy."""
    return type(accord.create_task_group()).__module__


def _library_frames(error: BaseException, module: str) -> int:
    """How many frames of accord, and of the package of one of the backend's modules, a traceback has."""
    package = module.partition(".")[0]
    # The functions of this suite are the user's, also where the backend is a module of the suite's own package.
    packages = ("accord", module if package == __name__.partition(".")[0] else package)
    count = 0
    tb: TracebackType | None = error.__traceback__
    while tb is not None:
        name = str(tb.tb_frame.f_globals.get("__name__"))
        count += any(name == library or name.startswith(f"{library}.") for library in packages)
        tb = tb.tb_next
    return count


@rule("ERR-6")
def test_library_frames_are_removed(run: Callable[..., Any]) -> None:
    """An error that crossed tasks, groups and a run shows the frames of the user's functions only."""
    module = run(_module_of_the_backend)
    for depth in (0, 1, 3):
        error = ValueError("deep down")
        with pytest.raises(Exception) as caught:
            run(_nested, depth, error)
        group: Any = caught.value
        assert _library_frames(group, module) <= 1
        assert leaves(group) == [error]
        functions = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert functions[-1] == "_fail"
        while group is not error:
            (group,) = group.exceptions
            assert _library_frames(group, module) == 0


@rule("ERR-6")
async def test_library_frames_are_removed_at_each_boundary() -> None:
    """The members of an exception group show no library frames when it is caught."""
    module = await _module_of_the_backend()
    error = ValueError("deep down")
    with pytest.raises(ExceptionGroup) as caught:
        await _nested(2, error)
    (inner,) = caught.value.exceptions
    assert _library_frames(inner, module) == 0
    assert _library_frames(error, module) == 0
    assert "_fail" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]


@rule("ERR-6")
async def test_library_frames_are_removed_from_the_users_groups() -> None:
    """The members of an exception group that the user has made are treated like those of the library's."""
    module = await _module_of_the_backend()

    async def fail(*, task_status: TaskStatus[None]) -> None:
        await _fail(ValueError("deep down"))

    async def bundle() -> None:
        errors: list[Exception] = []
        async with accord.create_task_group() as inner:
            try:
                await inner.start(fail)
            except ValueError as error:
                errors.append(error)
        raise ExceptionGroup("mine", errors)

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            group.start_soon(bundle)
    (error,) = leaves(caught.value)
    assert _library_frames(error, module) == 0
    assert "_fail" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]


@rule("ERR-6")
@pytest.mark.parametrize("debug", ["", "0", "1"])
def test_library_frames_are_kept_for_debugging(
    script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    """With ACCORD_DEBUG=1 the traceback shows the library's frames as well."""
    monkeypatch.setenv("ACCORD_DEBUG", debug)
    result = script(
        """
import traceback
async def fail():
    global package
    async with accord.create_task_group() as group:
        package = type(group).__module__.partition(".")[0]
        group.start_soon(deeper)
async def deeper():
    async with accord.create_task_group() as group:
        raise ValueError
try:
    run(fail)
except ExceptionGroup as group:
    (member,) = group.exceptions
    frames = traceback.walk_tb(member.__traceback__)
    names = [str(frame.f_globals["__name__"]).partition(".")[0] for frame, _ in frames]
    print(sum(name in ("accord", package) for name in names) > 0)
"""
    )
    assert result.stdout == ("True\n" if debug == "1" else "False\n"), result.stderr


@rule("ERR-7")
async def test_tracebacks_grow_in_proportion() -> None:
    """Twice as many nested groups make a traceback that is at most about twice as long."""
    lines: list[int] = []
    for depth in (4, 8, 16):
        with pytest.raises(ExceptionGroup) as caught:
            await _nested(depth, ValueError())
        formatted = traceback.TracebackException.from_exception(caught.value, max_group_depth=100)
        lines.append(sum(part.count("\n") for part in formatted.format()))
    assert lines[2] - lines[1] <= 2.5 * (lines[1] - lines[0])


@rule("ERR-11")
async def test_errors_stay_what_they_are() -> None:
    """An error that passes through the library is the same object, with its cause, context and notes."""

    def make() -> ValueError:
        try:
            try:
                raise KeyError("context")
            except KeyError:
                raise ValueError("mine") from cause
        except ValueError as error:
            error.add_note("my note")
            return error

    async def fail(*, task_status: TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
        raise error

    def fail_now() -> None:
        raise error

    async def through_group() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(fail)

    async def through_start() -> None:
        passed: list[ValueError] = []
        async with accord.create_task_group() as group:
            try:
                await group.start(fail)
            except ValueError as caught:
                passed.append(caught)
        raise passed.pop()

    cause = OSError("cause")
    ways: list[Callable[[], Any]] = [
        through_group,
        through_start,
        lambda: accord.gather(fail()),
        lambda: accord.to_thread.run_sync(fail_now),
    ]
    for way in ways:
        error = make()
        context = error.__context__
        with pytest.raises(Exception) as info:
            await way()
        assert len(leaves(info.value)) == 1
        assert leaves(info.value)[0] is error
        assert error.__cause__ is cause
        assert error.__context__ is context
        assert isinstance(context, KeyError)
        assert error.__notes__[0] == "my note"
        assert len(error.__notes__) <= 2
