"""Reports as JUnit XML, which build servers show: a suite for each report, a case for each rule and test."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from accord_conformance.data import ReportData, subject
from accord_conformance.terminal import area_of

SKIPPED = ("not applicable", "untested", "known", "not run")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(reports: Iterable[ReportData]) -> str:
    """Return one XML document."""
    root = ET.Element("testsuites")
    for report in reports:
        cases: list[ET.Element] = []
        for rule in report["rules"]:
            for test in rule["tests"]:
                name, place = f"{rule['id']} {test['id']}", f"accord.{area_of(rule)}"
                case = ET.Element("testcase", name=name, classname=place, time=f"{test['duration']:.3f}")
                outcome = "known" if rule["outcome"] == "known" and test["outcome"] == "failed" else test["outcome"]
                if outcome == "failed":
                    failure = ET.SubElement(case, "failure", message=f"{rule['id']}: {rule['summary']}")
                    # XML can't hold most control characters, not even escaped.
                    failure.text = _FORBIDDEN.sub("?", test["message"])
                elif outcome in SKIPPED:
                    ET.SubElement(case, "skipped", message=outcome)
                cases.append(case)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=subject(report),
            timestamp=report["created"],
            tests=str(len(cases)),
            failures=str(sum(case.find("failure") is not None for case in cases)),
            skipped=str(sum(case.find("skipped") is not None for case in cases)),
            errors="1" if report["problem"] else "0",
        )
        suite.extend(cases)
        if report["problem"]:
            ET.SubElement(suite, "system-err").text = report["problem"]
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)
