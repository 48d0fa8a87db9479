"""Tests of the reader of rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from accord_conformance.rules import Rule, RulesError, find_rules, load_rules, parse_rules

GOOD = """\
# Title

Some terms.

## A: the first area

### A-1 · MUST · core · 0.1

It MUST work
on two lines.

| a | table |
|---|---|

*Why:* because
of this.

*Check:* that.

### A-3 · MAY · readiness · 1.12

It MAY.

*Why:* freedom.

*Check:* nothing.

*Untested:* no need.

## B: the second area
"""


def rules_of(text: str) -> list[Rule]:
    """The rules in a text."""
    return [item for item in parse_rules(text, "a.md") if isinstance(item, Rule)]


def test_good() -> None:
    """Everything is found in its place."""
    first, second = rules_of(GOOD)
    assert (first.id, first.area, first.number, first.level, first.capability) == ("A-1", "A", 1, "MUST", "core")
    assert first.summary == "It MUST work on two lines."
    assert first.text.endswith("|---|---|")
    assert (first.why, first.check, first.untested) == ("because of this.", "that.", "")
    assert (first.file, first.line) == ("a.md", 7)
    assert (second.since, second.untested) == ("1.12", "no need.")
    assert [item for item in parse_rules(GOOD, "a.md") if isinstance(item, tuple)] == [
        ("A", "the first area"),
        ("B", "the second area"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("### A-1 · MUST", "### A-1 . MUST", "no heading of a rule"),
        ("### A-1", "### A-01", "no heading of a rule"),
        ("· MUST ·", "· WILL ·", "unknown level"),
        ("· core ·", "· sockets ·", "unknown capability"),
        ("### A-3", "### B-3", "stands in area A"),
        ("*Why:* freedom.", "", "no paragraph 'Why'"),
        ("*Check:* nothing.", "", "no paragraph 'Check'"),
        ("*Check:* nothing.", "*Why:* again.", "two paragraphs 'Why'"),
        ("*Untested:* no need.", "More text.", "after the first labelled paragraph"),
        ("It MAY.", "It may.", "does not say MAY"),
        ("It MAY.", "", "no text"),
    ],
)
def test_mistakes(before: str, after: str, text: str) -> None:
    """A mistake is refused, and the message says where it is."""
    assert before in GOOD
    with pytest.raises(RulesError, match=text) as caught:
        rules_of(GOOD.replace(before, after))
    assert str(caught.value).startswith("a.md:")


def write(folder: Path, **files: str) -> Path:
    """Write files of rules."""
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_order(tmp_path: Path) -> None:
    """The order is that of the links in the README."""
    other = GOOD.replace("A-", "C-").replace("## A:", "## C:").replace("## B:", "## D:")
    book = load_rules(write(tmp_path, README="[b](b.md), then [a](a.md), and [b](b.md) again", a=GOOD, b=other))
    assert list(book) == ["C-1", "C-3", "A-1", "A-3"]
    assert list(book.titles) == ["C", "D", "A", "B"]
    assert len(book) == 4


@pytest.mark.parametrize("readme", ["[a](a.md)", "[a](a.md) [b](b.md) [c](c.md)"])
def test_files_that_are_not_linked_or_missing(tmp_path: Path, readme: str) -> None:
    """A file that is not linked is an error, as is a link to none."""
    with pytest.raises(RulesError, match=r"b\.md|c\.md"):
        load_rules(write(tmp_path, README=readme, a=GOOD, b="# Nothing\n"))


def test_same_id_twice(tmp_path: Path) -> None:
    """An id or an area that is in two places is an error."""
    twice = GOOD.replace("### A-3", "### A-1")
    with pytest.raises(RulesError, match="A-1 is in"):
        load_rules(write(tmp_path, README="[a](a.md)", a=twice))
    with pytest.raises(RulesError, match=r"two headings|is in"):
        load_rules(write(tmp_path, README="[a](a.md) [b](b.md)", a=GOOD, b=GOOD.replace("A-", "Z-")))


def test_select(tmp_path: Path) -> None:
    """Rules are chosen by area and by id, and unknown names are refused."""
    book = load_rules(write(tmp_path, README="[a](a.md)", a=GOOD))
    assert [rule.id for rule in book.select(set(), set())] == ["A-1", "A-3"]
    assert [rule.id for rule in book.select({"A"}, set())] == ["A-1", "A-3"]
    assert [rule.id for rule in book.select({"B"}, {"A-3"})] == ["A-3"]
    for areas, ids in (({"X"}, set[str]()), (set[str](), {"A-2"})):
        with pytest.raises(RulesError, match="no rule or area is called"):
            book.select(areas, ids)


def test_the_rules_themselves() -> None:
    """The rules of this version are found and can be read."""
    book = load_rules()
    assert find_rules().is_dir()
    assert len(book) > 200
    assert book["CANCEL-7"].level == "MUST"
