"""The rules as data: reads the normative Markdown of ``spec/rules``.

A rule is a section of third level. Its heading holds four fields, ``### AREA-N · LEVEL · capability · since``; the text
up to the first labelled paragraph is normative; the labelled paragraphs (``*Why:*``, ``*Check:*``, ``*Untested:*``)
explain it. Everything that speaks of rules (the suite, its reports, the documentation) gets them from here, so the
Markdown is the only source. ``README.md`` of the same folder links the files in reading order, which is also the order
of tests and reports.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LEVELS = ("MUST", "SHOULD", "MAY")
CAPABILITIES = ("core", "readiness", "testing")

_HEADING = re.compile(r"^### (?P<id>[A-Z]+-[1-9]\d*) · (?P<level>\w+) · (?P<capability>\w+) · (?P<since>\d+\.\d+)$")
_AREA = re.compile(r"^## (?P<area>[A-Z]+): (?P<title>\S.*)$")
_LABEL = re.compile(r"^\*(?P<label>Why|Check|Untested):\* +(?P<text>\S.*)$", re.DOTALL)
_LINK = re.compile(r"\]\((?P<file>[\w-]+\.md)\)")


def version_numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers, to be compared."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


class RulesError(Exception):
    """The Markdown of the rules is not in the agreed form, or something in it is not found."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    id: str
    level: str
    capability: str
    """``core``, or the capability that a backend must declare for the rule to apply."""
    since: str
    """The version of the specification, ``major.minor``, that brought it."""
    text: str
    """What must hold, as Markdown."""
    why: str
    check: str
    """Where to look when its test fails."""
    untested: str
    """Why the suite has no test for it; empty if it should have one."""
    file: str
    line: int

    @property
    def area(self) -> str:
        """The letters of the id."""
        return self.id.partition("-")[0]

    @property
    def number(self) -> int:
        """The digits of the id."""
        return int(self.id.partition("-")[2])

    @property
    def summary(self) -> str:
        """The first paragraph of the text on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())


@dataclass(frozen=True, slots=True)
class RuleBook(Mapping[str, Rule]):
    """All rules by id, in reading order."""

    rules: Mapping[str, Rule]
    titles: Mapping[str, str]
    """What each area is about, by area."""

    @property
    def version(self) -> str:
        """The version of the specification: the newest that a rule names."""
        return max((rule.since for rule in self.values()), key=version_numbers, default="0")

    def __getitem__(self, rule_id: str) -> Rule:
        return self.rules[rule_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def select(self, areas: set[str], ids: set[str], levels: AbstractSet[str] = frozenset()) -> list[Rule]:
        """The rules of the given areas and with the given ids, all if neither is given; only those of the levels."""
        for name in [*(areas - self.titles.keys()), *(ids - self.rules.keys())]:
            raise RulesError(f"no rule or area is called {name!r}")
        return [
            rule
            for rule in self.values()
            if (not (areas or ids) or rule.area in areas or rule.id in ids) and (not levels or rule.level in levels)
        ]


def find_rules() -> Path:
    """The folder of the rules: inside the installed ``accord``, or beside its sources in a checkout."""
    spec = importlib.util.find_spec("accord")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        package = Path(location)
        for folder in (package / "rules", package.parent.parent / "rules"):
            if (folder / "README.md").is_file():
                return folder
    raise RulesError("the rules were not found: is accord installed?")


@cache
def load_rules(folder: Path | None = None) -> RuleBook:
    """Read all rules of a folder, by default of the installed ``accord``."""
    folder = folder or find_rules()
    linked = _LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    order = list(dict.fromkeys(linked))
    present = {path.name for path in folder.glob("*.md")} - {"README.md"}
    if missing := sorted(present ^ set(order)):
        raise RulesError(f"README.md and the folder {folder.name!r} do not agree about {', '.join(missing)}")
    rules: dict[str, Rule] = {}
    titles: dict[str, str] = {}
    for name in order:
        for item in parse_rules((folder / name).read_text(encoding="utf-8"), name):
            if isinstance(item, Rule):
                if item.id in rules:
                    raise RulesError(f"{name}:{item.line}: {item.id} is in {rules[item.id].file} already")
                rules[item.id] = item
            else:
                area, title = item
                if area in titles:
                    raise RulesError(f"{name}: area {area} has two headings")
                titles[area] = title
    return RuleBook(rules, titles)


def parse_rules(source: str, file: str) -> Iterator[Rule | tuple[str, str]]:
    """Yield the areas (name, title) and rules of one Markdown file; ``RulesError`` names the line of a mistake."""
    area: str | None = None
    heading: re.Match[str] | None = None
    start = 0
    body: list[str] = []
    for number, line in enumerate([*source.splitlines(), "## "], start=1):
        if not line.startswith(("## ", "### ")):
            body.append(line)
            continue
        if heading is not None:
            yield _make_rule(heading, "\n".join(body), file, start)
            heading = None
        body.clear()
        if line.startswith("### "):
            heading, start = _HEADING.match(line), number
            if heading is None:
                raise RulesError(f"{file}:{number}: no heading of a rule: {line!r}")
            if heading["id"].partition("-")[0] != area:
                raise RulesError(f"{file}:{number}: {heading['id']} stands in area {area}")
        elif match := _AREA.match(line):
            area = str(match["area"])
            yield area, str(match["title"])


def _make_rule(heading: re.Match[str], body: str, file: str, line: int) -> Rule:
    """Build a rule from its heading and the text under it."""
    where = f"{file}:{line}: {heading['id']}"
    if heading["level"] not in LEVELS:
        raise RulesError(f"{where}: unknown level {heading['level']!r}")
    if heading["capability"] not in CAPABILITIES:
        raise RulesError(f"{where}: unknown capability {heading['capability']!r}")
    normative: list[str] = []
    labelled: dict[str, str] = {}
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        if match := _LABEL.match(paragraph):
            if match["label"] in labelled:
                raise RulesError(f"{where}: two paragraphs {match['label']!r}")
            labelled[match["label"]] = " ".join(match["text"].split())
        elif labelled:
            raise RulesError(f"{where}: normative text after the first labelled paragraph")
        else:
            normative.append(paragraph)
    if not normative or not normative[0]:
        raise RulesError(f"{where}: no text")
    if heading["level"] not in normative[0]:
        raise RulesError(f"{where}: its first paragraph does not say {heading['level']}")
    for label in ("Why", "Check"):
        if label not in labelled:
            raise RulesError(f"{where}: no paragraph {label!r}")
    return Rule(
        id=heading["id"],
        level=heading["level"],
        capability=heading["capability"],
        since=heading["since"],
        text="\n\n".join(normative),
        why=labelled["Why"],
        check=labelled["Check"],
        untested=labelled.get("Untested", ""),
        file=file,
        line=line,
    )
