"""The arguments of subprocesses, checked in one place (PROC-2, PROC-3)."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import IO, Any, NamedTuple, TypeAlias, TypedDict, cast

StrOrBytesPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""A name or path of a program, or an argument of one."""

Command: TypeAlias = StrOrBytesPath | Sequence[StrOrBytesPath]
"""A line for the shell (``str``, ``bytes``), a program (a path object), or a program with its arguments."""

Standard: TypeAlias = int | IO[Any] | None
"""``PIPE``, ``DEVNULL``, a descriptor or a file; None for that of this process."""


class TerminationPolicy(NamedTuple):
    """How a process is ended that nobody waits for any more (PROC-14)."""

    signal: int = signal.SIGTERM
    """The signal that asks it to end."""
    grace: float = 2.0
    """Seconds that it gets for that, before it is killed."""
    whole_group: bool = False
    """Whether the process gets a process group of its own, and is signalled and cleared away with all of it."""


class PopenOptions(TypedDict, total=False):
    """What is passed on to ``subprocess.Popen`` as it is; see there."""

    cwd: StrOrBytesPath | None
    env: Mapping[str, str] | None
    executable: StrOrBytesPath | None
    startupinfo: Any
    creationflags: int
    start_new_session: bool
    process_group: int | None
    pass_fds: Sequence[int]
    close_fds: bool
    restore_signals: bool
    pipesize: int
    preexec_fn: Callable[[], object] | None
    user: str | int | None
    group: str | int | None
    extra_groups: Iterable[str | int] | None
    umask: int


_KNOWN = frozenset(PopenOptions.__annotations__)


def check_command(command: object) -> tuple[Any, bool]:
    """Return what ``Popen`` is to be called with, and whether it is a line for the shell."""
    if isinstance(command, str | bytes):
        return command, True
    if isinstance(command, os.PathLike):
        return [command], False
    if not isinstance(command, Sequence):
        raise TypeError(f"command must be a str, bytes, a path or a sequence of these, not {type(command).__name__}")
    arguments = list(cast("Sequence[object]", command))
    if not arguments:
        raise ValueError("command must not be empty: its first item is the program")
    for argument in arguments:
        if not isinstance(argument, str | bytes | os.PathLike):
            raise TypeError(f"command must consist of str, bytes and paths, and has a {type(argument).__name__} in it")
    return arguments, False


def check_standard(name: str, value: object) -> None:
    """Refuse what can't be a child's standard input or output; ``TypeError`` or ``ValueError`` naming it."""
    if value is None or callable(getattr(value, "fileno", None)):
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be None, PIPE, DEVNULL, a descriptor or a file, not {type(value).__name__}")
    if value == subprocess.STDOUT and name != "stderr":
        raise ValueError(f"{name} must not be STDOUT, which is for stderr alone")
    if value < subprocess.DEVNULL:
        raise ValueError(f"{name} must not be a negative descriptor, got {value}")


def check_policy(policy: object) -> TerminationPolicy:
    """Return the policy; ``TypeError`` or ``ValueError`` naming what is wrong with it."""
    if not isinstance(policy, TerminationPolicy):
        raise TypeError(f"termination must be a TerminationPolicy, not {type(policy).__name__}")
    number: object = policy.signal
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"termination.signal must be a signal, not {type(number).__name__}")
    if number not in signal.valid_signals():
        raise ValueError(f"termination.signal must be a signal of this system, got {number}")
    check_seconds("termination.grace", policy.grace)
    return policy


def check_seconds(name: str, value: object) -> float:
    """Return a number of seconds; ``TypeError`` or ``ValueError`` naming it if it is none or below 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if isnan(value) or value < 0:
        raise ValueError(f"{name} must not be negative, got {value}")
    return value


def check_options(options: PopenOptions) -> None:
    """Refuse keywords that are none of ``PopenOptions``, among them those for text, which streams don't do."""
    for name in options:
        if name not in _KNOWN:
            raise TypeError(f"there is no option {name!r}; the options are {', '.join(sorted(_KNOWN))}")


def names_users(options: PopenOptions) -> bool:
    """Whether names of users or groups have to be looked up, which can take as long as a network does."""
    extra = options.get("extra_groups") or ()
    return any(isinstance(name, str) for name in (options.get("user"), options.get("group"), *extra))
