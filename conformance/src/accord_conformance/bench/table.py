"""How the measurements are shown: a line for each operation, with a verdict on each target."""

from __future__ import annotations

from typing import Any

NEAR = 1.2
"""Up to this factor above its target a ratio is called near: noise, and what a full library costs above a prototype."""

HEADING = (
    f"{'operation':<42}{'native':>11}{'accord':>11}{'accord/':>9}{'accord/':>9}  {'targets':<13}verdict\n"
    f"{'':<42}{'µs':>11}{'µs':>11}{'native':>9}{'AnyIO':>9}  native/AnyIO"
)


def verdict(record: dict[str, Any]) -> str:
    """Say whether a row's targets were reached: ``met``, ``near``, ``missed``, ``failed``, or ``-`` without any."""
    if "accord" in record["errors"]:
        return "failed"
    asked = {title: limit for title, limit in record["targets"].items() if limit is not None}
    excess = [ratio / limit for title, limit in asked.items() if (ratio := record["ratios"].get(title)) is not None]
    if not excess:
        return "-"
    worst = max(excess)
    return "met" if worst <= 1 else "near" if worst <= NEAR else "missed"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def row_line(record: dict[str, Any]) -> str:
    """Return the line of one operation."""
    times, ratios, targets = record["microseconds"], record["ratios"], record["targets"]
    wanted = f"{_number(targets['native'])} / {_number(targets['AnyIO'])}"
    line = (
        f"{record['operation']:<42}{_number(times.get('native')):>11}{_number(times.get('accord')):>11}"
        f"{_number(ratios.get('native')):>9}{_number(ratios.get('AnyIO')):>9}  {wanted:<13}{verdict(record)}"
    )
    return "\n".join([line, *(f"    {title}: {error}" for title, error in record["errors"].items())])


def heading(record: dict[str, Any]) -> str:
    """Return what stands above the table of a runtime."""
    versions = ", ".join(record["versions"].values())
    return f"\n{record['runtime']} on Python {record['python']}: {versions}\n\n{HEADING}"


def extra_line(record: dict[str, Any]) -> str:
    """Return the line of something that is no operation."""
    units = {"bytes": "bytes", "milliseconds": "ms", "percent": "%"}
    digits = 0 if record["kind"] == "bytes" else 1
    values = ", ".join(f"{title} {_number(value, digits)}" for title, value in record["values"].items())
    return f"{record['what']} ({units[record['kind']]}): {values}"


def summary(records: list[dict[str, Any]]) -> str:
    """Count the verdicts."""
    verdicts = [verdict(record) for record in records if record["kind"] == "row"]
    counts = [f"{verdicts.count(name)} {name}" for name in ("met", "near", "missed", "failed") if name in verdicts]
    return f"{len(verdicts)} operations: {', '.join(counts) or 'no targets'}"
