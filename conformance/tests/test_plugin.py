"""Tests of the plugin in a pytest session of somebody else, and of the helpers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from broken_backends import any_installed

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled
from accord_conformance import helpers
from accord_conformance.watchdog import await_chain

OWN_TESTS = """
import accord
from accord_conformance.helpers import rule, untestable

@rule("CKPT-1")
async def test_asynchronous(backend, tmp_path):
    assert accord.lowlevel.current_backend() is backend

@rule("CKPT-1")
def test_synchronous(run):
    async def main(argument):
        return argument
    assert run(main, 42, checkpoint_budget=1) == 42

@rule("CKPT-2")
async def test_failing():
    assert 1 == 2

@rule("CKPT-3")
async def test_untestable():
    untestable("not here")

@rule("CKPT-3")
def test_script(script):
    done = script("async def main():\\n    print(backend.name)\\nrun(main)\\n")
    assert done.stdout.strip()

def test_without_rule():
    raise AssertionError
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder with the plugin."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "accord_conformance.plugin", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )


def test_does_nothing_by_itself(tmp_path: Path) -> None:
    """Without a backend the plugin changes nothing and does not import accord."""
    (tmp_path / "test_theirs.py").write_text(
        "import sys\ndef test_theirs():\n    assert 'accord' not in sys.modules\n", encoding="utf-8"
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_own_tests(tmp_path: Path) -> None:
    """An author can write tests of the same kind; those without a rule are left out."""
    (tmp_path / "test_own.py").write_text(OWN_TESTS, encoding="utf-8")
    done = run_pytest(tmp_path, f"--conformance-backend={any_installed()}", "-rs")
    assert "3 passed" in done.stdout
    assert "1 failed" in done.stdout
    assert "1 skipped" in done.stdout
    assert "1 deselected" in done.stdout
    assert "assert 1 == 2" in done.stdout
    assert "not here" in done.stdout


def test_the_suite_under_pytest(tmp_path: Path) -> None:
    """The suite can be run by pytest itself."""
    done = run_pytest(
        tmp_path,
        "--pyargs",
        "accord_conformance.suite",
        f"--conformance-backend={any_installed()}",
        "--conformance-rule=CKPT-2",
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_hang_without_the_command(tmp_path: Path) -> None:
    """Without the command a hang ends the session, with an explanation."""
    (tmp_path / "test_own.py").write_text(
        "import accord\nfrom accord_conformance.helpers import rule\n"
        "@rule('CKPT-1')\nasync def test_hanging():\n    await accord.sleep_forever()\n",
        encoding="utf-8",
    )
    done = run_pytest(tmp_path, f"--conformance-backend={any_installed()}", "--conformance-patience=0.5")
    assert done.returncode == 70
    assert "test_hanging did not end within 0.5 s" in done.stderr
    assert "accord.sleep_forever()" in done.stderr


def test_await_chain() -> None:
    """The chain of awaits names each frame down to the one that waits."""

    async def outer() -> None:
        await inner()

    async def inner() -> None:
        await Suspended()

    class Suspended:
        def __await__(self) -> Any:
            yield

    coroutine = outer()
    coroutine.send(None)
    names = [line.split(" in ")[1].split(":")[0].rpartition(".")[2] for line in await_chain(coroutine)]
    assert names == ["outer", "inner", "__await__"]
    coroutine.close()
    assert list(await_chain(None)) == []


def run(main: Any) -> Any:
    """Run an asynchronous function on some backend."""
    return accord.run(main, backend=any_installed())


def test_observing_yields() -> None:
    """Yields are counted, and values and exceptions go through."""

    async def three() -> str:
        for _ in range(3):
            await checkpoint()
        return "value"

    async def fails() -> None:
        await checkpoint()
        raise KeyError

    async def main() -> None:
        assert await helpers.count_yields(three()) >= 3
        assert await helpers.count_yields(checkpoint_if_cancelled()) == 0
        await helpers.assert_yields(checkpoint)
        await helpers.assert_never_yields(checkpoint_if_cancelled)
        with pytest.raises(AssertionError):
            await helpers.assert_yields(checkpoint_if_cancelled)
        with pytest.raises(AssertionError):
            await helpers.assert_never_yields(checkpoint)
        with pytest.raises(KeyError):
            await helpers.count_yields(fails())

    run(main)


def test_observing_cancellation() -> None:
    """Operations that check are told from those that do not."""

    async def main() -> None:
        assert await helpers.is_cancelled_by(checkpoint)
        assert not await helpers.is_cancelled_by(cancel_shielded_checkpoint)
        assert await helpers.checkpoint_class(checkpoint, checkpoint) == "CY"
        assert await helpers.checkpoint_class(checkpoint_if_cancelled, checkpoint_if_cancelled) == "C-"
        assert await helpers.checkpoint_class(cancel_shielded_checkpoint, cancel_shielded_checkpoint) == "-Y"

    run(main)


def test_observing_garbage() -> None:
    """Cycles are found and nothing else, and the collector is left as it was."""
    import gc

    async def clean() -> None:
        await checkpoint()

    async def littering() -> None:
        cycle: list[object] = []
        cycle.append(cycle)

    async def main() -> None:
        assert await helpers.cyclic_garbage(clean) == []
        assert len(await helpers.cyclic_garbage(littering, rounds=2)) == 2
        assert gc.isenabled()
        assert gc.garbage == []
        assert gc.get_debug() == 0

    run(main)


def test_calling_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and exceptions come back, and a thread that does not end is given up."""
    import threading

    def fail() -> None:
        raise KeyError

    assert helpers.in_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(KeyError):
        helpers.in_thread(fail)
    monkeypatch.setattr(helpers, "PATIENCE", 0.05)
    release = threading.Event()
    with pytest.raises(TimeoutError):
        helpers.in_thread(release.wait)
    release.set()


def test_leaves() -> None:
    """The leaves of nested groups come from left to right."""
    one, two, three = ValueError(), KeyError(), OSError()
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", [one, two]), three])
    assert helpers.leaves(nested) == [one, two, three]
    assert helpers.leaves(one) == [one]
