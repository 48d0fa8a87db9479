"""Mutants of calls from threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any

from accord import CancelScope, RunFinishedError, _requests, create_task_group, from_thread, to_thread
from accord import run as accord_run
from accord.lowlevel import checkpoint, current_backend

from .break_threads import returning
from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

calls: Any = from_thread
requests: Any = _requests
Async: Any = _requests.AsyncRequest
Sync: Any = _requests.SyncRequest
Call: Any = to_thread.ThreadCall
Answer: Any = _requests.Answer


def runs(**broken: Callable[..., Any]) -> None:
    """Replace public functions of ``from_thread``; each gets the original first."""
    for name, wrapper in broken.items():
        original = getattr(from_thread, name)

        def replaced(*args: Any, wrapper: Any = wrapper, original: Any = original, **keywords: Any) -> Any:
            return wrapper(original, *args, **keywords)

        replace_everywhere(original, replaced)


@mutant("FROM-1")
def function_has_a_task_of_its_own(_: Broken) -> None:
    """A function runs in a new task, while its host waits."""

    async def serve(original: Any, request: Any) -> None:
        async with create_task_group() as group:
            group.start_soon(original, request)

    around(Async, "serve", serve)


@mutant("FROM-1")
def host_serves_once(_: Broken) -> None:
    """The host does not wait for a second function."""

    def ask(original: Any, call: Any, request: Any) -> None:
        if call.value == "served":
            request.fail(RuntimeError("the task is not waiting"))
        else:
            call.value = "served"
            original(call, request)

    around(Call, "ask", ask)


@mutant("FROM-1")
def function_is_run_in_the_thread(_: Broken) -> None:
    """A function that is asked for is run in a loop of the thread's own."""

    def run(_: Any, func: Any, *args: Any, **__: Any) -> Any:
        return accord_run(func, *args)

    runs(run=run)


@mutant("FROM-2")
def callback_is_run_in_the_host(_: Broken) -> None:
    """A function that is to be called outside of tasks is called in the host."""

    def run_sync(original: Any, func: Any, *args: Any, token: Any = None) -> Any:
        async def call() -> Any:
            return func(*args)

        return from_thread.run(call) if token is None and callable(func) else original(func, *args, token=token)

    runs(run_sync=run_sync)


@mutant("FROM-2")
def callback_is_called_in_the_thread(_: Broken) -> None:
    """A function that is to be called on the loop is called where it is asked for."""

    def run_sync(_: Any, func: Any, *args: Any, **__: Any) -> Any:
        return func(*args)

    runs(run_sync=run_sync)


@mutant("FROM-3")
def foreign_threads_get_a_bare_error(_: Broken) -> None:
    """A foreign thread without a token gets what Python says about None."""
    replace(calls, _host=lambda: _requests.here.call)


@mutant("FROM-3")
def callback_may_be_async(_: Broken) -> None:
    """``run_sync`` returns the coroutine of an async function, which nobody runs."""
    replace(requests, is_coroutine=returning(False))


@mutant("FROM-3")
def function_may_be_anything(_: Broken) -> None:
    """What is not callable is found out on the loop, by Python."""

    def check(func: Any, token: Any) -> Any:
        return token or calls._host().token

    replace(calls, _check=check)


@mutant("FROM-4")
def token_is_ignored(_: Broken) -> None:
    """Only a worker's own loop can be called."""

    def run(original: Any, func: Any, *args: Any, **_: Any) -> Any:
        return original(func, *args)

    runs(run=run)


@mutant("FROM-4")
def foreign_function_is_called_outside_of_tasks(_: Broken) -> None:
    """The first step of a function with a token is done in a callback."""

    def start(request: Any, token: Any) -> None:
        coro = request._func(*request._args)
        try:
            coro.send(None)
        except StopIteration as stop:
            request.value = stop.value
            request.reply()
        except BaseException as exc:
            request.fail(exc)
        else:
            coro.close()
            request.fail(RuntimeError("the function can't wait"))

    replace(Async, start=start)


@mutant("FROM-5")
def cut_short_function_gives_no_answer(_: Broken) -> None:
    """A thread whose function is cancelled by the end of the run waits for ever."""

    async def serve_alone(request: Any) -> None:
        await request._steps()
        if not isinstance(request.error, current_backend().cancelled_exc_class):
            request.reply()

    replace(Async, _serve_alone=serve_alone)


@mutant("FROM-5")
def cut_short_function_raises_a_cancellation(_: Broken) -> None:
    """A thread whose function is cancelled by the end of the run gets a cancellation that nobody catches."""

    async def serve_alone(request: Any) -> None:
        await request.serve()

    replace(Async, _serve_alone=serve_alone)


@mutant("FROM-5")
def late_function_is_never_answered(_: Broken) -> None:
    """A function that comes when the run ends is dropped."""

    def start(request: Any, token: Any) -> None:
        request._scope = CancelScope()
        with suppress(RunFinishedError):
            token.start_task(request._serve_alone)

    replace(Async, start=start)


@mutant("FROM-6")
def loop_may_call_itself(_: Broken) -> None:
    """Nobody looks whether it is the loop's own thread that calls, which waits for itself then."""
    replace(requests, in_loop_of=returning(False))
    replace(calls, in_loop_of=returning(False))


@mutant("FROM-6")
def loop_without_a_token_is_a_foreign_thread(_: Broken) -> None:
    """The loop's own thread is told to pass a token."""
    replace(calls, running_backend=lambda: None)


@mutant("FROM-7")
def nobody_is_ever_cancelled(_: Broken) -> None:
    """``check_cancelled`` only looks whether there is somebody to ask."""

    def check(original: Any) -> None:
        calls._host()
        if _requests.in_loop_of(calls._host().token):
            original()

    runs(check_cancelled=check)


@mutant("FROM-7")
def abandoned_threads_are_not_cancelled(_: Broken) -> None:
    """``check_cancelled`` is quiet in a worker that was abandoned."""

    def check(original: Any) -> None:
        if calls._host().left is None:
            original()

    runs(check_cancelled=check)


@mutant("FROM-8")
def function_is_shielded(_: Broken) -> None:
    """A function that the host runs is not cancelled with it."""

    async def serve(original: Any, request: Any) -> None:
        with CancelScope(shield=True):
            await original(request)

    around(Async, "serve", serve)


@mutant("FROM-8")
def host_leaves_with_its_function(_: Broken) -> None:
    """A cancellation of the function ends the host's wait for the thread."""

    async def serve(original: Any, request: Any) -> None:
        await original(request)
        await checkpoint()

    around(Async, "serve", serve)


@mutant("FROM-9")
def abandoned_thread_waits_for_ever(_: Broken) -> None:
    """A function that an abandoned worker asks for is never answered."""

    def ask(original: Any, call: Any, request: Any) -> None:
        if call.left is None:
            original(call, request)

    def run(original: Any, func: Any, *args: Any, token: Any = None) -> Any:
        call = _requests.here.call
        if token is None and call is not None and call.left is not None:
            return Answer().wait()
        return original(func, *args, token=token)

    around(Call, "ask", ask)
    runs(run=run)


@mutant("FROM-9")
def abandoned_function_runs_in_a_task_of_nobody(_: Broken) -> None:
    """A function that an abandoned worker asks for runs as if it had a token."""

    def run(original: Any, func: Any, *args: Any, token: Any = None) -> Any:
        call = _requests.here.call
        if token is None and call is not None and call.left is not None:
            token = call.token
        return original(func, *args, token=token)

    runs(run=run)


@mutant("FROM-9")
def abandoned_thread_may_not_call(_: Broken) -> None:
    """An abandoned worker can't even have a function called outside of tasks."""

    def run_sync(original: Any, func: Any, *args: Any, token: Any = None) -> Any:
        call = _requests.here.call
        if token is None and call is not None and call.left is not None:
            raise call.left
        return original(func, *args, token=token)

    runs(run_sync=run_sync)


@mutant("FROM-10")
def callback_catches_exceptions_only(_: Broken) -> None:
    """What is no Exception falls into the loop, and the thread waits for ever."""

    def carry_out(request: Any) -> None:
        try:
            request.value = request._context.run(request._func, *request._args)
        except Exception as exc:
            request.error = exc
        request.reply()

    replace(Sync, carry_out=carry_out)


@mutant("FROM-10")
def exceptions_go_to_the_loop_too(_: Broken) -> None:
    """What is no Exception goes to the thread, and to the loop as well."""

    def carry_out(original: Any, request: Any) -> None:
        original(request)
        if not isinstance(request.error, Exception | None):
            raise request.error

    around(Sync, "carry_out", carry_out)


@mutant("FROM-11")
def root_task_belongs_to_whoever_runs(broken: Broken) -> None:
    """A task without a group is cancelled with the scope in which it was started."""

    def scoped(original: Any, token: Any, func: Any) -> None:
        try:
            scope = broken.base.current_task().scope
        except RuntimeError:  # this is a callback
            original(token, func)
            return

        async def unless_cancelled() -> None:
            await checkpoint()
            if not scope.cancel_called:
                await func()

        original(token, unless_cancelled)

    around(broken.token, "start_task", scoped)


@mutant("FROM-11")
def root_tasks_are_forgotten(broken: Broken) -> None:
    """A task without a group is not cancelled when the run ends."""

    def start_task(original: Any, token: Any, func: Any) -> None:
        coro = func()
        try:
            coro.send(None)
        except RuntimeError:  # it needs a task, and this is a callback
            original(token, func)
        else:
            kept.append(coro)

    kept: list[Any] = []
    around(broken.token, "start_task", start_task)


@mutant("FROM-12")
def function_sees_the_hosts_context(_: Broken) -> None:
    """The thread's context stays in the thread."""

    def init(original: Any, request: Any, func: Any, args: Any) -> None:
        original(request, func, args)
        request._context = Context()

    around(Async, "__init__", init)
    around(Sync, "__init__", init)


@mutant("FROM-12")
def function_changes_the_threads_context(_: Broken) -> None:
    """What the function sets is set for the thread afterwards."""

    def wait(original: Any, request: Any) -> Any:
        try:
            return original(request)
        finally:
            for variable, value in getattr(request, "_context", Context()).items():
                variable.set(value)

    around(Answer, "wait", wait)


@mutant("FROM-12")
def only_the_first_step_has_the_threads_context(_: Broken) -> None:
    """After its first wait a function runs in the host's context."""

    async def serve(request: Any) -> None:
        try:
            coro = request._context.run(request._func, *request._args)
            request.value = await coro
        except BaseException as exc:
            request.error = exc
        request.reply()

    replace(Async, serve=serve)


@mutant("FROM-13")
def interrupted_thread_leaves_its_function(_: Broken) -> None:
    """The function of a thread that was interrupted goes on."""
    replace(Async, cancel=returning())


@mutant("FROM-13")
def thread_can_not_be_interrupted(_: Broken) -> None:
    """A thread that waits for the loop does not notice signals until it has its answer."""

    def wait(request: Any) -> Any:
        interrupted: list[BaseException] = []
        while True:
            try:
                request.bell.acquire()
                break
            except KeyboardInterrupt as exc:
                interrupted.append(exc)
        if interrupted:
            raise interrupted[0]
        return request.take()

    replace(Answer, wait=wait)


@mutant("FROM-14")
def tracebacks_show_the_library(_: Broken) -> None:
    """The library's frames on the loop stay in the traceback."""
    replace(requests, prune=returning())


@mutant("FROM-14")
def tracebacks_begin_in_the_thread(_: Broken) -> None:
    """The loop's side of a traceback is lost."""

    def take(original: Any, request: Any) -> Any:
        if request.error is not None:
            request.error.__traceback__ = None
        return original(request)

    around(Answer, "take", take)
