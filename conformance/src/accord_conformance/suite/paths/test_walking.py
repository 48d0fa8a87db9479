"""Walking through trees: the same as pathlib does, in batches, as the caller changes it, with errors."""

from __future__ import annotations

import pathlib
import threading
from typing import Any

import pytest

from accord import Path
from accord_conformance.helpers import rule

from .trees import CountingLimiter, Directories, bush, grow
from .walks import WIDTH, collect, their_walk, walk


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A large tree that nobody changes."""
    return bush(tmp_path_factory.mktemp("large"), WIDTH)


@rule("PATH-8", "PATH-13")
@pytest.mark.parametrize("top_down", [True, False])
@pytest.mark.parametrize("follow_symlinks", [True, False])
async def test_walk(
    top_down: bool, follow_symlinks: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk gives pathlib's directories in pathlib's order, with the same names in them."""
    grow(tmp_path)
    monkeypatch.chdir(tmp_path)
    for root in (str(tmp_path), ".", "b", "nothing", "file"):
        expected = list(their_walk(pathlib.Path(root), top_down=top_down, follow_symlinks=follow_symlinks))
        found = await collect(walk(Path(root), top_down=top_down, follow_symlinks=follow_symlinks))
        assert found == expected
        assert all(type(path) is Path for path, _, _ in found)


@rule("PATH-8", "PATH-13")
@pytest.mark.parametrize("top_down", [True, False])
async def test_large_walk(top_down: bool, large: pathlib.Path) -> None:
    """The same of a large tree."""
    assert await collect(walk(Path(large), top_down)) == list(their_walk(large, top_down))


@rule("PATH-9")
async def test_lazy_walk(large: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first steps of a walk do not visit all directories, but more than their own."""
    watched = Directories(monkeypatch)
    entries = walk(Path(large))
    assert not watched.calls
    for _ in range(2):
        await anext(entries)
    assert 2 < len(watched.calls) < WIDTH // 2
    await entries.aclose()


@rule("PATH-9")
@pytest.mark.parametrize("top_down", [True, False])
async def test_batches_of_walks(top_down: bool, large: pathlib.Path) -> None:
    """The same for the directories of a tree."""
    limiter = CountingLimiter(1)
    count = 0
    async for _ in walk(Path(large, limiter=limiter), top_down):
        assert limiter.borrowed_tokens == 0
        count += 1
    assert count == WIDTH // 2 + 1
    assert limiter.taken < count / 4


def prune(found: list[Any], directory: Any, names: list[str]) -> None:
    """Change the list of a walk: leave one out, let one appear, and turn one around."""
    found.append((pathlib.PurePath(directory), list(names)))
    if "b" in names:
        names.remove("b")
        names.reverse()
        names.append("b/deep")
    if "deep" in names:
        names.clear()


@rule("PATH-13")
async def test_pruning(tmp_path: pathlib.Path) -> None:
    """What is taken out is not walked into, also where it was read ahead; what is put in is."""
    grow(tmp_path)
    expected: list[Any] = []
    for directory, names, _ in their_walk(tmp_path):
        prune(expected, directory, names)
    found: list[Any] = []
    async for directory, names, _ in walk(Path(tmp_path)):
        prune(found, directory, names)
    assert found == expected
    assert len(found) > 4


@rule("PATH-13")
async def test_put_in(tmp_path: pathlib.Path) -> None:
    """A directory that was taken out can be walked into later, by another way, and is read then."""
    for name in ("a/x", "b"):
        (tmp_path / name).mkdir(parents=True)
    seen: list[Any] = []
    async for directory, names, others in walk(Path(tmp_path)):
        seen.append((directory.name, sorted(names), others))
        if directory == tmp_path:
            names[:] = ["b"]
            (tmp_path / "a" / "new").touch()
        elif directory.name == "b":
            names.append("../a")
    assert ("a", ["x"], ["new"]) in seen
    assert seen[-1][0] == "x"


@rule("PATH-13")
async def test_pruning_a_large_tree(large: pathlib.Path) -> None:
    """Leaving out every second directory leaves out these."""
    seen = 0
    async for directory, names, _ in walk(Path(large)):
        if directory == large:
            del names[::2]
        seen += 1
    assert seen == 1 + WIDTH // 4


@rule("PATH-13")
@pytest.mark.parametrize("top_down", [True, False])
async def test_on_error(top_down: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories that can't be read are left out, and reported in their place, on the loop's thread."""
    grow(tmp_path)
    watched = Directories(monkeypatch)
    watched.refused = {"a", "er"}
    theirs: list[Any] = []

    def on_their_error(error: OSError) -> None:
        theirs.append(error.filename)

    for directory, _, _ in their_walk(tmp_path, top_down, on_their_error):
        theirs.append(str(directory))
    ours: list[Any] = []
    threads: set[int] = set()

    def on_error(error: OSError) -> None:
        ours.append(error.filename)
        threads.add(threading.get_ident())

    async for directory, _, _ in walk(Path(tmp_path), top_down, on_error):
        ours.append(str(directory))
    assert ours == theirs
    assert threads == {threading.get_ident()}
    found = [str(directory) for directory, _, _ in await collect(walk(Path(tmp_path), top_down))]
    assert found == [name for name in theirs if not name.endswith(("/a", "/er"))]


@rule("PATH-13")
@pytest.mark.parametrize("top_down", [True, False])
async def test_on_error_that_raises(top_down: bool, tmp_path: pathlib.Path, monkeypatch: Any) -> None:
    """What ``on_error`` raises is raised by the step, and ends the walk."""
    grow(tmp_path)
    watched = Directories(monkeypatch)
    watched.refused = {"deep"}

    def on_error(error: OSError) -> None:
        raise error

    entries = walk(Path(tmp_path), top_down, on_error)
    with pytest.raises(PermissionError):
        await collect(entries)
    with pytest.raises(StopAsyncIteration):
        await anext(entries)
