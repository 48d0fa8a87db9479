"""The wheels work without the repository, and each backend without the other.

Slow, because it makes two environments; `make packaging` runs it, and plain `pytest` leaves it out.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

REPOSITORY = Path(__file__).parents[2]
FOLDERS = {
    "accord": "spec",
    "accord_asyncio": "impl_asyncio",
    "accord_trio": "impl_trio",
    "accord_conformance": "conformance",
}

PROGRAM = """
import importlib.util, sys
import accord

async def child(send):
    async with send:
        for number in range(10):
            await send.send(number)

async def main():
    send, receive = accord.create_memory_object_stream[int](1)
    async with accord.create_task_group() as group:
        group.start_soon(child, send)
        async with receive:
            total = [number async for number in receive]
    with accord.move_on_after(0.01) as scope:
        await accord.sleep_forever()
    return sum(total), scope.cancelled_caught, accord.lowlevel.current_backend().name

present, absent = sys.argv[1:]
assert accord.run(main) == (45, True, present)
assert accord.get_available_backends() == (present,), accord.get_available_backends()
assert importlib.util.find_spec(f"accord_{absent}") is None
assert importlib.util.find_spec("accord_conformance") is None
assert "site-packages" in accord.__file__
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that has to succeed and return what it printed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the four wheels and return them by import name."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    run(*pip, *(str(REPOSITORY / name) for name in FOLDERS.values()), cwd=folder)
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Make an empty environment and return its interpreter."""
    run(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path)
    return tmp_path / "env" / "bin" / "python"


def test_contents(wheels: dict[str, Path]) -> None:
    """Each wheel holds its modules, the typing marker and the licence; that of accord also the rules, all of them."""
    assert set(wheels) == set(FOLDERS)
    for name, path in wheels.items():
        source = REPOSITORY / FOLDERS[name] / "src"
        expected = {found.relative_to(source).as_posix() for found in (source / name).rglob("*.py")}
        content = set(zipfile.ZipFile(path).namelist())
        assert expected | {f"{name}/py.typed", f"{name}-0.1.0.dist-info/licenses/LICENSE"} <= content
        rules = {f"accord/rules/{file.name}" for file in (REPOSITORY / "spec" / "rules").glob("*.md")}
        assert name != "accord" or (rules and rules <= content)
        data = {f"accord_conformance/{name}" for name in ("manifest.json", "report.schema.json", "views/page.html")}
        assert name != "accord_conformance" or data <= content


@pytest.mark.parametrize(("present", "absent"), [("asyncio", "trio"), ("trio", "asyncio")])
def test_one_backend(wheels: dict[str, Path], environment: Path, tmp_path: Path, present: str, absent: str) -> None:
    """A portable program runs with accord and one backend installed, and nothing else."""
    chosen = [str(wheels["accord"]), str(wheels[f"accord_{present}"])]
    run(environment, "-m", "pip", "install", "-qq", "-c", REPOSITORY / "constraints.txt", *chosen, cwd=tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM)
    run(environment, "-W", "error", "program.py", present, absent, cwd=tmp_path)


def test_no_backend(wheels: dict[str, Path], environment: Path, tmp_path: Path) -> None:
    """With no backend installed accord can be imported, and `run` says how to install one."""
    run(
        environment, "-m", "pip", "install", "-qq", "-c", REPOSITORY / "constraints.txt", wheels["accord"], cwd=tmp_path
    )
    program = (
        "import accord\ntry:\n    accord.run(accord.sleep, 0)\nexcept accord.BackendNotFound as exc:\n    print(exc)\n"
    )
    assert "pip install" in run(environment, "-c", program, cwd=tmp_path)


STRANGERS = """
import os
from accord_asyncio import backend as good

class Proxy:
    def __getattr__(self, member):
        return getattr(good, member)

class Hanging(Proxy):
    async def checkpoint(self):
        await good.sleep_until(float("inf"))

class Boasting(Proxy):
    capabilities = good.capabilities
    testing = None

class Lacking:
    name = "lacking"

proxy, hanging, boasting, lacking = Proxy(), Hanging(), Boasting(), Lacking()
"""


def test_strangers_in_an_empty_folder(wheels: dict[str, Path], environment: Path, tmp_path: Path) -> None:
    """With the wheels alone the kit tells a good backend from four that are wrong, by status and text."""
    chosen = [str(wheels[name]) for name in ("accord", "accord_asyncio", "accord_conformance")]
    run(environment, "-m", "pip", "install", "-qq", "-c", REPOSITORY / "constraints.txt", *chosen, cwd=tmp_path)
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "strangers.py").write_text(STRANGERS)
    (folder / "crashing.py").write_text("raise ValueError('no licence found')")
    expected = {
        ("asyncio", "CKPT-2"): (0, "CONFORMANT to spec"),
        ("strangers:proxy", "CKPT-2"): (0, "CONFORMANT to spec"),
        ("strangers:lacking", "CKPT-2"): (2, "strangers:lacking is no backend: it lacks"),
        ("strangers:hanging", "CKPT-3"): (1, "did not end within 1 s"),
        ("strangers:boasting", "RUN-15"): (1, "FAILED RUN-15"),
        ("crashing:backend", "CKPT-2"): (2, "cannot import 'crashing': ValueError: no licence found"),
    }
    command = environment.parent / "accord-conformance"
    for (backend, rule), (status, text) in expected.items():
        done = subprocess.run(
            [command, "run", backend, "--rule", rule, "--patience", "1", "--json", "report.json"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{backend}:\n{done.stdout}\n{done.stderr}"
        assert text in done.stdout + done.stderr
    run(command, "matrix", "report.json", "--output", "report.html", cwd=folder)
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert "signatures" in run(command, "types", "strangers:proxy", "--checker", "signatures", cwd=folder)
