"""Worker threads: a pool for the process that grows as needed, shared by all loops.

Starting a thread takes longer than most calls, and so does waking one. Jobs wait in one queue. Who adds a job wakes one
idle thread, unless one has been woken already and has not looked into the queue yet. A woken thread takes a job, and if
there are more it wakes the next thread before it begins. So as many threads run as there are jobs that block, while
twenty jobs that are over at once are done by the thread that was woken first, without nineteen further switches.

Why no job is left behind: a job is in the queue before ``_waking`` is read, and a woken thread clears ``_waking``
before it reads the queue. So whoever finds the flag set knows that the thread which will clear it sees the job. Two
that find it clear at the same moment both wake a thread, which does no harm. Each step is one operation on a deque or
an attribute, which are atomic; there is no lock.

A thread that finds no job is idle until it is woken, and ends after a while. Threads are daemons, so that neither idle
ones nor those that are stuck in a job keep the interpreter from exiting.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import Protocol

IDLE_SECONDS = 10.0
"""How long a thread stays without work."""


class Job(Protocol):
    """What a thread does; none of it raises."""

    def perform(self) -> None:
        """Do it."""
        ...

    def answer(self) -> None:
        """Say that it is done; the thread counts as idle by then."""
        ...

    def refuse(self, error: BaseException) -> None:
        """Say that there is no thread to do it."""
        ...


class Pool:
    """The threads and the jobs that wait for one."""

    __slots__ = ("_idle", "_jobs", "_waking")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew; in a child process, which has none of its parent's other threads."""
        self._idle: deque[Worker] = deque()
        self._jobs: deque[Job] = deque()
        self._waking = False

    def submit(self, job: Job) -> None:
        """Have ``job`` done by a thread; raises what the start of a thread raises, and then the job is not done."""
        self._jobs.append(job)
        if not self._waking:
            self._waking = True
            try:
                self._wake()
            except BaseException:
                self._waking = False
                try:
                    self._jobs.remove(job)
                except ValueError:
                    return  # a thread that was busy has taken it
                raise

    def _wake(self) -> None:
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = Worker(self)
            worker.thread.start()
        worker.bell.release()

    def begin(self) -> Job | None:
        """Take a job as a thread that was woken, if there is one left."""
        self._waking = False
        return self.take()

    def take(self) -> Job | None:
        """Take a job if there is one, and have somebody look after the next."""
        try:
            job = self._jobs.popleft()
        except IndexError:
            return None
        if self._jobs and not self._waking:
            self._waking = True
            try:
                self._wake()
            except Exception as exc:
                self._waking = False
                self._refuse_all(exc)
        return job

    def _refuse_all(self, error: Exception) -> None:
        """Refuse the jobs that wait: those that are being done may never end, so nothing may depend on them."""
        while self._jobs:
            try:
                self._jobs.popleft().refuse(error)
            except IndexError:
                return

    def rest(self, worker: Worker) -> None:
        """Let ``worker`` be woken from now on."""
        self._idle.append(worker)

    def is_idle(self, thread: threading.Thread) -> bool:
        """Return whether ``thread`` is one of those that wait for a job."""
        return any(worker.thread is thread for worker in list(self._idle))

    def retire(self, worker: Worker) -> bool:
        """Let an idle thread end; false if it has just been woken."""
        try:
            self._idle.remove(worker)
        except ValueError:
            return False
        return True


class Worker:
    """One thread."""

    __slots__ = ("bell", "pool", "thread")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.bell = threading.Lock()
        self.bell.acquire()
        self.thread = threading.Thread(target=self._work, name="accord worker thread", daemon=True)

    def _work(self) -> None:
        pool, bell = self.pool, self.bell
        while True:
            if not bell.acquire(timeout=IDLE_SECONDS):
                if pool.retire(self):
                    return
                bell.acquire()
            job = pool.begin()
            if job is None:
                pool.rest(self)
            while job is not None:
                job.perform()
                following = pool.take()
                if following is None:
                    # Before the answer: the task may make its next call at once, and should find this thread.
                    pool.rest(self)
                try:
                    job.answer()
                except BaseException:
                    # Reported as for any thread; but this one may have been woken for the next job already.
                    threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
                job, following = following, None


pool = Pool()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.forget)
