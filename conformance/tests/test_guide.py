"""The guide "Write a backend" is followed literally: programs written, commands run, output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "write-a-backend.md"

BIN = Path(sys.executable).parent


def run_lines(commands: str, folder: Path) -> str:
    """Run each line as a command with this interpreter's programs, and return what they print."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    output = ""
    for command in commands.splitlines():
        process = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200
        )
        output += process.stdout + process.stderr
        assert "Traceback" not in process.stderr, process.stderr
    return output


def test_guide(tmp_path: Path) -> None:
    """Each line of output that the guide shows is the beginning, or a part, of a line that there really is."""
    output = ""
    compared = 0
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        if kind == "python":
            name = re.match(r"# (\w+\.py)\n", block)
            assert name is not None, block
            (tmp_path / name[1]).write_text(block, encoding="utf-8")
        elif kind == "sh":
            output = run_lines(block, tmp_path)
        elif kind == "output":
            for line in block.splitlines():
                assert line in output, f"{line!r} is not in\n{output}"
                compared += 1
    assert compared > 15
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
