"""Tools for testing: byte streams in memory, and checks that a stream of your own keeps the rules of streams."""

from .._tasks import wait_all_tasks_blocked
from ..debug.task_tree import format_task_tree
from .checkpoints import assert_checkpoints, assert_no_checkpoints
from .checks import Check, MakePair, Options
from .clock import DeadlockError, VirtualClock
from .exploring import ExploreResult, ScheduleError, explore, explored, replay
from .kit import byte_stream_checks, check_byte_stream, check_object_stream, object_stream_checks
from .leaks import LeakError, check_leaks
from .listeners import ListenerCheck, MakeListener, check_listener, listener_checks
from .memory import MemoryByteStream, memory_byte_stream_pair
from .runner import Runner
from .sequencer import Sequencer

__all__ = [
    "Check",
    "DeadlockError",
    "ExploreResult",
    "LeakError",
    "ListenerCheck",
    "MakeListener",
    "MakePair",
    "MemoryByteStream",
    "Options",
    "Runner",
    "ScheduleError",
    "Sequencer",
    "VirtualClock",
    "assert_checkpoints",
    "assert_no_checkpoints",
    "byte_stream_checks",
    "check_byte_stream",
    "check_leaks",
    "check_listener",
    "check_object_stream",
    "explore",
    "explored",
    "format_task_tree",
    "listener_checks",
    "memory_byte_stream_pair",
    "object_stream_checks",
    "replay",
    "wait_all_tasks_blocked",
]
