"""The debug mode changes nothing but what it says: a watched backend keeps the rules (DEBUG-5)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
AREAS = ("CANCEL", "TASK", "PARK", "CKPT", "TIME", "LOCK", "MEM", "POLL")


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_conformance(name: str) -> None:
    """The areas in which a backend that stands in between would be noticed."""
    command = [sys.executable, "-m", "accord_conformance", "run", f"watched_backends:{name}"]
    done = subprocess.run(
        [*command, *(f"--area={area}" for area in AREAS)],
        cwd=HERE,
        env=os.environ | {"PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
        timeout=570,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CONFORMANT" in done.stdout
