"""Methods that do input and output: results, effects, errors, threads, tokens and cancellation."""

from __future__ import annotations

import os
import pathlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord import Path
from accord.paths.info import PathInfo
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule, untestable

from .trees import CountingLimiter, grow, snapshot, until


class Relative:
    """An argument that is a path in the tree."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


TREE = Relative
Case = tuple[str, str, tuple[Any, ...], dict[str, Any]]


def case(name: str, method: str, *arguments: Any, **keywords: Any) -> Any:
    """A call of a method of the path of this name."""
    return pytest.param((name, method, arguments, keywords), id=f"{name or '.'}-{method}-{arguments}{keywords or ''}")


EVERYWHERE = [
    "stat", "lstat", "exists", "is_dir", "is_file", "is_symlink", "is_mount", "is_socket", "is_fifo",
    "is_block_device", "is_char_device", "owner", "group", "read_bytes", "read_text", "readlink", "absolute",
    "resolve", "expanduser", "rmdir", "unlink", "touch", "mkdir",
]  # fmt: skip

CASES: list[Any] = [
    case(name, method)
    for name in ("file", "a", "link", "dangling", "nothing", "file/below", "empty", "x" * 300, "nul\0")
    for method in EVERYWHERE
] + [
    case("file", "stat", follow_symlinks=False),
    case("link", "stat", follow_symlinks=False),
    case("file", "read_text", "latin-1"),
    case("file", "read_text", "ascii", "replace"),
    case("file", "read_text", "ascii"),
    case("file", "read_text", "no such"),
    case("file", "read_text", errors="no such"),
    case("nothing", "resolve", True),
    case("link to a/x.py", "resolve", strict=True),
    case("file", "samefile", TREE("link")),
    case("file", "samefile", TREE("a")),
    case("file", "samefile", TREE("nothing")),
    case("file", "chmod", 0o600),
    case("nothing", "chmod", 0o600),
    case("file", "lchmod", 0o600),
    case("file", "touch", exist_ok=False),
    case("new", "touch", 0o600),
    case("new", "mkdir", 0o700),
    case("new/er", "mkdir"),
    case("new/er", "mkdir", parents=True),
    case("a", "mkdir", exist_ok=True),
    case("file", "mkdir", exist_ok=True),
    case("nothing", "unlink", missing_ok=True),
    case("file", "rename", TREE("new")),
    case("file", "rename", TREE("a")),
    case("file", "rename", TREE("no/where")),
    case("file", "replace", TREE("a/x.py")),
    case("a", "replace", TREE("empty")),
    case("new", "symlink_to", TREE("file")),
    case("file", "symlink_to", TREE("a")),
    case("new", "symlink_to", TREE("a"), True),
    case("new", "symlink_to", b"bytes"),
    case("new", "hardlink_to", TREE("file")),
    case("new", "hardlink_to", TREE("nothing")),
    case("new", "write_bytes", b"data"),
    case("file", "write_bytes", bytearray(b"data")),
    case("a", "write_bytes", b"data"),
    case("new", "write_text", "tex\nt\u00e4", "latin-1"),
    case("new", "write_text", "\u20ac", "latin-1"),
    case("new", "write_text", "\u20ac\n", "latin-1", "replace", "\r\n"),
]

LATER: list[Any] = []
if sys.version_info >= (3, 12):
    LATER += [case("link", "exists", follow_symlinks=False), case("a", "is_junction")]
if sys.version_info >= (3, 13):
    LATER += [
        case("link", "is_file", follow_symlinks=False),
        case("link to a", "is_dir", follow_symlinks=False),
        case("link", "owner", follow_symlinks=False),
        case("link", "group", follow_symlinks=False),
        case("file", "read_text", newline=""),
    ]
if sys.version_info >= (3, 14):
    LATER += [
        case("a", "copy", TREE("new")),
        case("link", "copy", TREE("new"), follow_symlinks=False),
        case("a", "copy", TREE("a/below")),
        case("file", "copy_into", TREE("empty"), preserve_metadata=True),
        case("b", "move", TREE("new")),
        case("b", "move_into", TREE("empty")),
    ]


def plain(value: object, root: pathlib.Path) -> object:
    """What can be compared of a result: for a file's state, what is the same in two trees."""
    if isinstance(value, os.stat_result):
        return value.st_mode, value.st_size, value.st_nlink, value.st_uid
    if isinstance(value, pathlib.PurePath):
        return pathlib.PurePath(str(value).replace(str(root), "ROOT"))
    return value


def failure(error: Exception, root: pathlib.Path) -> object:
    """What can be compared of an error."""
    return type(error), str(error).replace(str(root), "ROOT")


def arguments_in(root: Any, one: Case) -> tuple[Any, ...]:
    """The arguments of a call in a tree."""
    return tuple(root / argument.name if isinstance(argument, Relative) else argument for argument in one[2])


async def compare(one: Case, folder: pathlib.Path) -> None:
    """Assert that a call does in one tree what pathlib's does in another, and in a cancelled scope nothing."""
    name, method, _, keywords = one
    trees = [folder / "theirs", folder / "oursss"]
    for tree in trees:
        tree.mkdir()
        grow(tree)
    their_root, our_root = trees
    expected: object
    try:
        call = getattr(their_root / name, method)
        expected = plain(call(*arguments_in(their_root, one), **keywords), their_root)
    except Exception as error:
        expected = failure(error, their_root)
    limiter = CountingLimiter(1)
    root = Path(our_root, limiter=limiter)
    before = snapshot(our_root)
    assert await is_cancelled_by(lambda: getattr(root / name, method)(*arguments_in(root, one), **keywords))
    assert snapshot(our_root) == before
    assert limiter.taken == 0
    result: object
    try:
        value = await getattr(root / name, method)(*arguments_in(root, one), **keywords)
        result = plain(value, our_root)
        assert not isinstance(value, pathlib.PurePath) or type(value) is Path
    except Exception as error:
        result = failure(error, our_root)
    assert result == expected
    assert snapshot(our_root) == snapshot(their_root)
    assert limiter.taken == 1


@rule("PATH-5", "PATH-6")
@pytest.mark.parametrize("one", CASES)
async def test_like_pathlib(one: Case, tmp_path: pathlib.Path) -> None:
    """The same call in two equal trees has one result, one error and one effect; in a cancelled scope none."""
    await compare(one, tmp_path)


@rule("PATH-5", "PATH-6")
async def test_like_pathlib_of_this_version(tmp_path: pathlib.Path) -> None:
    """The same with what later versions of Python have."""
    if not LATER:
        untestable("this Python has only what the oldest has")
    for number, one in enumerate(LATER):
        folder = tmp_path / str(number)
        folder.mkdir()
        await compare(one.values[0], folder)


@rule("PATH-5")
async def test_places(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory and the home directory are pathlib's; a relative path becomes absolute with the former."""
    monkeypatch.chdir(tmp_path)
    limiter = CountingLimiter(1)
    working: Any = pathlib.Path.cwd()
    assert await Path.cwd(limiter=limiter) == working
    assert await Path("a").absolute() == working / "a"
    assert await Path("a/../b").resolve() == working / "b"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    home: Any = pathlib.Path.home()
    assert await Path.home(limiter=limiter) == home
    assert await Path("~/x").expanduser() == home / "x"
    assert limiter.taken == 2
    with pytest.raises(RuntimeError):
        await Path("~no such user of this machine/x").expanduser()


@rule("PATH-5")
async def test_same_file_as_another_kind_of_path(tmp_path: pathlib.Path) -> None:
    """The other path may be text, pathlib's or ours."""
    grow(tmp_path)
    path = Path(tmp_path) / "file"
    others: list[Any] = [str(tmp_path / "link"), tmp_path / "link", Path(tmp_path, "link")]
    for other in others:
        assert await path.samefile(other)


@rule("PATH-5")
async def test_threads(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is done in another thread, and waits for a token of the path's limiter."""
    threads: list[int] = []
    stat = os.stat

    def recording(*args: Any, **keywords: Any) -> os.stat_result:
        if str(args[0]) == str(tmp_path):  # Python itself asks, too, such as for the lines of a traceback
            threads.append(threading.get_ident())
        return stat(*args, **keywords)

    limiter = accord.CapacityLimiter(1)
    path = Path(tmp_path, limiter=limiter)
    async with accord.create_task_group() as group:
        async with limiter:
            attempt = Attempt(group, path.stat)
            with accord.move_on_after(0.05):
                await attempt.handle.wait()
            assert attempt.outcome == "blocked"
            monkeypatch.setattr(os, "stat", recording)
        await attempt.handle.wait()
    monkeypatch.undo()
    assert attempt.value.st_mode == stat(tmp_path).st_mode
    assert threads
    assert threading.get_ident() not in threads


@rule("PATH-6")
async def test_cancelled_in_the_middle(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that has begun is waited for, and returns what it has done."""
    grow(tmp_path)
    begun, proceed = threading.Event(), threading.Event()
    rename: Callable[..., None] = os.rename

    def slow(*args: Any, **keywords: Any) -> None:
        begun.set()
        assert proceed.wait(PATIENCE)
        rename(*args, **keywords)

    monkeypatch.setattr(os, "rename", slow)
    path = Path(tmp_path)
    async with accord.create_task_group() as group:
        attempt = Attempt(group, lambda: (path / "file").rename(path / "new"))
        await until(begun.is_set)
        attempt.cancel()
        for _ in range(3):
            await accord.sleep(0.001)
        assert attempt.outcome == "blocked"
        assert (tmp_path / "file").exists()
        proceed.set()
    assert attempt.outcome == "returned"
    assert attempt.value.sync == tmp_path / "new"
    assert (tmp_path / "new").exists()


@rule("PATH-7")
async def test_wrong_data(tmp_path: pathlib.Path) -> None:
    """The file keeps its contents, and the mistake shows in a cancelled scope, too."""
    grow(tmp_path)
    path = Path(tmp_path, "file")
    before = snapshot(tmp_path)
    wrong: Any
    with accord.CancelScope() as scope:
        scope.cancel()
        for wrong in (b"bytes", None, 1):
            with pytest.raises(TypeError, match=r"^data must be str"):
                await path.write_text(wrong)
        for wrong in ("text", None, 1):
            with pytest.raises(TypeError):
                await path.write_bytes(wrong)
    assert snapshot(tmp_path) == before


@rule("PATH-14")
async def test_open(tmp_path: pathlib.Path) -> None:
    """A path opens its file with the parameters of pathlib and with its limiter."""
    limiter = CountingLimiter(1)
    path = Path(tmp_path, "file", limiter=limiter)
    async with await path.open("w", encoding="latin-1", newline="\r\n") as text:
        await text.write("\u00e4\n")
        assert text.limiter is limiter
    assert limiter.taken > 0
    async with await path.open("rb", 0) as data:
        assert await data.read() == b"\xe4\r\n"
    async with await path.open(encoding="ascii", errors="replace") as text:
        assert await text.read() == "\ufffd\n"
    with pytest.raises(FileNotFoundError):
        await (path.parent / "nothing").open()


class Answers:
    """What pathlib remembers of a file, from Python 3.14 on."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Say yes, for links no."""
        self.threads.append(threading.get_ident())
        return follow_symlinks

    is_dir = is_file = exists

    def is_symlink(self) -> bool:
        """Say yes."""
        return self.exists()


@rule("PATH-5", "PATH-6")
async def test_info() -> None:
    """What a path's ``info`` answers is asked for in threads, and not in a cancelled scope."""
    answers = Answers()
    limiter = CountingLimiter(1)
    info = PathInfo(answers, limiter)
    for method in (info.exists, info.is_dir, info.is_file):
        assert await method()
        assert not await method(follow_symlinks=False)
        assert await is_cancelled_by(method)
    assert await info.is_symlink()
    assert limiter.taken == len(answers.threads) == 7
    assert threading.get_ident() not in answers.threads
