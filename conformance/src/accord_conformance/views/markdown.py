"""The matrix as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from accord_conformance.terminal import verdict

from .matrix import Matrix

SIGNS = {"passed": "yes", "failed": "**no**", "known": "known", "not applicable": "n/a"}


def markdown(matrix: Matrix) -> str:
    """Return a document with verdicts, counts by area and level, and the rules that fail somewhere."""
    return "\n".join(_lines(matrix)) + "\n"


def _lines(matrix: Matrix) -> Iterator[str]:
    newest = max((report["created"] for report in matrix.reports), default="")
    yield "# Conformance"
    yield ""
    yield f"Made of reports of the suite, the newest of {newest[:10]}; `a/b` is rules kept of rules asked."
    yield ""
    for report in matrix.reports:
        yield f"- {verdict(report)} (Python {report['python']})"
    for level in matrix.levels():
        if all(matrix.cell(column, None, level).text == "-" for column in range(len(matrix.reports))):
            continue
        yield from ("", f"## {level}", "")
        yield f"| area | {' | '.join(matrix.columns)} |"
        yield f"|---|{'---:|' * len(matrix.columns)}"
        for area in [*matrix.areas, None]:
            cells = [matrix.cell(column, area, level).text for column in range(len(matrix.reports))]
            if any(cell != "-" for cell in cells):
                name = "**all**" if area is None else f"{area}: {matrix.titles.get(area, '')}"
                yield f"| {name} | {' | '.join(cells)} |"
    differing = matrix.differing()
    if differing:
        yield from ("", "## Rules that fail somewhere", "")
        yield f"| rule | {' | '.join(matrix.columns)} | |"
        yield f"|---|{'---|' * len(matrix.columns)}---|"
        for rule in differing:
            found = [matrix.rule(column, rule["id"]) for column in range(len(matrix.reports))]
            signs = [SIGNS.get(one["outcome"], "-") if one else "-" for one in found]
            yield f"| {rule['id']} | {' | '.join(signs)} | {rule['summary'].replace('|', '&#124;')} |"
        notes = [
            f"- {name}, {rule['id']}: {rule['known']['reason']} ({rule['known']['link']})"
            for name, report in zip(matrix.columns, matrix.reports, strict=True)
            for rule in report["rules"]
            if rule["known"] is not None and rule["outcome"] == "known"
        ]
        if notes:
            yield from ("", "## Known failures", "", *notes)
