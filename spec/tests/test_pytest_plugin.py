"""Tests of the pytest plugin that are about pytest: options, markers, other plugins. The suite has the others."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

import accord
from accord.pytest_plugin import FreePortFactory

pytest_plugins = ["pytester"]

BACKENDS = accord.get_available_backends()
PASSING = """
import pytest
from accord.lowlevel import checkpoint, current_backend, current_token

@pytest.mark.accord
async def test_it(accord_backend_name):
    await checkpoint()
    assert current_backend().name == accord_backend_name
"""

Run = Callable[..., pytest.RunResult]

needs_both = pytest.mark.skipif(len(BACKENDS) < 2, reason="needs two backends")
needs_asyncio = pytest.mark.skipif("asyncio" not in BACKENDS, reason="needs the asyncio backend")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs pytest on a file with the plugin, and no other plugin of the environment."""

    def run(source: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", "accord.pytest_plugin", "-p", "no:cacheprovider", "-v", *arguments)

    return run


@pytest.fixture(autouse=True)
def _no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def test_importing_it_is_cheap() -> None:
    """What runs tests is not imported with the plugin, nor is any event loop."""
    code = (
        "import sys, accord.pytest_plugin\n"
        "heavy = {'asyncio', 'trio', 'ssl', 'accord.testing', 'accord.pytest_plugin.running'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_backends_by_default(run: Run) -> None:
    """A marked test runs on each installed backend, which its id names."""
    result = run(PASSING)
    result.assert_outcomes(passed=len(BACKENDS))
    for name in BACKENDS:
        result.stdout.fnmatch_lines([f"*::test_it[[]{name}[]] PASSED*"])


def test_chosen_backends(run: Run, pytester: pytest.Pytester) -> None:
    """The command line chooses, and comes before the ini file, which chooses too."""
    pytester.makeini(f"[pytest]\naccord_backends =\n    {BACKENDS[-1]}\n    {BACKENDS[-1]}:budget-1\n")
    result = run(PASSING)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"*{BACKENDS[-1]}:budget-1[]] PASSED*"])
    run(PASSING, "--accord-backend", BACKENDS[0]).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ("nonsense", "no backend named 'nonsense' is installed"),
        (f"{BACKENDS[0]}:nonsense", "has no variant 'nonsense'"),
        ("json:loads", "is no backend"),
        ("no_such_module:backend", "No module named 'no_such_module'"),
    ],
)
def test_wrong_backend(run: Run, choice: str, text: str) -> None:
    """A backend that can't be used is an error of the collection that says why."""
    result = run(PASSING, "--accord-backend", choice)
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    assert text in result.stdout.str() + result.stderr.str()


def test_backend_object(run: Run) -> None:
    """A module's object may be a backend, and markers may name backends, with options."""
    source = f"""
import pytest, accord
from accord._backends import load_backend
mine = load_backend({BACKENDS[0]!r})

@pytest.mark.accord(backends=[mine, ({BACKENDS[0]!r}, {{"checkpoint_budget": 3}})], options={{"checkpoint_budget": 2}})
async def test_it(accord_backend_options):
    assert accord_backend_options["checkpoint_budget"] == 2
"""
    run(source).assert_outcomes(passed=2)


def test_wrong_marker(run: Run) -> None:
    """A marker's unknown arguments are named."""
    result = run("import pytest\n@pytest.mark.accord(virtual=True)\nasync def test_it(): pass")
    assert "the marker accord takes backends, options and virtual_time, not virtual" in result.stdout.str()


def test_overridden_fixture(run: Run) -> None:
    """A project's own accord_backend counts, with its parameters and its scope."""
    source = f"""
import pytest
from accord.lowlevel import current_token
name = {BACKENDS[0]!r}
@pytest.fixture(scope="module", params=[name, pytest.param((name, {{"checkpoint_budget": 1}}), id="b1")])
def accord_backend(request):
    return request.param
@pytest.fixture(scope="module")
async def token():
    return current_token()
@pytest.mark.accord
async def test_one(token, accord_backend_options):
    assert token is current_token()
    assert accord_backend_options in ({{}}, {{"checkpoint_budget": 1}})
"""
    result = run(source)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_one[[]b1[]] PASSED*"])


@needs_both
def test_fixtures_of_one_backend_at_a_time(run: Run) -> None:
    """A session's fixture ends before the next backend's turn, also if it does not mention the backend."""
    source = """
import pytest
from accord.lowlevel import current_backend, current_token
events = []
@pytest.fixture(scope="session", autouse=True)
async def resource():
    events.append("up")
    yield current_token()
    events.append("down")
@pytest.mark.accord
@pytest.mark.parametrize("number", [1, 2])
async def test_it(number, resource):
    assert resource is current_token()
def test_events():
    assert events == ["up", "down", "up", "down"] or events == ["up", "down", "up"]
"""
    run(source, "--accord-mode=strict", "-k", "test_it").assert_outcomes(passed=4, deselected=1)


def test_loops_of_their_own(run: Run) -> None:
    """Tests without fixtures of a higher scope have a loop each."""
    source = """
import pytest
from accord.lowlevel import current_token
tokens = []
@pytest.mark.accord
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_it(number):
    tokens.append(current_token())
    assert len(set(tokens)) == len(tokens)
"""
    run(source, "--accord-backend", BACKENDS[0]).assert_outcomes(passed=3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_virtual_time(run: Run, backend: str) -> None:
    """The marker and the fixture give a test simulated time; its own fixtures live on the same clock."""
    source = """
import pytest, accord, time
@pytest.fixture
async def started():
    await accord.sleep(3600)
    yield accord.current_time()
    await accord.sleep(3600)
@pytest.mark.accord(virtual_time=True)
async def test_marker(started):
    await accord.sleep(1000 * 3600)
    assert accord.current_time() - started == 1000 * 3600
@pytest.mark.accord
async def test_clock(virtual_clock):
    before = virtual_clock.now
    await accord.sleep(1000 * 3600)
    assert virtual_clock.now - before == 1000 * 3600 and virtual_clock.now == accord.current_time()
@pytest.mark.accord
async def test_real():
    before = time.monotonic()
    await accord.sleep(0.05)
    assert time.monotonic() - before >= 0.04
"""
    run(source, "--accord-backend", backend).assert_outcomes(passed=3)


def test_two_plugins_in_mode_auto(run: Run, pytester: pytest.Pytester) -> None:
    """Two plugins that both want all coroutine tests are refused."""
    pytester.syspathinsert()
    pytester.makepyfile(
        other="def pytest_addoption(parser):\n    parser.addini('asyncio_mode', 'as pytest-asyncio', default='auto')"
    )
    result = run("def test_it(): pass", "--accord-mode=auto", "-p", "other")
    assert "accord_mode and asyncio_mode are both auto" in result.stdout.str() + result.stderr.str()
    run("def test_it(): pass", "-p", "other").assert_outcomes(passed=1)


def test_wrong_mode(run: Run, pytester: pytest.Pytester) -> None:
    """A mode that does not exist is refused."""
    pytester.makeini("[pytest]\naccord_mode = automatic\n")
    result = run("def test_it(): pass")
    assert "accord_mode must be strict or auto" in result.stdout.str() + result.stderr.str()


def test_exit_in_a_child_task(run: Run) -> None:
    """pytest.exit() in a task of a group ends the session."""
    source = """
import pytest, accord
@pytest.mark.accord
async def test_it():
    async def child():
        pytest.exit("enough")
    async with accord.create_task_group() as group:
        group.start_soon(child)
@pytest.mark.accord
async def test_next():
    pass
"""
    result = run(source, "--accord-backend", BACKENDS[0])
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "Exit: enough" in result.stdout.str()
    assert "test_next" not in result.stdout.str()


@pytest.mark.parametrize(
    ("fixture", "text"),
    [
        ("yield 1\n    yield 2", "async fixture 'wrong' has more than one yield"),
        ("if False:\n        yield", "async fixture 'wrong' has not reached its yield"),
    ],
)
def test_wrong_generators(run: Run, fixture: str, text: str) -> None:
    """A fixture that yields too often or not at all is named."""
    source = f"""
import pytest
@pytest.fixture
async def wrong():
    {fixture}
@pytest.mark.accord
async def test_it(wrong):
    pass
"""
    assert text in run(source, "--accord-backend", BACKENDS[0]).stdout.str()


@needs_asyncio
def test_native_cancellation(run: Run) -> None:
    """A test that has its task cancelled natively fails, and what comes after it does not."""
    source = """
import asyncio, accord, pytest
@pytest.fixture(scope="module")
async def resource():
    yield 1
    await accord.lowlevel.checkpoint()
@pytest.mark.accord
async def test_it(resource):
    asyncio.current_task().cancel()
    await accord.lowlevel.checkpoint()
@pytest.mark.accord
async def test_next(resource):
    await accord.lowlevel.checkpoint()
"""
    result = run(source, "--accord-backend", "asyncio")
    result.assert_outcomes(passed=1, failed=1)
    assert "cancelled, by no cancel scope" in result.stdout.str()


def test_worker_processes_are_no_leak(run: Run) -> None:
    """The task that looks after accord's idle worker processes is not the test's."""
    source = """
import os, pytest
from accord import to_process
@pytest.fixture(scope="module")
async def resource():
    yield 1
@pytest.mark.accord
async def test_it(resource):
    assert await to_process.run_sync(os.getpid) != os.getpid()
"""
    run(source, "--accord-backend", BACKENDS[0]).assert_outcomes(passed=1)


def test_unittest_stays_unittest(run: Run) -> None:
    """Asynchronous test cases of unittest are left alone in mode auto."""
    source = """
import unittest
class TestIt(unittest.IsolatedAsyncioTestCase):
    async def test_it(self):
        self.assertTrue(True)
"""
    run(source, "--accord-mode=auto").assert_outcomes(passed=1)


def test_xdist(run: Run) -> None:
    """Tests can be distributed: their ids are the same in each process."""
    pytest.importorskip("xdist")
    result = run(PASSING, "-p", "xdist.plugin", "-n", "2")
    result.assert_outcomes(passed=len(BACKENDS))


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_free_ports(kind: socket.SocketKind) -> None:
    """A port is free for both families or the one that is asked for, and each is given once."""
    factory = FreePortFactory(kind)
    assert factory.kind is kind
    ports = [factory() for _ in range(50)] + [factory(socket.AF_INET)]
    assert len(set(ports)) == 51
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", ports[-1]))
