"""The documentation's programs that show what they print do print it, on each backend and without a warning."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from _pytest.mark import ParameterSet

REPOSITORY = Path(__file__).parents[2]

SHOWN = re.compile(
    r"^```python\n(?P<program>(?:(?!```).*\n)*)```\n\n```text\n(?P<output>(?:(?!```).*\n)*)```", re.MULTILINE
)
"""A block of Python with a block of text right behind it."""


def shown_programs() -> Iterator[ParameterSet]:
    """Yield each program with what is written below it."""
    for page in sorted(REPOSITORY.glob("docs/**/*.md")):
        text = page.read_text()
        for match in SHOWN.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield pytest.param(match["program"], match["output"], id=f"{page.stem}-{line}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificates that the programs name."""
    path = tmp_path_factory.mktemp("programs")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(path / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(path / "server.pem"))
    return path


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("program", "output"), list(shown_programs()))
def test_prints_what_is_shown(program: str, output: str, backend: str, folder: Path) -> None:
    """The program ends well and prints exactly what stands below it."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"ACCORD_BACKEND": backend},
        timeout=60,
    )
    # On a busy machine asyncio's debug mode, a part of dev mode, reports that a step was slow.
    assert [line for line in done.stderr.splitlines() if not line.startswith("Executing <")] == []
    assert done.stdout == output
    assert done.returncode == 0
