"""What the documentation shows is there: names, links and programs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest

import accord

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("*/README.md"), *REPOSITORY.glob("docs/**/*.md")])


def by_name(path: Path) -> str:
    """Name a page in the test's id."""
    return path.relative_to(REPOSITORY).as_posix()


def python_blocks(page: Path) -> Iterator[str]:
    """Yield the Python programs and fragments of a page."""
    for match in re.finditer(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        yield match[1]


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_code_is_python(page: Path) -> None:
    """Every fragment is valid, given that `await` may stand anywhere in it."""
    for block in python_blocks(page):
        compile(block, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_names_exist(page: Path) -> None:
    """Every `accord.something` in code is there."""
    code = "\n".join([*python_blocks(page), *re.findall(r"`([^`\n]+)`", page.read_text())])
    for path in re.findall(r"(?<![\w.@-])accord\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)", code):
        if path == "backends":
            continue  # the entry point group
        try:
            resolve_name(f"accord.{path}")
        except (AttributeError, ImportError):
            pytest.fail(f"there is no accord.{path}")


def test_names_of_the_table_exist() -> None:
    """The names that a user of AnyIO is told to look for are there."""
    text = (REPOSITORY / "docs" / "moving-from-anyio.md").read_text()
    rows = re.findall(r"^\| [\w ]+ \| (`.*`.*) \|$", text.partition("## What you write differently")[0], re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([\w.]+)`", row)]
    assert len(names) > 40
    for name in names:
        first = name.partition(".")[0]
        assert hasattr(accord, first) or hasattr(accord.lowlevel, first), name


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Links within the repository point to files."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", prose):
        assert (page.parent / target).exists(), target


def test_readme_example() -> None:
    """The example on the front page prints what it says, on both backends."""
    [program] = python_blocks(REPOSITORY / "README.md")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split("\n")[:-1] == ["ONE", "TWO", "THREE", "timed out: True"] * 2
