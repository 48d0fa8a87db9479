"""The matrix as one HTML page that needs nothing else: no script from elsewhere, no font, no server."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from accord_conformance.data import ReportData, RuleData
from accord_conformance.report import EXIT_CONFORMANT, EXIT_VIOLATION
from accord_conformance.terminal import area_of, kept, tests_run

from .matrix import Matrix

SIGNS: Final = {
    "passed": ("pass", "✓", "holds"),
    "failed": ("fail", "✗", "is violated"),
    "known": ("known", "!", "fails, and the author says why"),
    "not applicable": ("na", "n/a", "does not apply: the capability is not declared"),
    "untested": ("na", "·", "is not tested"),
    "not run": ("na", "?", "was not run"),
}
ABSENT: Final = ("na", "", "is not in this report")


def page(matrix: Matrix) -> str:
    """Return the page."""
    frame = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    parts = {"cards": _cards(matrix), "counts": _counts(matrix), "rules": _rules(matrix), "legend": _legend()}
    for name, lines in parts.items():
        frame = frame.replace(f"<!-- {name} -->", "\n".join(lines))
    return frame


def _cards(matrix: Matrix) -> Iterator[str]:
    for name, report in zip(matrix.columns, matrix.reports, strict=True):
        kind, said = _verdict(report)
        tests = tests_run(report)
        yield f'<section class="card {kind}"><h3>{escape(name)}</h3><p class="verdict">{escape(said)}</p>'
        yield f"<p>{kept(report['rules'], 'MUST')} MUST rules, {tests} tests</p>"
        yield f"<p>{escape(', '.join(report['backend']['capabilities'])) or 'no capabilities'}</p>"
        yield f'<p class="fine">Python {escape(report["python"])} · {escape(report["created"][:10])}</p>'
        if report["problem"]:
            yield f"<pre>{escape(report['problem'])}</pre>"
        yield "</section>"


def _verdict(report: ReportData) -> tuple[str, str]:
    if report["exit_status"] == EXIT_CONFORMANT:
        return "pass", f"conformant to spec {report['backend']['spec_version']}"
    if report["exit_status"] == EXIT_VIOLATION:
        return "fail", "not conformant"
    return "na", "no verdict"


def _counts(matrix: Matrix) -> Iterator[str]:
    columns = range(len(matrix.reports))
    for level in matrix.levels():
        if all(matrix.cell(column, None, level).text == "-" for column in columns):
            continue
        yield f'<table class="counts"><caption>{level}</caption><thead><tr><th scope="col">area</th>'
        yield "".join(f'<th scope="col">{escape(name)}</th>' for name in matrix.columns) + "</tr></thead><tbody>"
        for area in [*matrix.areas, None]:
            cells = [matrix.cell(column, area, level) for column in columns]
            if all(cell.text == "-" for cell in cells):
                continue
            if area is None:
                head = "all"
            else:
                head = f'<a href="#{area}">{area}</a> <span>{escape(matrix.titles.get(area, ""))}</span>'
            yield f'<tr><th scope="row">{head}</th>'
            yield "".join(f'<td class="{cell.kind}">{cell.text}</td>' for cell in cells) + "</tr>"
        yield "</tbody></table>"


def _rules(matrix: Matrix) -> Iterator[str]:
    for area in matrix.areas:
        rules = [rule for rule in matrix.rules if area_of(rule) == area]
        opened = " open" if any(matrix.fails_somewhere(rule["id"]) for rule in rules) else ""
        title = escape(matrix.titles.get(area, ""))
        yield f'<details class="area" id="{area}"{opened}><summary><b>{area}</b> {title}</summary>'
        yield '<table class="rules"><thead><tr><th scope="col">rule</th><th scope="col">sentence</th>'
        yield "".join(f'<th scope="col">{escape(name)}</th>' for name in matrix.columns) + "</tr></thead><tbody>"
        for rule in rules:
            yield from _rule(matrix, rule)
        yield "</tbody></table></details>"


def _rule(matrix: Matrix, rule: RuleData) -> Iterator[str]:
    found = [matrix.rule(column, rule["id"]) for column in range(len(matrix.reports))]
    name, worst = rule["id"], "failing" if matrix.fails_somewhere(rule["id"]) else "fine"
    draft = " <i>draft</i>" if rule["draft"] else ""
    yield f'<tr class="{worst}" id="{name}"><th scope="row">{name}<small>{rule["level"]}{draft}</small></th>'
    yield f"<td>{_prose(rule['summary'])}{''.join(_explained(matrix, rule['id']))}</td>"
    for one in found:
        kind, sign, meaning = ABSENT if one is None else SIGNS[one["outcome"]]
        yield f'<td class="{kind}" title="{rule["id"]} {meaning}">{sign}</td>'
    yield "</tr>"


def _explained(matrix: Matrix, rule_id: str) -> Iterator[str]:
    for column, name in enumerate(matrix.columns):
        rule = matrix.rule(column, rule_id)
        if rule is None or rule["outcome"] not in ("failed", "known"):
            continue
        yield f"<details><summary>{escape(name)}</summary>"
        if rule["known"] is not None:
            link = escape(rule["known"]["link"], quote=True)
            yield f'<p>Known: {escape(rule["known"]["reason"])} <a href="{link}">{link}</a></p>'
        for test in rule["tests"]:
            if test["outcome"] == "failed":
                yield f"<p><code>{escape(test['id'])}</code><br>Expected: {_prose(test['about'])}</p>"
                yield f"<pre>{escape(test['message'])}</pre>"
        yield f"<p>Check: {_prose(rule['check'])}</p></details>"


def _prose(text: str) -> str:
    """Return Markdown's code spans as HTML, and the rest as it is."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _legend() -> Iterator[str]:
    for kind, sign, meaning in SIGNS.values():
        yield f'<li><span class="{kind}">{sign}</span> {meaning}</li>'
