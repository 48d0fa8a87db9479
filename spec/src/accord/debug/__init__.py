"""Finding out what a program is doing: its tasks as a tree, also on a signal, and a backend that watches for mistakes.

Nothing of this costs anything unless it is used.
"""

from .dumping import dump_on_signal
from .task_tree import format_task_tree
from .warning import DebugWarning
from .watching import watched

__all__ = ["DebugWarning", "dump_on_signal", "format_task_tree", "watched"]
