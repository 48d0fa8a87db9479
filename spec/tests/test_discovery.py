"""Finding backends: what the suite can't show, because it needs other sets of installed packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

import accord
from accord import _backends
from accord.protocols import Backend


class Installed:
    """A stand-in for the table of installed packages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.points: list[EntryPoint] = []
        self.monkeypatch = monkeypatch
        monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: self.points)
        monkeypatch.setattr(_backends, "entry_points", lambda **_: self.points, raising=False)
        monkeypatch.setattr(_backends, "_loaded", {})
        monkeypatch.setattr(_backends, "_probes", [])
        monkeypatch.delenv("ACCORD_BACKEND", raising=False)

    def add(self, name: str, value: str) -> None:
        """Install a backend."""
        self.points.append(EntryPoint(name, value, "accord.backends"))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Nothing is installed."""
    return Installed(monkeypatch)


async def which() -> str:
    """Return the name of the backend that runs this."""
    return accord.lowlevel.current_backend().name


def test_nothing_installed(installed: Installed) -> None:
    """The error says which commands install a backend."""
    assert accord.get_all_backends() == ()
    with pytest.raises(accord.BackendNotFound, match=r"accord\[asyncio\].*accord\[trio\]"):
        accord.run(which)


def test_only_one_installed(installed: Installed) -> None:
    """The only one is taken, whatever its name."""
    installed.add("other", "accord_trio:backend")
    assert accord.run(which) == "trio"


def test_default(installed: Installed) -> None:
    """Of several, asyncio is taken."""
    installed.add("trio", "accord_trio:backend")
    installed.add("asyncio", "accord_asyncio:backend")
    assert accord.get_all_backends() == ("asyncio", "trio")
    assert accord.run(which) == "asyncio"


def test_environment(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variable decides, unless the argument does; an unknown name in it is explained."""
    installed.add("trio", "accord_trio:backend")
    installed.add("asyncio", "accord_asyncio:backend")
    monkeypatch.setenv("ACCORD_BACKEND", "trio")
    assert accord.run(which) == "trio"
    assert accord.run(which, backend="asyncio") == "asyncio"
    monkeypatch.setenv("ACCORD_BACKEND", "twisted")
    with pytest.raises(accord.BackendNotFound, match=r"'twisted'.*asyncio, trio.*ACCORD_BACKEND"):
        accord.run(which)


def test_two_of_one_name(installed: Installed) -> None:
    """Two packages that claim one name are an error that names both."""
    installed.add("asyncio", "accord_asyncio:backend")
    installed.add("asyncio", "someone_else:backend")
    with pytest.raises(accord.BackendNotFound, match="someone_else"):
        accord.run(which)


def test_broken_backend_is_not_available(installed: Installed) -> None:
    """A backend that can't be imported, or is none, is listed as installed and not as available."""
    installed.add("gone", "no_such_module:backend")
    installed.add("nonsense", "json:dumps")
    installed.add("trio", "accord_trio:backend")
    assert accord.get_all_backends() == ("gone", "nonsense", "trio")
    assert accord.get_available_backends() == ("trio",)
    with pytest.raises(TypeError, match="no backend"):
        accord.run(which, backend="nonsense")


def test_incomplete_object() -> None:
    """An object that lacks members of the waist is refused with their names."""

    class Half:
        name = "half"
        version = spec_version = "0"

        def run(self, *_: object) -> None:
            """Do nothing."""

    half: Any = Half()
    with pytest.raises(TypeError, match=r"lacks .*create_parker.*testing"):
        accord.run(which, backend=half)


def test_proxy_is_the_running_backend() -> None:
    """A backend object that was passed to run() is what is found inside, not the one it delegates to."""

    class Proxy:
        def __init__(self, real: Backend) -> None:
            self.real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    proxy: Any = Proxy(_backends.load_backend("asyncio"))

    async def main() -> bool:
        return accord.lowlevel.current_backend() is proxy

    assert accord.run(main, backend=proxy)
