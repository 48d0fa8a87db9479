"""Mutants of calls in worker processes and interpreters."""

from __future__ import annotations

import pickle
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from accord import BrokenWorkerInterpreter, CancelScope, CapacityLimiter, to_interpreter, to_process, to_thread
from accord.processes import calls, child, interpreters

from .making import Broken, around, mutant, replace

processes: Any = to_process
sends: Any = calls
Worker: Any = processes._Worker
Pool: Any = processes._Pool
threads: Any = to_interpreter


def child_differs(*changes: tuple[str, str]) -> None:
    """Let workers run the program with some of its text replaced."""
    source = Path(child.__file__).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    file = Path(tempfile.mkdtemp()) / "child.py"
    file.write_text(source, encoding="utf-8")
    replace(child, __file__=str(file))


@mutant("WORKER-1")
def notes_are_missing(_: Broken) -> None:
    """Exceptions from a worker don't say where they were raised."""

    def value_of(original: Any, reply: bytes) -> Any:
        try:
            return original(reply)
        except BaseException as error:
            error.__dict__.pop("__notes__", None)
            raise

    around(sends, "value_of", value_of)


@mutant("WORKER-1")
def exits_end_the_worker(_: Broken) -> None:
    """SystemExit of the function ends the worker."""
    child_differs(
        (
            "    except BaseException as exc:\n        return _error(exc)",
            "    except Exception as exc:\n        return _error(exc)",
        )
    )


@mutant("WORKER-1")
def calls_run_in_threads(_: Broken) -> None:
    """The function runs in this process."""

    async def call(pool: Any, request: bytes, func: Any, shield: bool) -> bytes:
        return await to_thread.run_sync(child.perform, request)

    replace(processes, _call=call)


@mutant("WORKER-2")
def pickling_errors_are_raw(_: Broken) -> None:
    """What can't be pickled raises whatever the pickler says."""

    def request(func: Any, args: Any) -> bytes:
        if not callable(func):
            raise TypeError
        return pickle.dumps((func, args))

    replace(sends, request=request)


@mutant("WORKER-2")
def exceptions_are_not_tried(_: Broken) -> None:
    """An exception that can't be made again comes as an error about something else."""
    child_differs(("        pickle.loads(reply)", "        pass  #"))


@mutant("WORKER-2")
def results_that_cannot_be_sent_end_the_worker(_: Broken) -> None:
    """A result that can't be pickled ends the worker."""
    child_differs(
        (
            '    except BaseException as exc:\n        return _unsendable(f"the result',
            '    except EOFError as exc:\n        return _unsendable(f"the result',
        )
    )


@mutant("WORKER-3")
def end_of_a_worker_is_the_end_of_a_file(_: Broken) -> None:
    """A worker that ends is EOFError."""

    def what_happened(code: int, name: str) -> str:
        raise EOFError

    replace(processes, _what_happened=what_happened)


@mutant("WORKER-3")
def forked_processes_keep_the_connection(_: Broken) -> None:
    """The end of a worker isn't noticed as long as a process that it forked lives."""
    child_differs(("    os.register_at_fork(after_in_child=sock.close)\n", ""))


@mutant("WORKER-3")
def crash_has_no_cause(_: Broken) -> None:
    """BrokenWorkerProcess does not say how the worker ended."""

    def what_happened(code: int, name: str) -> str:
        return f"the worker ended during the call of {name}"

    replace(processes, _what_happened=what_happened)


@mutant("WORKER-4")
def calls_are_always_abandoned(_: Broken) -> None:
    """A cancelled call kills the worker without being asked to."""

    def scope(shield: bool) -> CancelScope:
        return CancelScope()

    replace(processes, CancelScope=scope)


@mutant("WORKER-4")
def abandoned_workers_live_on(_: Broken) -> None:
    """The worker of an abandoned call is not killed."""

    async def destroy(self: Any) -> int:
        return 0

    replace(Worker, destroy=destroy)


@mutant("WORKER-4")
def abandoned_workers_are_used_again(_: Broken) -> None:
    """The worker of an abandoned call gets the next one, in the middle of the old one."""

    async def exchange(original: Any, self: Any, request: bytes) -> bytes:
        try:
            reply: bytes = await original(self, request)
        except BaseException:
            processes._current_pool().put(self)
            raise
        return reply

    async def destroy(self: Any) -> int:
        return 0

    around(Worker, "exchange", exchange)
    replace(Worker, destroy=destroy)


@mutant("WORKER-5")
def the_task_borrows(_: Broken) -> None:
    """The borrower of the token is the task."""

    async def acquire(original: Any, limiter: Any, borrower: Any) -> Any:
        if type(borrower) is processes._Borrower:
            return await limiter.acquire()
        return await original(limiter, borrower)

    def release(original: Any, limiter: Any, borrower: Any) -> Any:
        if type(borrower) is processes._Borrower:
            return limiter.release()
        return original(limiter, borrower)

    around(CapacityLimiter, "acquire_on_behalf_of", acquire)
    around(CapacityLimiter, "release_on_behalf_of", release)


@mutant("WORKER-5")
def broken_workers_keep_the_token(_: Broken) -> None:
    """The token of a call whose worker ended is not given back."""

    async def call(original: Any, *args: Any) -> bytes:
        try:
            reply: bytes = await original(*args)
        except processes.BrokenWorkerProcess:
            await processes.current_default_process_limiter().acquire_on_behalf_of(object())
            raise
        return reply

    around(processes, "_call", call)


@mutant("WORKER-6")
def prints_go_into_the_connection(_: Broken) -> None:
    """The connection is the worker's standard output."""
    child_differs(
        ("    sock.set_inheritable(False)\n", "    sock.set_inheritable(False)\n    os.dup2(sock.fileno(), 1)\n")
    )


@mutant("WORKER-6")
def prints_are_kept(_: Broken) -> None:
    """What a function prints is lost, because the worker is killed before it has written it."""
    child_differs(("                file.flush()", "                pass"))


@mutant("WORKER-6")
def closed_output_ends_the_worker(_: Broken) -> None:
    """A function that closes its output breaks the worker."""
    child_differs(("with suppress(Exception):  #", "if True:  #"))


@mutant("WORKER-7")
def workers_are_used_once(_: Broken) -> None:
    """Each call gets a new worker."""

    def put(pool: Any, worker: Any) -> None:
        worker.kill()
        worker.let_go()

    replace(Pool, put=put)


@mutant("WORKER-7")
def idle_workers_stay(_: Broken) -> None:
    """Workers wait for calls for ever."""
    child_differs(("_receive_message(sock, idle_seconds)", "_receive_message(sock, None)"))


@mutant("WORKER-7")
def workers_leave_without_a_word(_: Broken) -> None:
    """A worker that ends for want of calls loses the one that comes just then."""
    child_differs(("            sock.sendall(frame(GOODBYE))\n", ""))


@mutant("WORKER-8")
def workers_outlive_the_run(_: Broken) -> None:
    """Nothing ends the workers when the run ends."""

    def close(pool: Any) -> None:
        pass

    replace(Pool, close=close)


@mutant("WORKER-8")
def workers_outlive_the_caller(_: Broken) -> None:
    """A worker whose caller is gone waits for ever."""
    child_differs(
        (
            "            raise EOFError\n        view",
            "            import time\n            time.sleep(60)\n        view",
        )
    )


@mutant("WORKER-9")
def main_program_is_not_loaded(_: Broken) -> None:
    """A function of the main program can't be found."""
    child_differs(
        ("            if ALIAS not in", "            if False and ALIAS not in"), ("module_name = ALIAS", "pass")
    )


@mutant("WORKER-9")
def main_program_runs_as_itself(_: Broken) -> None:
    """The worker runs the main program under its own name, with all that it does."""
    child_differs(("    module = ModuleType(ALIAS)", '    module = ModuleType("__main__")'))


@mutant("WORKER-9")
def main_program_is_always_loaded(_: Broken) -> None:
    """The worker loads the main program whether or not it is needed."""
    child_differs(("    sys.argv[:] = found.argv\n", "    sys.argv[:] = found.argv\n    _load_main(found)\n"))


@mutant("WORKER-9")
def modules_run_by_name_are_loaded_by_path(_: Broken) -> None:
    """A module that was run by -m loses its package."""
    child_differs(("    if name is not None:", "    if False:"))


@mutant("WORKER-10")
def interrupts_reach_the_worker(_: Broken) -> None:
    """SIGINT ends a worker."""
    child_differs(("    signal.signal(signal.SIGINT, _go_on)\n", "    signal.signal(signal.SIGINT, signal.SIG_DFL)\n"))


@mutant("WORKER-10")
def interrupts_are_ignored_below_too(_: Broken) -> None:
    """SIGINT is ignored by what a function starts, too."""
    child_differs(("SIGINT, _go_on", "SIGINT, signal.SIG_IGN"))


@mutant("WORKER-11")
def interpreters_are_threads(_: Broken) -> None:
    """The function runs in this interpreter, in a thread."""
    replace(threads, _call=child.perform)


@mutant("WORKER-11")
def errors_of_interpreters_are_broken_interpreters(_: Broken) -> None:
    """Each exception of a function is BrokenWorkerInterpreter."""

    def call(original: Any, request: bytes) -> bytes:
        reply: bytes = original(request)
        if reply[:1] == child.ERROR:
            raise BrokenWorkerInterpreter
        return reply

    around(threads, "_call", call)


@mutant("WORKER-12")
def missing_interpreters_are_import_errors(_: Broken) -> None:
    """Where Python has no interpreters, an ImportError comes out."""

    def are_there() -> bool:
        if not interpreters.are_there():
            raise ImportError("_interpreters")
        return True

    replace(threads, are_there=are_there)


@mutant("WORKER-13")
def failing_interpreters_are_kept(_: Broken) -> None:
    """An interpreter that failed gets the next call, too."""

    def run(original: Any, self: Any, code: str, **names: object) -> None:
        self.close = lambda: None
        try:
            original(self, code, **names)
        except BaseException:
            threads._idle.append(self)
            raise

    threads._Worker = type("Worker", (threads._Worker,), {})
    around(threads._Worker, "_run", run)


@mutant("WORKER-13")
def failing_interpreters_are_silent(_: Broken) -> None:
    """BrokenWorkerInterpreter says nothing about the cause."""

    def call(original: Any, request: bytes) -> bytes:
        try:
            reply: bytes = original(request)
        except BrokenWorkerInterpreter:
            raise BrokenWorkerInterpreter from None
        return reply

    around(threads, "_call", call)


@mutant("WORKER-14")
def calls_in_interpreters_are_abandoned(_: Broken) -> None:
    """A cancelled call in an interpreter raises at once."""
    replace(threads, to_thread=_Abandoning())


class _Abandoning:
    """``to_thread`` with calls that are abandoned."""

    run_sync = staticmethod(partial(to_thread.run_sync, abandon_on_cancel=True))


@mutant("WORKER-14")
def interpreters_are_used_once(_: Broken) -> None:
    """Each call gets a new interpreter."""

    def call(original: Any, request: bytes) -> bytes:
        reply: bytes = original(request)
        while threads._idle:
            threads._idle.pop().close()
        return reply

    around(threads, "_call", call)


@mutant("WORKER-14")
def calls_in_interpreters_borrow_nothing(_: Broken) -> None:
    """A call in an interpreter borrows the token of a thread."""

    async def run(*args: Any, limiter: Any) -> Any:
        return await to_thread.run_sync(*args)

    replace(threads, to_thread=type("Other", (), {"run_sync": staticmethod(run)}))
