"""Functions of the main program in workers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import accord
from accord_conformance.helpers import rule

Script = Callable[..., subprocess.CompletedProcess[str]]

PROGRAM = """
import os, sys
import accord
print("loaded", __name__, flush=True)
class Thing:
    def __init__(self, value):
        self.value = value
def double(thing):
    return Thing(thing.value * 2)
async def main():
    for value in (1, 2):
        thing = await accord.to_process.run_sync(double, Thing(value))
        assert type(thing) is Thing
        print(thing.value, flush=True)
if __name__ == "__main__":
    accord.run(main)
"""


@rule("WORKER-9")
def test_program_in_a_file(script: Script) -> None:
    """A function of the program works; the worker loads the program once, under another name."""
    result = script(PROGRAM)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split("\n") == ["loaded __main__", "loaded __mp_main__", "2", "4", ""]


@rule("WORKER-9")
@pytest.mark.parametrize("name", ["program", "package", "package.inner"])
async def test_program_run_by_m(name: str, tmp_path: Path) -> None:
    """A function of a module or package that was run by -m works, with its relative imports."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "other.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    for file in ("__main__.py", "inner.py"):
        (package / file).write_text("from .other import x\n" + PROGRAM, encoding="utf-8")
    result = await accord.run_process([sys.executable, "-W", "error", "-m", name], cwd=tmp_path, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().split() == ["loaded", "__main__", "loaded", "__mp_main__", "2", "4"]


@rule("WORKER-9")
def test_program_that_is_not_needed(script: Script) -> None:
    """The worker doesn't load the program if the call has nothing of it; the program need not be guarded then."""
    result = script(
        """
print("loaded", flush=True)
async def main():
    print(await accord.to_process.run_sync(abs, -5))
run(main)
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "loaded\n5\n", "")


@rule("WORKER-9")
def test_unguarded_program(script: Script) -> None:
    """An unguarded program whose function is called is an error that says what to do, and not endless processes."""
    result = script(
        """
def own():
    return 5
async def main():
    print(await accord.to_process.run_sync(own))
run(main)
"""
    )
    assert result.returncode == 1
    assert 'if __name__ == "__main__"' in result.stderr
    assert "PicklingError" in result.stderr


@rule("WORKER-9")
@pytest.mark.parametrize("how", ["-c", "input"])
async def test_program_without_a_file(how: str) -> None:
    """A function of a program that has no file is an error that says so."""
    program = (
        "import accord\ndef own(): return 5\n\n"
        "async def main():\n    await accord.to_process.run_sync(own)\n\naccord.run(main)\n"
    )
    if how == "-c":
        result = await accord.run_process([sys.executable, "-c", program], check=False)
    else:
        result = await accord.run_process([sys.executable, "-i"], input=program.encode(), check=False)
    assert b"PicklingError" in result.stderr
    assert b"has no file" in result.stderr


@rule("WORKER-9", "WORKER-1")
def test_surroundings(script: Script, tmp_path: Path) -> None:
    """The worker has the caller's module path and arguments."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "only_here.py").write_text("import sys\ndef get(): return sys.argv\n", encoding="utf-8")
    result = script(
        f"""
import sys
sys.path.append({str(tmp_path / "folder")!r})
sys.argv.append("argument")
import only_here
async def main():
    print((await accord.to_process.run_sync(only_here.get))[1:])
run(main)
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "['argument']\n", "")
