"""A badge: the JSON that shields.io and its like turn into a picture."""

from __future__ import annotations

from accord_conformance.data import ReportData
from accord_conformance.report import EXIT_CONFORMANT, EXIT_VIOLATION
from accord_conformance.terminal import kept

LABEL = "accord"


def badge(report: ReportData) -> dict[str, object]:
    """Return the badge of one report, of the form that "endpoint" badges have."""
    if report["exit_status"] == EXIT_CONFORMANT:
        message, color = f"conformant to {report['backend']['spec_version']}", "brightgreen"
    elif report["exit_status"] == EXIT_VIOLATION:
        message, color = f"{kept(report['rules'], 'MUST')} rules", "red"
    else:
        message, color = "no verdict", "lightgrey"
    return {"schemaVersion": 1, "label": LABEL, "message": message, "color": color}
