"""Which backend runs: the argument, the environment, what is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any, cast

import pytest

import accord
from accord.lowlevel import current_backend
from accord.protocols import Backend
from accord_conformance.helpers import rule

Script = Callable[..., subprocess.CompletedProcess[str]]


class Copy:
    """A backend with all members of another: what a stranger's package would provide."""

    def __init__(self, original: Backend, name: str) -> None:
        self._original = original
        self.name = name

    def __getattr__(self, member: str) -> Any:
        return getattr(self._original, member)


class Distribution(metadata.Distribution):
    """An installed distribution that provides some backends."""

    def __init__(self, names: tuple[str, ...]) -> None:
        lines = [f"{name} = {__name__}:installed_{name}" for name in names]
        self._files = {
            "METADATA": "Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n",
            "entry_points.txt": "\n".join(["[accord.backends]", *lines, ""]),
        }

    def read_text(self, filename: str) -> str | None:
        """The content of one of its metadata files."""
        return self._files.get(filename)

    def locate_file(self, path: Any) -> Any:
        """Where a file is: nowhere, in truth."""
        return path


class Installed:
    """Decides which backends are installed: each name is one, a copy of the backend under test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, backend: Backend) -> None:
        self._patch = monkeypatch
        self._backend = backend

    def __call__(self, *names: str) -> None:
        """Let these names be installed."""
        for name in names:
            self._patch.setattr(sys.modules[__name__], f"installed_{name}", Copy(self._backend, name), raising=False)
        self._patch.setattr(metadata, "distributions", lambda: iter([Distribution(names)]))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, backend: Backend) -> Installed:
    """Decides which backends seem to be installed; names must be new in each test, since a loaded backend is kept."""
    monkeypatch.delenv("ACCORD_BACKEND", raising=False)
    return Installed(monkeypatch, backend)


async def name_of_backend() -> str:
    """The name of the running backend, as the run saw it."""
    await accord.lowlevel.checkpoint()
    return current_backend().name


@rule("RUN-9")
def test_object(backend: Backend) -> None:
    """A backend object is used as it is."""
    copy = Copy(backend, "the-copy")
    assert accord.run(name_of_backend, backend=cast("Backend", copy)) == "the-copy"


@rule("RUN-9")
def test_name(installed: Installed) -> None:
    """A name chooses among those that are installed."""
    installed("alpha1", "beta1")
    assert accord.run(name_of_backend, backend="beta1") == "beta1"


@rule("RUN-9")
def test_environment(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable chooses if there is no argument, and the argument wins over it."""
    installed("alpha2", "beta2")
    monkeypatch.setenv("ACCORD_BACKEND", "beta2")
    assert accord.run(name_of_backend) == "beta2"
    assert accord.run(name_of_backend, backend="alpha2") == "alpha2"


@rule("RUN-9")
def test_only_one(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only one installed is used, also if the environment variable is empty."""
    installed("single")
    assert accord.run(name_of_backend) == "single"
    monkeypatch.setenv("ACCORD_BACKEND", "")
    assert accord.run(name_of_backend) == "single"


@rule("RUN-9")
def test_first_by_name(installed: Installed) -> None:
    """Of several strangers the first by name is used."""
    installed("zeta3", "beta3", "eta3")
    assert accord.run(name_of_backend) == "beta3"


@rule("RUN-9")
def test_asyncio_comes_first(script: Script) -> None:
    """Of several the one named asyncio is used."""
    done = script(
        "from accord_conformance.suite.run import test_choice\n"
        "names = ('alpha', 'asyncio', 'beta')\n"
        "for name in names:\n"
        "    setattr(test_choice, f'installed_{name}', test_choice.Copy(backend, name))\n"
        "test_choice.metadata.distributions = lambda: iter([test_choice.Distribution(names)])\n"
        "print(accord.run(test_choice.name_of_backend, backend_options=options))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "asyncio\n", "")


@rule("RUN-9")
def test_none_installed(installed: Installed) -> None:
    """With none installed the error is a LookupError that gives the command."""
    installed()
    with pytest.raises(accord.BackendNotFound, match="pip install") as caught:
        accord.run(name_of_backend)
    assert isinstance(caught.value, LookupError)


@rule("RUN-9")
def test_unknown_name(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name is refused with a list of the names that are installed."""
    installed("alpha4", "beta4")
    with pytest.raises(accord.BackendNotFound, match=r"nonsense.*alpha4.*beta4"):
        accord.run(name_of_backend, backend="nonsense")
    monkeypatch.setenv("ACCORD_BACKEND", "nonsense")
    with pytest.raises(accord.BackendNotFound, match=r"nonsense.*alpha4.*beta4"):
        accord.run(name_of_backend)


@rule("RUN-9")
def test_listing(installed: Installed) -> None:
    """The installed backends can be listed, and those that can be imported."""
    installed("alpha5", "beta5")
    assert sorted(accord.get_all_backends()) == ["alpha5", "beta5"]
    assert sorted(accord.get_available_backends()) == ["alpha5", "beta5"]


@rule("RUN-9")
def test_object_that_lacks_members(backend: Backend) -> None:
    """An object without all members of the waist is refused, and the text names what is missing."""

    class Half:
        name = "half"
        version = "0"

    with pytest.raises(TypeError, match=r"create_task_group.*sleep_until"):
        accord.run(name_of_backend, backend=cast("Backend", Half()))

    names = [name for name in vars(Backend) if not name.startswith("_") and name != "create_parker"]
    almost = type("Almost", (), {name: getattr(backend, name) for name in names})()
    with pytest.raises(TypeError, match="create_parker") as caught:
        accord.run(name_of_backend, backend=cast("Backend", almost))
    assert "create_task_group" not in str(caught.value)
