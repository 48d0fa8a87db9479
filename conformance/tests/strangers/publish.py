"""Writes ``docs/conformance.md`` and ``docs/conformance.html``: our backends, the model and the strangers side by side.

``make matrix`` runs it. What the failures of the strangers mean comes from the files in ``expected``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from accord_conformance.data import ReportData, read_reports
from accord_conformance.views.markdown import markdown
from accord_conformance.views.matrix import Matrix
from accord_conformance.views.page import page

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs"

COLUMNS: dict[str, tuple[str, ...]] = {
    "asyncio": ("asyncio",),
    "uvloop": ("asyncio", "--variant", "uvloop"),
    "trio": ("trio",),
    "model": ("accord_conformance.model:backend",),
    "anyio_asyncio": ("strangers.anyio_asyncio:backend", "--patience", "6"),
    "anyio_trio": ("strangers.anyio_trio:backend", "--patience", "6"),
    "trio_guest": ("strangers.trio_guest:backend",),
}

TITLES = {"trio_guest": "trio as a guest of asyncio"}
"""What a column is called if its backend's own name would be taken for another."""

MOST_LINES = 20
"""How much of a failure's message is published."""

EXPLANATION = """
# What the failures of AnyIO mean

AnyIO's two backends run here through thin adapters (`conformance/tests/strangers/`), which map each member of the waist
to AnyIO's public API and repair nothing. Locks, streams, sockets and threads are accord's own code on every column, so
these areas say that the waist carries them, and nothing about AnyIO's.

**A** is a defect of AnyIO (a number such as D01 is that of a list of defects that was made before the suite; *new* was
found by the suite), **B** another policy, of which AnyIO promised nothing else, **D** a rule that is kept and fails
only through a test that it shares with another.
"""


def run(name: str, folder: Path) -> list[ReportData]:
    """Run the suite for one column."""
    file = folder / f"{name}.json"
    command = (sys.executable, "-m", "accord_conformance", "run", *COLUMNS[name], "--json", str(file))
    print(name, flush=True)
    subprocess.run(command, cwd=HERE.parent, stdout=subprocess.DEVNULL, check=False)
    reports = read_reports(file)
    for report in reports:
        report["backend"]["name"] = TITLES.get(name, report["backend"]["name"])
        for rule in report["rules"]:
            for test in rule["tests"]:
                test["message"] = shortened(test["message"])
    return reports


def shortened(message: str) -> str:
    """Return the end of a message, without what names this machine."""
    lines = message.splitlines()[-MOST_LINES:]
    text = re.sub(r"(?:/[\w.@+-]+)+/((?:[\w.-]+/){1,2}[\w.-]+\.(?:py|json))", r"\1", "\n".join(lines))
    return text.replace(tempfile.gettempdir(), "...")


def explained(name: str) -> list[str]:
    """Return why the rules of a stranger fail, a line for each."""
    content = tomllib.loads((HERE / "expected" / f"{name}.toml").read_text(encoding="utf-8"))
    lines = [f"- {rule}: {why}" for rule, why in content.get("always", {}).items()]
    lines += [f"- {rule}, sometimes: {why}" for rule, why in content.get("sometimes", {}).items()]
    return lines


def main() -> None:
    """Run everything and write both files."""
    with tempfile.TemporaryDirectory() as folder:
        matrix = Matrix([report for name in COLUMNS for report in run(name, Path(folder))])
    text = markdown(matrix) + EXPLANATION
    for name, title in (("anyio_asyncio", "AnyIO on asyncio"), ("anyio_trio", "AnyIO on Trio")):
        text += "\n".join(["", f"## {title}", "", *explained(name)]) + "\n"
    (DOCS / "conformance.md").write_text(text, encoding="utf-8")
    (DOCS / "conformance.html").write_text(page(matrix), encoding="utf-8")


if __name__ == "__main__":
    main()
