"""The pool of worker threads, without a loop: how many threads it uses, when they end, and what it survives."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from accord import _workers
from accord._workers import Pool

PATIENCE = 10.0


class Task:
    """A job for the pool."""

    def __init__(self, func: Callable[[], object], answer: Callable[[], object] = int) -> None:
        self.func = func
        self.on_answer = answer
        self.ident = 0
        self.refused: BaseException | None = None
        self.done = threading.Event()

    def perform(self) -> None:
        """Call the function."""
        self.ident = threading.get_ident()
        self.func()

    def answer(self) -> None:
        """Say so."""
        self.done.set()
        self.on_answer()

    def refuse(self, error: BaseException) -> None:
        """Take note."""
        self.refused = error
        self.done.set()


def until(condition: Callable[[], object]) -> None:
    """Wait for what threads do in their own time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def submit(pool: Pool, func: Callable[[], object], count: int = 1) -> list[Task]:
    """Submit jobs that all call one function."""
    tasks = [Task(func) for _ in range(count)]
    for task in tasks:
        pool.submit(task)
    return tasks


def test_short_jobs_share_threads() -> None:
    """Jobs that are over at once are done by few threads, one after the other by one."""
    pool = Pool()
    idents: set[int] = set()
    for _ in range(20):
        (task,) = submit(pool, int)
        assert task.done.wait(PATIENCE)
        idents.add(task.ident)
    assert len(idents) == 1


def test_blocking_jobs_run_at_once() -> None:
    """There are as many threads as jobs that block, however they were submitted."""
    pool = Pool()
    barrier = threading.Barrier(30)
    tasks = submit(pool, lambda: barrier.wait(PATIENCE), 30)
    assert all(task.done.wait(PATIENCE) for task in tasks)
    assert len({task.ident for task in tasks}) == 30


def test_no_job_is_left() -> None:
    """Jobs from several threads, some of which block for a moment, are all done."""
    pool = Pool()
    tasks: list[Task] = []

    def feed(number: int) -> None:
        for step in range(200):
            tasks.extend(submit(pool, (lambda: time.sleep(0.0001)) if (step + number) % 3 else int))

    feeders = [threading.Thread(target=feed, args=(number,)) for number in range(4)]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join(PATIENCE)
    assert len(tasks) == 800
    assert all(task.done.wait(PATIENCE) for task in tasks)


def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that have nothing to do end after a while; new ones are started when there is work again."""
    monkeypatch.setattr(_workers, "IDLE_SECONDS", 0.05)
    before = threading.active_count()
    pool = Pool()
    barrier = threading.Barrier(5)
    tasks = submit(pool, lambda: barrier.wait(PATIENCE), 5)
    assert all(task.done.wait(PATIENCE) for task in tasks)
    until(lambda: threading.active_count() <= before)
    (task,) = submit(pool, int)
    assert task.done.wait(PATIENCE)


def test_threads_end_while_work_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that comes when its thread is about to end is done nevertheless."""
    monkeypatch.setattr(_workers, "IDLE_SECONDS", 0.002)
    pool = Pool()
    for step in range(200):
        (task,) = submit(pool, int)
        assert task.done.wait(PATIENCE)
        time.sleep(0.0018 + step % 5 * 0.0001)


def test_thread_survives_a_failing_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that raises is reported, and its thread goes on."""
    reported: list[object] = []

    def report(args: threading.ExceptHookArgs) -> None:
        reported.append(args.exc_type)

    monkeypatch.setattr(threading, "excepthook", report)
    pool = Pool()
    first = Task(int, lambda: 1 / 0)
    pool.submit(first)
    until(lambda: reported)
    (second,) = submit(pool, int)
    assert second.done.wait(PATIENCE)
    assert second.ident == first.ident
    assert reported == [ZeroDivisionError]


def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a thread the job is not accepted; what waits for a thread is refused."""

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    pool = Pool()
    release = threading.Event()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="start new thread"):
        pool.submit(Task(int))
    monkeypatch.undo()
    (busy,) = submit(pool, lambda: release.wait(PATIENCE))
    until(lambda: busy.ident)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="start new thread"):
        pool.submit(Task(int))
    monkeypatch.undo()
    release.set()
    assert busy.done.wait(PATIENCE)
    (task,) = submit(pool, int)
    assert task.done.wait(PATIENCE)


def test_idle_threads_keep_nothing() -> None:
    """A job that is done is freed though its thread lives."""
    pool = Pool()
    (task,) = submit(pool, int)
    reference = weakref.ref(task)
    assert task.done.wait(PATIENCE)
    del task
    until(lambda: gc.collect() is not None and reference() is None)
