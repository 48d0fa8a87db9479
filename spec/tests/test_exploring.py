"""Plans of ``accord.testing.explore``: what needs no backend."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.testing.exploring.exhaustive import Tree, Unrepeatable
from accord.testing.exploring.plans import Move, Script, Seeded, read, write

moves = st.lists(st.builds(Move, st.integers(1, 10**6), st.integers(1, 1000), st.booleans()))


@given(moves)
def test_moves_as_text(given_moves: list[Move]) -> None:
    """What is written is read."""
    assert read(write(given_moves)) == given_moves


@given(st.text(alphabet="c.-0123456789", max_size=12))
def test_texts(text: str) -> None:
    """Whatever is read is written in the same way, or refused."""
    try:
        found = read(text)
    except ValueError:
        return
    assert [(move.step, move.task) for move in read(write(found))] == [(move.step, move.task) for move in found]


def test_script() -> None:
    """A script does what it says, and the first for the rest, also if a task that it names is not there."""
    script = Script(read("2.7-c3.5-4.9"))
    assert [script.order(step, [5, 6, 7]) for step in (1, 2, 3, 4)] == [0, 2, 0, 0]
    assert [script.cancel(step, [4, 5]) for step in (1, 2, 3)] == [None, None, 1]


@given(st.integers(), st.lists(st.integers(1, 5), max_size=60))
def test_seeded(seed: int, counts: list[int]) -> None:
    """The same number gives the same answers, all of them possible ones."""

    def answers() -> list[tuple[int, int | None]]:
        plan = Seeded(seed)
        found: list[tuple[int, int | None]] = []
        for step, count in enumerate(counts, 1):
            tasks = list(range(1, count + 1))
            found.append((plan.order(step, tasks), plan.cancel(step, tasks)))
        return found

    first = answers()
    assert answers() == first
    for (order, cancel), count in zip(first, counts, strict=True):
        assert 0 <= order < count
        assert cancel is None or 0 <= cancel < count


@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_tree(random: object, depth: int) -> None:
    """Each path of any tree is taken once."""
    shape: Callable[[int, int], int] = random.randint  # type: ignore[attr-defined]
    widths: dict[tuple[int, ...], int] = {}

    def width(path: tuple[int, ...]) -> int:
        if path not in widths:
            widths[path] = 0 if len(path) == depth else shape(0, 3)
        return widths[path]

    tree, seen = Tree(), []
    while True:
        path: tuple[int, ...] = ()
        while count := width(path):
            path += (tree.order(len(path), list(range(count))),)
        seen.append(path)
        if not tree.advance():
            break
        assert len(seen) < 1000

    def paths(path: tuple[int, ...]) -> list[tuple[int, ...]]:
        return [leaf for branch in range(width(path)) for leaf in paths((*path, branch))] or [path]

    assert seen[::1] == paths(())


def test_tree_that_changes() -> None:
    """Another number of branches at the same place is noticed."""
    tree = Tree()
    tree.order(1, [1, 2])
    assert tree.advance()
    with pytest.raises(Unrepeatable, match="3 ways to go on where there were 2"):
        tree.order(1, [1, 2, 3])
