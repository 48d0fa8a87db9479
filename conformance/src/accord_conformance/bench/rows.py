"""The operations that are measured, and the ratios aimed at.

A target is the largest ratio that counts as reached: the time of accord divided by that of native code, and by that of
AnyIO. They were found with prototypes on Python 3.13, and differ between loops, because the same Python code weighs
more on a faster loop. Without a target a row is informative. Where a row has no target of its own for Trio, accord
must not be slower there than AnyIO.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Target:
    """The largest ratios that count as reached; None where nothing is asked."""

    native: float | None = None
    anyio: float | None = None


@dataclass(frozen=True)
class Row:
    """One operation."""

    function: str
    """The name of the function that does it, in ``portable`` and in the native modules."""
    title: str
    asyncio: Target
    uvloop: Target | None = None
    """None for the same as on asyncio."""
    trio: Target = Target(anyio=1.0)
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Run options for accord."""

    def target(self, runtime: str) -> Target:
        """Return what is aimed at on a runtime; nothing on one that we know nothing about."""
        targets = {"asyncio": self.asyncio, "uvloop": self.uvloop or self.asyncio, "trio": self.trio}
        return targets.get(runtime, Target())


LEVEL: Final = Target(1.0, 1.0)
HALF: Final = Target(None, 0.5)
EVERY_YIELD: Final = {"checkpoint_budget": 1}

ROWS: Final = (
    # Checkpoints and time
    Row("checkpoint", "checkpoint()", Target(1.06, 0.83), Target(1.06, 0.74), Target(1.05, 1.0)),
    Row("sleep_zero", "sleep(0)", Target(1.06, 0.89), Target(1.06, 0.74), Target(1.05, 1.0)),
    Row("checkpoint_if_cancelled", "checkpoint_if_cancelled()", Target(1.7, 0.22)),
    Row("current_time", "current_time()", Target(1.2, 0.33)),
    # Scopes
    Row("scope", "CancelScope enter, exit", Target(0.75, 0.22)),
    Row("timeout", "move_on_after(10) enter, exit", Target(0.5, 0.29)),
    Row("timeout_checkpoint", "move_on_after(10), checkpoint inside", Target(0.8, 0.45)),
    Row("fail_after", "fail_after(10) enter, exit", Target(0.62, 0.2)),
    Row("nested_scopes", "10 nested scopes", Target(0.93, 0.2)),
    Row("checkpoint_in_scopes", "checkpoint() under 10 scopes", Target(1.06, 0.83)),
    Row("expired", "100 expired move_on_after(0)", Target(0.7, 0.3)),
    Row("deadline_churn", "20,000 move_on_after(3600)", Target(0.56, 0.32)),
    # Task groups
    Row("group_empty", "task group, empty", Target(4.4, 0.48), Target(3.2, 0.37)),
    Row("group_1", "task group, 1 task", Target(0.95, 0.4), Target(1.14, 0.35), Target(2.1, 1.0)),
    Row("group_10", "task group, 10 tasks", Target(1.12, 0.29), Target(1.6, 0.27), Target(2.1, 0.75)),
    Row("group_1000", "task group, 1000 tasks", Target(1.12, 0.29), Target(1.6, 0.27), Target(2.1, 0.65)),
    Row("group_start", "start() and started()", Target(1.2, 0.5), Target(1.47, 0.46)),
    Row("group_cancel", "cancel a group of 1000 sleepers", Target(1.1, 0.43), Target(1.6, 0.43)),
    # Synchronization
    Row("event_round", "Event, ping-pong round", Target(0.87, 0.63), trio=Target(0.95, 1.0)),
    Row("event_new", "Event, create, set and wait", Target(7.33, 0.6), Target(4.5, 0.51)),
    Row("lock", "Lock, free", Target(1.5, 0.25)),
    Row("lock_fast", "Lock, free (AnyIO: fast_acquire)", Target(1.5, None)),
    Row("lock", "Lock, free, yielding each time", Target(6.2, 0.5), Target(3.9, 0.4), options=EVERY_YIELD),
    Row("semaphore", "Semaphore, free", Target(1.5, 0.25)),
    Row("limiter", "CapacityLimiter, free (asyncio: Semaphore)", Target(1.5, 0.25)),
    Row("lock_contended", "Lock, 10 tasks", Target(0.91, 0.91)),
    Row("semaphore_contended", "Semaphore(2), 10 tasks", Target(0.95, 0.91)),
    Row("limiter_contended", "CapacityLimiter(2), 10 tasks", Target(1.0, 0.63), Target(1.08, 0.56)),
    Row("condition_round", "Condition, ping-pong round", Target(1.65, 0.25)),
    # Memory object streams; the native counterpart on asyncio is a Queue, for the unbuffered row a Queue(1)
    Row("stream_round", "stream, unbuffered, ping-pong round", Target(1.2, 0.4), Target(1.1, 0.33), Target(0.9, 1.0)),
    Row("stream_buffered", "stream, buffered, send and receive", Target(1.5, 0.15)),
    Row(
        "stream_buffered",
        "stream, buffered, yielding each time",
        Target(8.5, 0.83),
        Target(4.85, 0.72),
        options=EVERY_YIELD,
    ),
    Row("stream_buffered", "stream, buffered, one yield in 8", Target(2.0, 0.2), options={"checkpoint_budget": 8}),
    Row("stream_buffered", "stream, buffered, one yield in 32", Target(1.2, 0.12), options={"checkpoint_budget": 32}),
    Row("stream_pipe", "stream, buffer 100, producer to consumer", Target(1.5, 0.2)),
    Row("stream_nowait", "stream, send_nowait and receive_nowait", Target(0.53, 0.9)),
    # Networking; both ends in one loop. On Trio, level with AnyIO and with Trio
    Row("tcp_echo", "TCP, echo of 64 bytes", Target(1.0, 0.57), Target(1.0, 0.67), LEVEL),
    Row("tcp_bulk", "TCP, 64 KiB", Target(0.63, None), None, LEVEL),
    Row("tcp_connect", "TCP, connect, accept, close", Target(None, 0.33), None, LEVEL),
    Row("unix_echo", "UNIX, echo of 64 bytes", Target(None, 0.5), Target(), LEVEL),
    Row("unix_bulk", "UNIX, 64 KiB", Target(), None, LEVEL),
    Row("udp_round", "UDP, there and back", Target(None, 0.5), Target(), LEVEL),
    Row("tls_echo", "TLS, echo of 64 bytes", Target(1.0, 0.63), None, LEVEL),
    Row("tls_bulk", "TLS, 64 KiB", Target(1.0, 0.83), None, LEVEL),
    # Threads. The native counterpart of a portal is run_coroutine_threadsafe, and Trio's call with a token
    Row("thread_call", "to_thread.run_sync", LEVEL, None, LEVEL),
    Row("thread_calls", "to_thread.run_sync, 20 at once", Target(1.0, 0.5), Target(1.0, 0.5), LEVEL),
    Row("from_thread_run", "from_thread.run", LEVEL, None, LEVEL),
    Row("from_thread_run_sync", "from_thread.run_sync", LEVEL, None, LEVEL),
    Row("portal_call", "BlockingPortal.call", Target(1.0, 0.67), Target(1.0, 0.67), Target(None, 0.67)),
    # Files. The native counterparts are a hop to a thread for each operation, line by line too
    Row("file_read", "open_file, read a small file, close", Target(1.0, 0.5), None, Target(1.0, 0.5)),
    Row("file_write", "open_file, write a little, close", LEVEL, None, LEVEL),
    Row("file_lines", "lines of a file with 100,000, each", Target(None, 0.02), None, Target(None, 0.02)),
    Row("file_spool", "SpooledTemporaryFile, write in memory", Target(), None, Target()),
    # Paths. The native counterpart of an iteration is pathlib's in one call, from which nothing comes before the end
    Row("path_read_text", "Path.read_text, small file", LEVEL, None, LEVEL),
    Row("path_stat", "Path.stat", LEVEL, None, LEVEL),
    Row("path_iterdir", "Path.iterdir, 10,000 entries", Target(None, 0.1), None, Target(None, 0.1)),
    Row("path_glob", "Path.glob, 1,000 files in 200 directories", HALF, None, HALF),
    *([Row("path_walk", "Path.walk, 215 directories", HALF, None, HALF)] if sys.version_info >= (3, 12) else ()),
    # Processes. A millisecond of each start is the system's and Python's own
    Row("process_wait", "process with pipes, start and wait", LEVEL, Target(1.0, 0.5), Target(1.15, 1.15)),
    Row("process_run", "process, run for its output", Target(1.1, 1.0), Target(1.0, 0.5), Target(1.15, 1.15)),
    Row("process_bulk", "process, 64 KiB there and back", LEVEL, None, Target(1.1, 1.1)),
    Row("worker_process", "to_process.run_sync, start and 200 calls", LEVEL, None, LEVEL),
)
