"""Runs asynchronous tests of the asyncio backend, each on every kind of loop."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import sys
from typing import Any

import pytest

import accord
from accord_asyncio import backend

LIMIT = 15.0
"""Seconds that a test may take; no test needs more than one."""

LOOPS: dict[str, dict[str, Any]] = {
    "stock": {},
    **{name: dict(options) for name, options in backend.variants.items() if name in ("uvloop", "eager")},
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each asynchronous test run once for each kind of loop."""
    if inspect.iscoroutinefunction(metafunc.function):
        metafunc.fixturenames.append("kind_of_loop")
        metafunc.parametrize("kind_of_loop", LOOPS)


def give_up(item: pytest.Function, task: asyncio.Task[None]) -> None:
    """End the process: a task that hangs would keep the loop from ending too."""
    item.config.pluginmanager.getplugin("capturemanager").suspend_global_capture(in_=True)
    print(f"\n{item.nodeid} did not end within {LIMIT} seconds", flush=True)
    task.print_stack()
    sys.stderr.flush()
    os._exit(1)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Run an asynchronous test."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(function).parameters}

    async def main() -> None:
        # A native task of its own, so that a test which hangs can be given up.
        task = asyncio.ensure_future(function(**arguments))
        await asyncio.wait([task], timeout=LIMIT)
        if not task.done():
            give_up(pyfuncitem, task)
        await task

    accord.run(main, backend=backend, backend_options=LOOPS[str(pyfuncitem.callspec.params["kind_of_loop"])])
    # What a test leaves behind has to show in this test and not in another.
    gc.collect()
    return True
