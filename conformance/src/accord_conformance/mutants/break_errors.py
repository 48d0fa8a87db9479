"""Mutants of what errors look like, and of the package from outside."""

from __future__ import annotations

import sys
import traceback
from concurrent.futures import InvalidStateError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import accord
from accord import AccordError, Lock, TaskFailed, TaskNotFinished, WouldBlock, get_current_task
from accord.toolkit import HandleMixin, errors, prune

from .making import Broken, around, mutant, replace
from .waiting import around_getter, replace_everywhere


def _prunes_with(broken: Broken, function: Any) -> None:
    """Let the backend and accord prune tracebacks by ``function``."""
    replace(sys.modules[broken.group.__module__], prune=function)
    replace_everywhere(prune, function)


@mutant("ERR-1")
def errors_of_the_host_come_out(_: Broken) -> None:
    """The outcome of a running task raises an error of another library."""

    def exception(get: Any, handle: Any) -> Any:
        try:
            return get(handle)
        except TaskNotFinished:
            raise InvalidStateError("the task has not ended yet") from None

    around_getter(HandleMixin, "exception", exception)


@mutant("ERR-1")
def one_error_has_another_root(_: Broken) -> None:
    """A class of the package does not derive from AccordError."""
    replace(accord, WouldBlock=type("WouldBlock", (Exception,), {"__module__": "accord"}))


@mutant("ERR-2")
def errors_say_nothing(_: Broken) -> None:
    """A library exception without arguments has an empty text."""

    def init(error: Exception, *args: object) -> None:
        Exception.__init__(error, *args)

    replace(AccordError, __init__=init)


@mutant("ERR-2")
def errors_show_addresses(_: Broken) -> None:
    """The text of an error has the repr of an object in it."""

    def return_value(get: Any, handle: Any) -> Any:
        try:
            return get(handle)
        except TaskFailed as error:
            raise type(error)(f"{object.__repr__(handle)} failed") from error.__cause__

    around_getter(HandleMixin, "return_value", return_value)


@mutant("ERR-3")
def errors_show_control_flow(_: Broken) -> None:
    """An error has one of the library's own exceptions as its context."""

    def release(original: Any, lock: Any) -> None:
        try:
            raise WouldBlock
        except WouldBlock:
            original(lock)

    around(Lock, "release", release)


@mutant("ERR-3")
def errors_hide_control_flow(_: Broken) -> None:
    """An error is raised ``from None`` where another is being handled, which still is its context."""

    def release(original: Any, lock: Any) -> None:
        try:
            raise WouldBlock
        except WouldBlock:
            try:
                original(lock)
            except RuntimeError as error:
                raise error from None

    around(Lock, "release", release)


@mutant("ERR-3")
def errors_forget_the_users_context(_: Broken) -> None:
    """An error that is raised while the user handles another has no context."""

    def release(original: Any, lock: Any) -> None:
        try:
            original(lock)
        except RuntimeError as error:
            kept = error
        else:
            return
        try:
            raise kept
        finally:
            kept.__context__ = None

    around(Lock, "release", release)


@mutant("ERR-4")
def cancellation_has_the_cancellers_context(broken: Broken) -> None:
    """What the canceller is handling becomes the context of the cancellation."""
    contexts: dict[Any, BaseException | None] = {}

    def deliver(original: Any, record: Any) -> None:
        contexts[record] = sys.exc_info()[1]
        original(record)

    async def sleep_until(deadline: float) -> None:
        try:
            await broken.base.sleep_until(deadline)
        except broken.cancelled_exc_class as error:
            error.__context__ = contexts.pop(get_current_task(), None)
            raise

    around(broken.task, "deliver", deliver)
    broken.sleep_until = sleep_until


@mutant("ERR-5")
def errors_of_tasks_are_printed(broken: Broken) -> None:
    """The failure of a task is printed, though its group raises it."""

    def note_error(original: Any, group: Any, error: BaseException, name: str) -> None:
        traceback.print_exception(error)
        original(group, error, name)

    around(broken.group, "note_error", note_error)


@mutant("ERR-6")
def library_frames_stay(broken: Broken) -> None:
    """Tracebacks show the library's frames."""

    def keep(_: BaseException) -> None:
        pass

    _prunes_with(broken, keep)


@mutant("ERR-6")
def library_frames_stay_in_members(_: Broken) -> None:
    """The members of an exception group show the library's frames."""

    def members(_: BaseException) -> tuple[()]:
        return ()

    replace(errors, members=members)


@mutant("ERR-6")
def library_frames_never_stay(_: Broken) -> None:
    """ACCORD_DEBUG has no effect."""
    replace(errors, DEBUG=False)


@mutant("ERR-7")
def each_group_has_a_context(broken: Broken) -> None:
    """The context of each exception group is what it holds."""

    async def leave(original: Any, *args: Any) -> Any:
        try:
            return await original(*args)
        except BaseExceptionGroup as error:
            error.__context__ = error.exceptions[0]
            raise

    around(broken.group, "__aexit__", leave)


@mutant("ERR-8")
def waits_keep_what_they_raise(broken: Broken) -> None:
    """A wait that is cancelled has its exception in a local variable."""

    async def park(original: Any, parker: Any) -> Any:
        kept: list[BaseException] = []
        try:
            return await original(parker)
        except BaseException as error:
            kept.append(error)
            raise

    around(broken.parker, "park", park)


@mutant("ERR-8")
def timeouts_keep_what_they_raise(_: Broken) -> None:
    """fail_after has its TimeoutError in a local variable."""

    def leave(original: Any, *args: Any) -> Any:
        kept: list[BaseException] = []
        try:
            return original(*args)
        except TimeoutError as error:
            kept.append(error)
            raise

    around(sys.modules["accord._time"].__dict__["_FailScope"], "__exit__", leave)


@mutant("ERR-9")
def all_lacks_a_name(_: Broken) -> None:
    """A public name is not in __all__."""
    replace(accord, __all__=[name for name in accord.__all__ if name != "run"])


@mutant("ERR-9")
def all_has_a_name_too_many(_: Broken) -> None:
    """A name in __all__ does not exist."""
    replace(accord, __all__=[*accord.__all__, "spawn"])


_directories: list[TemporaryDirectory[str]] = []  # deleted at the end of the process


@mutant("ERR-10")
def import_loads_the_backend(broken: Broken) -> None:
    """Importing accord imports a backend."""
    source = Path(str(accord.__file__))
    directory: TemporaryDirectory[str] = TemporaryDirectory()
    _directories.append(directory)
    package = Path(directory.name, "accord")
    package.mkdir()
    # A package that does so and is accord otherwise, which new processes find first.
    text = (
        f"__path__ = [{str(source.parent)!r}]\n"
        f"exec(compile(open({str(source)!r}).read(), {str(source)!r}, 'exec', dont_inherit=True))\n"
        f"import {type(broken.base).__module__}\n"
    )
    package.joinpath("__init__.py").write_text(text, encoding="utf-8")
    sys.path.insert(0, directory.name)


@mutant("ERR-11")
def errors_are_copied(broken: Broken) -> None:
    """The group collects copies of the errors."""

    def note_error(original: Any, group: Any, error: BaseException, name: str) -> None:
        original(group, type(error)(*error.args) if isinstance(error, ValueError) else error, name)

    around(broken.group, "note_error", note_error)


@mutant("ERR-11")
def errors_lose_their_cause(broken: Broken) -> None:
    """An error that start() raises has another cause."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(*args, **keywords)
        except ValueError as error:
            raise error from None

    around(broken.group, "start", start)
