"""Pieces that backends share, so that what users see is the same on each (names, texts, outcomes).

A backend may use them; the contract does not ask for it. They import nothing that runs a loop.
"""

from .checks import (
    DEFAULT_BUDGET,
    check_budget,
    check_deadline,
    check_delay,
    check_flag,
    check_options,
    check_schedule,
    check_shield,
    check_virtual_time,
)
from .coroutines import call_for_coroutine, check_coroutine, task_name
from .credit import Credit, lending
from .errors import exit_exception, group_error, hide_frames_of, note_task, prune, split
from .groups import TaskGroupMixin
from .handles import HandleMixin, StartStatus
from .outcomes import Outcome
from .scopes import ScopeMixin

__all__ = [
    "DEFAULT_BUDGET",
    "Credit",
    "HandleMixin",
    "Outcome",
    "ScopeMixin",
    "StartStatus",
    "TaskGroupMixin",
    "call_for_coroutine",
    "check_budget",
    "check_coroutine",
    "check_deadline",
    "check_delay",
    "check_flag",
    "check_options",
    "check_schedule",
    "check_shield",
    "check_virtual_time",
    "exit_exception",
    "group_error",
    "hide_frames_of",
    "lending",
    "note_task",
    "prune",
    "split",
    "task_name",
]
