"""Tests of the file in which an author lists failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord_conformance.known import Known, KnownError, read_known

RULES = ("A-1", "A-2")

GOOD = """
[[known]]
rule = "A-1"
reason = "The host cannot."
link = "https://example.org/1"

[[known]]
rule = "A-2"
reason = "Slow."
link = "https://example.org/2"
variants = ["", "fast"]
"""


def write(folder: Path, text: str) -> Path:
    """A file with that text."""
    file = folder / "known.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_entries(tmp_path: Path) -> None:
    """Entries are read by rule, and apply to all variants or to those they name."""
    known = read_known(write(tmp_path, GOOD), RULES)
    assert known["A-1"] == Known("A-1", "The host cannot.", "https://example.org/1", None)
    assert [known["A-1"].applies(variant) for variant in (None, "fast", "other")] == [True, True, True]
    assert [known["A-2"].applies(variant) for variant in (None, "fast", "other")] == [True, True, False]


def test_empty_file(tmp_path: Path) -> None:
    """A file without entries knows nothing."""
    assert read_known(write(tmp_path, ""), RULES) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("known = 1", "nothing but tables"),
        ("[[other]]\nrule = 'A-1'", "nothing but tables"),
        ("known = [1]", "entry 1 is no table"),
        ("[[known]]\nreason = 'x'\nlink = 'y'", "entry 1 needs a text for 'rule'"),
        ("[[known]]\nrule = 'A-1'\nreason = ' '\nlink = 'y'", "entry 1 needs a text for 'reason'"),
        ("[[known]]\nrule = 'A-1'\nreason = 'x'", "entry 1 needs a text for 'link'"),
        ("[[known]]\nrule = 'B-1'\nreason = 'x'\nlink = 'y'", "there is no rule 'B-1'"),
        ("[[known]]\nrule = 'A-1'\nreason = 'x'\nlink = 'y'\nvariants = [1]", "variants must be a list of names"),
        ("[[known]]\nrule = 'A-1'\nreason = 'x'\nlink = 'y'\nvariants = 'fast'", "variants must be a list of names"),
        ("[[known]]\nrule = 'A-1'\nreason = 'x'\nlink = 'y'\nwhen = 'now'", "unknown fields: when"),
        (GOOD + GOOD, "A-1 is listed already"),
        ("[[known", "is no TOML file"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    """A mistake is named, with the entry it is in."""
    with pytest.raises(KnownError, match=message):
        read_known(write(tmp_path, text), RULES)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(KnownError, match="nowhere"):
        read_known(tmp_path / "nowhere.toml", RULES)
