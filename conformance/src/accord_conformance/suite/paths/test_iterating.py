"""Iterating over directories: entries, batches, errors, cancellation and closing, for walks too."""

from __future__ import annotations

import contextlib
import gc
import pathlib
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord import Path
from accord.paths import PathIterator
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import cyclic_garbage, is_cancelled_by, rule

from .trees import CountingLimiter, Directories, bush, grow, until
from .walks import WIDTH, collect, walk

ITERATIONS: list[Callable[[Any], Any]] = [
    lambda path: path.iterdir(),
    lambda path: path.glob("**/*"),
    lambda path: path.rglob("*"),
]
SEARCHES: list[Callable[[Any], Any]] = [
    *ITERATIONS,
    lambda path: path.glob("*.py"),
    lambda path: path.glob("*/*.py"),
    lambda path: path.glob("a/"),
    lambda path: path.glob("**/"),
    lambda path: path.glob("[ab]/**/*.py"),
    lambda path: path.rglob("v.py"),
    lambda path: path.rglob("nothing"),
    lambda path: (path / "link to a").iterdir(),
    lambda path: (path / "empty").iterdir(),
    lambda path: (path / "a" / "..").iterdir(),
]

OVER_NAMES = pytest.mark.parametrize("iterate", ITERATIONS, ids=["iterdir", "glob", "rglob"])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A large tree that nobody changes."""
    return bush(tmp_path_factory.mktemp("large"), WIDTH)


def entries_of(path: pathlib.Path) -> list[pathlib.Path]:
    """What pathlib finds in a directory."""
    return list(path.iterdir())


def matches(path: pathlib.Path, pattern: str, recursive: bool = False) -> list[pathlib.Path]:
    """What pathlib finds with a pattern."""
    return list(path.rglob(pattern) if recursive else path.glob(pattern))


@rule("PATH-8")
@pytest.mark.parametrize("iterate", SEARCHES)
async def test_entries(iterate: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An iteration gives pathlib's entries, also in the working directory, each of the class of the path."""
    grow(tmp_path)
    monkeypatch.chdir(tmp_path)
    for root in (str(tmp_path), "."):
        expected = list(iterate(pathlib.Path(root)))
        found = await collect(iterate(Path(root)))
        assert sorted(found) == sorted(expected)
        assert [str(path) for path in sorted(found)] == [str(path) for path in sorted(expected)]
        assert all(type(path) is Path for path in found)


@rule("PATH-8")
async def test_many_entries(large: pathlib.Path) -> None:
    """A large directory and a large tree come as pathlib gives them, in the same order."""
    assert await collect(Path(large).iterdir()) == entries_of(large)
    assert await collect(Path(large).glob("*/leaf")) == matches(large, "*/leaf")
    assert len(await collect(Path(large).rglob("*"))) == 2 * WIDTH


@rule("PATH-8")
async def test_patterns_of_other_versions(tmp_path: pathlib.Path) -> None:
    """Keywords are passed on where pathlib has them."""
    grow(tmp_path)
    path: Any = Path(tmp_path)
    theirs: Any = tmp_path
    if sys.version_info >= (3, 12):
        keywords = {"case_sensitive": False}
        assert sorted(await collect(path.glob("FILE", **keywords))) == sorted(theirs.glob("FILE", **keywords))
        assert await collect(path.rglob("X.PY", **keywords)) == [tmp_path / "a" / "x.py"]
    if sys.version_info >= (3, 13):
        links = {"recurse_symlinks": True}
        assert sorted(await collect(path.rglob("*.py", **links))) == sorted(theirs.rglob("*.py", **links))
        assert await collect(path.glob(pathlib.PurePath("a", "x.py"))) == [tmp_path / "a" / "x.py"]
        assert await collect(path.rglob(Path("x.py"))) == [tmp_path / "a" / "x.py"]
    assert await collect(path.glob("a/x.py")) == [tmp_path / "a" / "x.py"]


@rule("PATH-9")
async def test_lazy(large: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read before the first step, and that does not read everything."""
    watched = Directories(monkeypatch)
    entries = Path(large).iterdir()
    assert not watched.calls
    await anext(entries)
    assert 0 < watched.read < WIDTH
    assert threading.get_ident() not in watched.threads
    await entries.aclose()


@rule("PATH-9")
@OVER_NAMES
async def test_batches(iterate: Any, large: pathlib.Path) -> None:
    """A token is taken for a batch and given back before the step returns."""
    limiter = CountingLimiter(1)
    count = 0
    async for _ in iterate(Path(large, limiter=limiter)):
        assert limiter.borrowed_tokens == 0
        count += 1
    assert count >= WIDTH
    assert 1 < limiter.taken < count / 20


@rule("PATH-10")
@pytest.mark.parametrize("name", ["nothing", "file"])
async def test_no_directory(name: str, tmp_path: pathlib.Path) -> None:
    """What is no directory is an error of the first step, and then the iteration is over."""
    grow(tmp_path)
    with pytest.raises(OSError) as theirs:
        list((tmp_path / name).iterdir())
    entries = (Path(tmp_path) / name).iterdir()
    with pytest.raises(OSError) as ours:
        await anext(entries)
    assert (type(ours.value), str(ours.value)) == (type(theirs.value), str(theirs.value))
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(entries)


@rule("PATH-10", "PATH-12")
async def test_error_in_the_middle(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before an error is handed out before it; the directory is closed."""
    bush(tmp_path, 10)
    watched = Directories(monkeypatch)
    watched.fail_at = 7
    entries = Path(tmp_path).iterdir()
    found: list[Path] = []
    with pytest.raises(OSError, match="Input/output error"):
        async for entry in entries:
            found.append(entry)  # noqa: PERF401
    assert len(found) == 7
    assert watched.open == 0
    with pytest.raises(StopAsyncIteration):
        await anext(entries)


@rule("PATH-10")
@pytest.mark.parametrize("pattern", ["", "/abs", "/abs/*"])
@pytest.mark.parametrize("recursive", [False, True])
async def test_wrong_patterns(pattern: str, recursive: bool, tmp_path: pathlib.Path) -> None:
    """Patterns that pathlib refuses are refused with its error, no later than at the first step."""
    expected: Any
    try:
        expected = matches(tmp_path, pattern, recursive)
    except Exception as error:
        expected = type(error), str(error)
    found: Any
    try:
        path = Path(tmp_path)
        found = await collect(path.rglob(pattern) if recursive else path.glob(pattern))
    except Exception as error:
        found = type(error), str(error)
    assert found == expected


@rule("PATH-11")
@pytest.mark.parametrize(
    "iterate", [*ITERATIONS, walk, partial(walk, top_down=False)], ids=["iterdir", "glob", "rglob", "walk", "walk up"]
)
async def test_cancelled_steps(iterate: Callable[[Any], PathIterator[Any]], large: pathlib.Path) -> None:
    """Between any two steps there may be one that is cancelled."""
    entries = iterate(Path(large))
    found: list[Any] = []
    while True:
        assert await is_cancelled_by(entries.__anext__)
        try:
            found.append(await anext(entries))
        except StopAsyncIteration:
            break
    assert found == await collect(iterate(Path(large)))


@rule("PATH-11")
async def test_cancelled_in_the_thread(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is cancelled while it reads is waited for; all entries are handed out in the end."""
    bush(tmp_path, 10)
    watched = Directories(monkeypatch)
    watched.gate = threading.Event()
    entries = Path(tmp_path).iterdir()
    async with accord.create_task_group() as group:
        attempt = Attempt(group, entries.__anext__)
        await until(lambda: watched.threads)
        attempt.cancel()
        await accord.sleep(0.01)
        assert attempt.outcome == "blocked"
        watched.gate.set()
    found = await collect(entries)
    if attempt.outcome == "returned":
        found.append(attempt.value)
    assert sorted(found) == sorted(entries_of(tmp_path))


async def to_the_end(entries: Any) -> None:
    """Leave an iteration at its end."""
    await collect(entries)


async def by_aclose(entries: Any) -> None:
    """Leave it in the middle and close it, twice."""
    await anext(entries)
    await entries.aclose()
    await entries.aclose()


async def by_cancelled_aclose(entries: Any) -> None:
    """Leave it in the middle and close it in a cancelled scope."""
    await anext(entries)
    assert await is_cancelled_by(entries.aclose)


async def by_a_block(entries: Any) -> None:
    """Leave its block."""
    async with entries as same:
        assert same is entries
        await anext(entries)


async def by_dropping(entries: Any) -> None:
    """Leave a loop in the middle, and nothing else."""
    async for _ in entries:
        break


@rule("PATH-12")
@pytest.mark.parametrize("leave", [to_the_end, by_aclose, by_cancelled_aclose, by_a_block, by_dropping])
async def test_closing(leave: Callable[[Any], Awaitable[None]], large: pathlib.Path, monkeypatch: Any) -> None:
    """However one leaves an iteration, the directory is closed, and nobody warns."""
    watched = Directories(monkeypatch)
    entries: Any = Path(large).iterdir()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await leave(entries)
        if leave is not by_dropping:
            assert watched.open == 0
        del entries
        gc.collect()
    assert watched.open == 0
    assert watched.calls
    assert not caught


@rule("PATH-12")
@pytest.mark.parametrize("iterate", [*ITERATIONS, walk, partial(walk, top_down=False)])
async def test_steps_after_closing(iterate: Callable[[Any], PathIterator[Any]], large: pathlib.Path) -> None:
    """An iteration that was closed says so, in the middle as before the beginning."""
    for steps in (0, 1, 300):
        entries = iterate(Path(large))
        for _ in range(steps):
            await anext(entries)
        await entries.aclose()
        for _ in range(2):
            with pytest.raises(accord.ClosedResourceError):
                await anext(entries)


@rule("PATH-12")
async def test_two_tasks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second task that wants an entry is told so; closing meanwhile ends the first one's step."""
    bush(tmp_path, 10)
    watched = Directories(monkeypatch)
    watched.gate = threading.Event()
    entries = Path(tmp_path).iterdir()
    async with accord.create_task_group() as group:
        attempt = Attempt(group, entries.__anext__)
        await until(lambda: watched.threads)
        with accord.CancelScope() as scope:
            scope.cancel()
            with pytest.raises(accord.BusyResourceError, match="iterating over"):
                await anext(entries)
        await entries.aclose()
        assert attempt.outcome == "blocked"
        watched.gate.set()
    assert type(attempt.error) is accord.ClosedResourceError
    assert watched.open == 0


@rule("ERR-8", "PATH-10")
async def test_no_cyclic_garbage(tmp_path: pathlib.Path) -> None:
    """Neither iterations nor their errors leave anything to the garbage collector."""

    async def use() -> None:
        with pytest.raises(FileNotFoundError):
            await Path(tmp_path, "nothing").stat()
        for iterate in ITERATIONS:
            await collect(iterate(Path(tmp_path)))
            async for _ in iterate(Path(tmp_path).parent):
                break
        with contextlib.suppress(FileNotFoundError):
            await collect(Path(tmp_path, "nothing").iterdir())
        if sys.version_info >= (3, 12):
            for top_down in (True, False):
                assert await collect(Path(tmp_path, "nothing").walk(top_down)) == []

    assert await cyclic_garbage(use) == []
