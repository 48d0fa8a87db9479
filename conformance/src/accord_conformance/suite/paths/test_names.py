"""Paths as values: comparison, derived paths, copies, and the names and parameters of their methods."""

from __future__ import annotations

import copy
import inspect
import os
import pathlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord import Path
from accord.paths import PathIterator
from accord_conformance.helpers import rule

from .trees import grow

NAMES = ["a", "a/b", "/", "/a/b.tar.gz", ".", "..", "a/../b", "~", "A", "a b/ä", "//x/y"]


class Special(Path):
    """A subclass."""

    __slots__ = ()


@rule("PATH-1")
@pytest.mark.parametrize("name", NAMES)
def test_equality(name: str) -> None:
    """A path and pathlib's path of the same name are one key."""
    path: Any = Path(name)
    theirs: Any = pathlib.Path(name)
    assert path != name
    assert isinstance(path, pathlib.PurePath)
    assert path == theirs
    assert theirs == path
    assert hash(path) == hash(theirs)
    assert {path: 1}[theirs] == 1
    assert path != pathlib.PureWindowsPath(name) if os.sep == "/" else path != pathlib.PurePosixPath(name)
    assert os.fspath(path) == str(path) == str(theirs)
    assert bytes(path) == bytes(theirs)
    assert repr(path) == f"Path({path.as_posix()!r})"
    for attribute in ("parts", "drive", "root", "anchor", "name", "suffix", "suffixes", "stem"):
        assert getattr(path, attribute) == getattr(theirs, attribute)


@rule("PATH-1")
def test_order() -> None:
    """Paths are in pathlib's order, also among pathlib's paths."""
    mixed: list[Any] = [Path(name) for name in NAMES[::2]] + [pathlib.Path(name) for name in NAMES[1::2]]
    assert sorted(mixed) == sorted(pathlib.Path(name) for name in NAMES)
    with pytest.raises(TypeError):
        assert Path("a") < "b"  # type: ignore[operator]


@rule("PATH-1")
def test_pure_questions() -> None:
    """What needs no file system gives what pathlib gives."""
    path, theirs = Path("/a/b.py"), pathlib.Path("/a/b.py")
    assert path.is_absolute()
    assert path.as_uri() == theirs.as_uri()
    assert path.match("*.py")
    assert not path.match("*.txt")
    assert path.is_relative_to("/a")
    with pytest.raises(ValueError, match="elsewhere"):
        path.relative_to("/elsewhere")
    with pytest.raises(ValueError, match=r"relative"):
        Path("a").as_uri()
    wrong: list[Any] = [b"bytes", 1, None]
    for value in wrong:
        with pytest.raises(TypeError):
            Path(value)
        with pytest.raises(TypeError):
            assert path / value


def derived(path: Any) -> list[Any]:
    """Every kind of path that is made of another without input and output."""
    return [
        path / "x",
        path / pathlib.Path("x"),
        "x" / path,
        path.joinpath("x", "y"),
        path.parent,
        path.parents[0],
        path.parents[1],
        *path.parents,
        path.with_name("x"),
        path.with_stem("x"),
        path.with_suffix(".x"),
        path.relative_to("/a"),
        path.with_segments("x", "y") if hasattr(path, "with_segments") else type(path)("x", "y"),
    ]


@rule("PATH-2")
@pytest.mark.parametrize("cls", [Path, Special])
def test_derived_paths(cls: type[Path]) -> None:
    """They have the class and the limiter, and are what pathlib makes."""
    limiter = accord.CapacityLimiter(1)
    path = cls("/a/b/c.py", limiter=limiter)
    assert path.limiter is limiter
    assert derived(path) == derived(pathlib.Path("/a/b/c.py"))
    for other in derived(path):
        assert type(other) is cls
        assert other.limiter is limiter
    assert (cls("a") / "b").limiter is None
    assert len(path.parents) == 3


@rule("PATH-2")
def test_with_segments() -> None:
    """Derived paths are made by the method that a subclass may override."""

    class Numbered(Path):
        """A subclass with a constructor of its own."""

        def __init__(  # pyright: ignore[reportInconsistentConstructor]
            self, *args: Any, number: int = 0
        ) -> None:
            super().__init__(*args)
            self.number = number

        def with_segments(self, *pathsegments: Any) -> Any:
            """Count the generations."""
            return type(self)(*pathsegments, number=self.number + 1)

    path: Any = Numbered("/a/b/c.py", number=5)
    for other in derived(path):
        assert other.number == 6


@rule("PATH-2")
async def test_results(tmp_path: pathlib.Path) -> None:
    """Paths that methods and iterations return have the class and the limiter."""
    limiter = accord.CapacityLimiter(1)
    path = Special(grow(tmp_path), limiter=limiter)
    found: list[Any] = [
        await path.absolute(),
        await path.resolve(),
        await (path / "link").readlink(),
        await Special("~/x", limiter=limiter).expanduser(),
        await (path / "file").rename(path / "file2"),
        await (path / "file2").replace(tmp_path / "file"),
        await Special.cwd(limiter=limiter),
        await Special.home(limiter=limiter),
        *[entry async for entry in path.iterdir()],
        *[entry async for entry in path.glob("*")],
        *[entry async for entry in path.rglob("*.py")],
    ]
    if sys.version_info >= (3, 12):
        found += [entry[0] async for entry in path.walk()]
        found += [entry[0] async for entry in path.walk(top_down=False)]
    if sys.version_info >= (3, 13):
        found.append(Special.from_uri("file:///x/y", limiter=limiter))
    for other in found:
        assert type(other) is Special
        assert other.limiter is limiter


@rule("PATH-3")
@pytest.mark.parametrize("cls", [Path, Special])
@pytest.mark.parametrize("name", ["a/b", "", "/", "/x"])
def test_copies(cls: type[Path], name: str) -> None:
    """Copies are equal and of the same class; those in the same process have the limiter."""
    limiter = accord.CapacityLimiter(1)
    path = cls(name, "c", limiter=limiter)
    for other in (copy.copy(path), copy.deepcopy(path)):
        assert (type(other), other, other.limiter) == (cls, path, limiter)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        other = pickle.loads(pickle.dumps(path, protocol))
        assert (type(other), other, other.limiter) == (cls, path, None)


@rule("PATH-3")
@pytest.mark.parametrize("cls", [Path, Special])
def test_conversions(cls: type[Path]) -> None:
    """There and back, and what is refused."""
    theirs: Any = pathlib.Path("/a/b")
    limiter = accord.CapacityLimiter(1)
    for path in (cls(theirs), cls.from_sync(theirs), cls("/", pathlib.Path("a"), Path("b"))):
        assert (type(path), path, path.limiter) == (cls, theirs, None)
        assert (type(path.sync), path.sync) == (type(theirs), theirs)
    assert cls(theirs, limiter=limiter).limiter is cls.from_sync(theirs, limiter=limiter).limiter is limiter
    wrong: Any
    for wrong in ("/a", None, 1):
        with pytest.raises(TypeError, match=r"^path must be"):
            cls.from_sync(wrong)
    for wrong in (1, "x", object()):
        with pytest.raises(TypeError, match=r"^limiter must be"):
            cls("a", limiter=wrong)


def public(cls: type) -> set[str]:
    """The names that a class shows."""
    return {name for name in dir(cls) if not name.startswith("_")}


LEFT_OUT = {"link_to"}
OURS = {"limiter", "sync", "from_sync", "with_segments"}
WITH_LIMITER = {"cwd", "home", "from_uri"}
OTHER_WORDS = {"copy", "copy_into"}
"""What pathlib declares with ``**kwargs``, and means certain keywords."""


@rule("PATH-4")
def test_names() -> None:
    """Every public name of the running Python's class is there, and no other."""
    assert public(pathlib.Path) - public(Path) <= LEFT_OUT
    assert public(Path) - public(pathlib.Path) <= OURS
    special = {name for name in dir(pathlib.Path) if name.startswith("__")}
    assert special - {*dir(Path)} <= {"__enter__", "__exit__"}


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of each parameter."""
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


@rule("PATH-4")
def test_signatures() -> None:
    """Each method has pathlib's parameters, and is a coroutine function or gives an iteration."""
    for name in sorted(public(pathlib.Path) - LEFT_OUT):
        theirs, ours = getattr(pathlib.Path, name), getattr(Path, name)
        assert callable(ours) is callable(theirs)
        if not callable(theirs):
            continue
        if name not in OTHER_WORDS:
            further = [("limiter", inspect.Parameter.KEYWORD_ONLY, None)] if name in WITH_LIMITER else []
            assert (name, parameters(ours)) == (name, parameters(theirs) + further)
        if name in {"iterdir", "glob", "rglob", "walk"}:
            arguments = ["*"] if "glob" in name else []
            assert isinstance(getattr(Path("x"), name)(*arguments), PathIterator)
        elif not hasattr(pathlib.PurePath, name) and name != "from_uri":
            assert inspect.iscoroutinefunction(ours), name


@rule("PATH-4")
def test_uris() -> None:
    """From Python 3.13 on a path can be made of a URI."""
    assert hasattr(Path, "from_uri") is (sys.version_info >= (3, 13))
    if sys.version_info >= (3, 13):
        assert Path.from_uri("file:///a%20b") == pathlib.Path("/a b")
        with pytest.raises(ValueError, match="http"):
            Path.from_uri("http://x/")
