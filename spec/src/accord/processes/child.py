"""What runs in a worker: receive calls, make them, send back what became of them.

A worker process runs this file as its program, and a worker interpreter loads it by its path: so it imports nothing of
the package, whose import would take longer than the start of the interpreter itself.

A function or class of the parent's ``__main__`` is pickled by that name. The worker runs the parent's main program
under the name ``__mp_main__``, as ``multiprocessing`` does, when such a name comes up for the first time and not
before: most functions come from modules, and the program may be costly or unguarded.
"""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

NAME = "accord.processes.child"
ALIAS = "__mp_main__"

VALUE, ERROR, UNSENDABLE, GOODBYE = b"V", b"E", b"U", b"G"
"""What a reply begins with: the pickled value; the pickled exception and its traceback as text; a text about something
that can't be sent; or "I end because nobody calls, and have begun nothing"."""

HEADER = 8
"""Bytes of the length in front of each message."""


class Surroundings(NamedTuple):
    """What a worker takes over from its parent; sent as a plain tuple."""

    path: list[str]
    argv: list[str]
    main_name: str | None
    """The name by which the main program was found, if it was run by ``-m``."""
    main_path: str | None
    """Its file, if it has one."""


class _Main:
    """The parent's main program, in a worker."""

    surroundings: Surroundings | None = None
    is_loading = False
    replaces = False
    """Whether it takes the place of ``__main__`` too."""


def settle(surroundings: tuple[Any, ...], replaces_main: bool) -> None:
    """Take over the parent's surroundings; in a worker."""
    _Main.surroundings = found = Surroundings(*surroundings)
    _Main.replaces = replaces_main
    sys.path[:] = found.path
    sys.argv[:] = found.argv


def is_loading_main() -> bool:
    """Whether this is a worker that runs the parent's main program just now."""
    return _Main.is_loading


def _load_main(surroundings: Surroundings) -> None:
    name, path = surroundings.main_name, surroundings.main_path
    module = ModuleType(ALIAS)
    code: Any
    if name is not None:
        spec: Any = PathFinder.find_spec(name) if name == "__main__" else importlib.util.find_spec(name)
        module.__spec__, module.__file__, module.__package__ = spec, spec.origin, spec.parent
        code = spec.loader.get_code(name)
    elif path is not None:
        module.__file__ = path
        code = compile(Path(path).read_bytes(), path, "exec")
    else:
        raise AttributeError("the main program of the caller has no file from which a worker could load it")
    sys.modules[ALIAS] = module
    if _Main.replaces:
        sys.modules["__main__"] = module
    _Main.is_loading = True
    try:
        exec(code, module.__dict__)  # noqa: S102 - that is how a program is run under another name
    except BaseException:
        del sys.modules[ALIAS]
        raise
    finally:
        _Main.is_loading = False


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Find a global name, after the main program was loaded if the name is there."""
        if module_name in ("__main__", ALIAS) and _Main.surroundings is not None:
            if ALIAS not in sys.modules:
                _load_main(_Main.surroundings)
            module_name = ALIAS
        return super().find_class(module_name, global_name)


def perform(request: bytes) -> bytes:
    """Make the call that a request describes, and return the reply."""
    try:
        func, args = _Unpickler(io.BytesIO(request)).load()
    except BaseException as exc:
        return _unsendable(f"the worker can't load the function or its arguments: {_text(exc)}")
    try:
        value = func(*args)
    except BaseException as exc:
        return _error(exc)
    try:
        return VALUE + pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except BaseException as exc:
        return _unsendable(f"the result, of type {type(value).__name__}, can't be sent back: {_text(exc)}")


def _error(exc: BaseException) -> bytes:
    frames = exc.__traceback__
    where = "".join(traceback.format_exception(type(exc), exc, frames and frames.tb_next))
    try:
        reply = pickle.dumps((exc, where), pickle.HIGHEST_PROTOCOL)
        pickle.loads(reply)  # noqa: S301 - many exceptions can be pickled and not be made again
    except BaseException as why:
        return _unsendable(f"the function raised what can't be sent back ({_text(why)}):\n{where}")
    return ERROR + reply


def _unsendable(text: str) -> bytes:
    return UNSENDABLE + text.encode(errors="backslashreplace")


def _text(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}"


def answer(fd: int, request: bytes) -> None:
    """Make a call and write the reply to a file; in a worker interpreter."""
    reply = memoryview(perform(request))
    while reply:
        reply = reply[os.write(fd, reply) :]


def frame(message: bytes) -> bytes:
    """Return a message with its length in front of it."""
    return len(message).to_bytes(HEADER, "big") + message


def _receive(sock: socket.socket, size: int) -> bytes:
    """Return so many bytes; ``EOFError`` if the parent has closed its end before."""
    received = bytearray(size)
    view = memoryview(received)
    while view:
        count = sock.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return bytes(received)


def serve(sock: socket.socket, idle_seconds: float) -> None:
    """Make calls until the parent closes its end or nobody calls for so long; in a worker process."""
    settle(pickle.loads(_receive_message(sock, None)), replaces_main=True)  # noqa: S301 - from the parent
    while True:
        try:
            request = _receive_message(sock, idle_seconds)
        except TimeoutError:
            sock.sendall(frame(GOODBYE))
            return
        reply = perform(request)
        for file in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the function may have closed or replaced it
                file.flush()
        sock.sendall(frame(reply))
        del request, reply


def _receive_message(sock: socket.socket, timeout: float | None) -> bytes:
    sock.settimeout(timeout)
    first = _receive(sock, 1)
    sock.settimeout(None)
    return _receive(sock, int.from_bytes(first + _receive(sock, HEADER - 1), "big"))


def _go_on(_signal: int, _frame: object) -> None:
    """Take no notice."""


def _main() -> None:
    sys.modules[NAME] = sys.modules["__main__"]
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    # A process that a function forks must not keep the connection open, or the parent would not notice our end.
    os.register_at_fork(after_in_child=sock.close)
    # Ctrl-C goes to all processes of the terminal; it is the parent that decides. A handler that does nothing is not
    # passed on to programs that a function starts, as "ignore" would be.
    signal.signal(signal.SIGINT, _go_on)
    with sock, suppress(EOFError, ConnectionError):
        serve(sock, float(sys.argv[2]))


if __name__ == "__main__":
    _main()
