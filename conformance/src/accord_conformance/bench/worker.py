"""Measures one runtime in a process of its own and writes what it finds, one JSON object a line.

A process of its own, because what one runtime leaves behind (memory, modules, threads) would weigh on the next.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from typing import Any

from . import extras
from .contenders import NATIVE, Contender, peers, subject
from .measure import QUICK, SUBJECT, Plan, Result, measure
from .rows import ROWS, Row


def chosen(texts: Sequence[str]) -> list[Row]:
    """Return the rows whose title or function contains one of the texts; all of them if there is none."""
    lower = [text.lower() for text in texts] or [""]
    return [row for row in ROWS if any(text in row.title.lower() or text in row.function for text in lower)]


def as_record(result: Result, runtime: str) -> dict[str, Any]:
    """Turn what was measured into something that JSON can say."""
    target = result.row.target(runtime)
    return {
        "kind": "row",
        "operation": result.row.title,
        "microseconds": {title: result.best(title) for title in result.times},
        "ratios": {title: result.ratio(title) for title in result.times if title != SUBJECT},
        "targets": {"native": target.native, "AnyIO": target.anyio},
        "errors": result.errors,
    }


def _write(record: dict[str, Any]) -> None:
    print(json.dumps(record), flush=True)


def _write_extras(contenders: Sequence[Contender], runtime: str, *, quick: bool) -> None:
    sizes = {contender.title: extras.memory(contender) for contender in contenders}
    for name in sizes[SUBJECT]:
        _write({"kind": "bytes", "what": name, "values": {title: found.get(name) for title, found in sizes.items()}})
    for what, values in extras.process_times(contenders, 3 if quick else 9).items():
        _write({"kind": "milliseconds", "what": what, "values": values})
    native = next((contender for contender in contenders if contender.title == "native"), None)
    if native is not None and runtime in NATIVE:
        stubborn = native.job("stubborn")
        values = {one.title: extras.idle(one, stubborn) * 100 for one in contenders if one is not native}
        _write({"kind": "percent", "what": "processor, while stubborn native code is cancelled", "values": values})


def main(arguments: Sequence[str]) -> None:
    """Measure; the arguments are a JSON object made by ``cli``."""
    options = json.loads(arguments[0])
    runtime, quick = options["runtime"], options["quick"]
    contenders = [subject(options["backend"], options["variant"]), *peers(runtime)]
    _write(
        {
            "kind": "runtime",
            "runtime": runtime,
            "python": platform.python_version(),
            "versions": {contender.title: contender.version for contender in contenders},
        }
    )
    for row in chosen(options["filter"]):
        _write(as_record(measure(row, contenders, QUICK if quick else Plan()), runtime))
    if not options["filter"]:
        _write_extras(contenders, runtime, quick=quick)


if __name__ == "__main__":
    main(sys.argv[1:])
