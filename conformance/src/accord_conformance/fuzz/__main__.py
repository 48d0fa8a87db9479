"""``python -m accord_conformance.fuzz``: compare backends with the model."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from .. import model
from .compare import Reference, Subject, compare, minimise
from .programs import Writer


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, report, and return the number of differences (at most 1)."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.fuzz", description=__doc__)
    parser.add_argument(
        "backends",
        nargs="*",
        default=["asyncio", "trio"],
        help="installed backends with the option virtual_time (default: asyncio trio)",
    )
    parser.add_argument("--programs", type=int, default=1000, help="how many programs (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first (default: 0)")
    parser.add_argument("--schedules", type=int, default=200, help="how many may explain a difference (default: 200)")
    options = parser.parse_args(arguments)
    subjects = [Subject(name, name, {"virtual_time": True}) for name in options.backends]
    reference = Reference(model.backend, {"frozen": True}, options.schedules)
    differences = ties = 0
    start = time.monotonic()
    for number in range(options.programs):
        seed = options.seed + number
        found, tie = compare(Writer(seed).program(), subjects, reference)
        ties += tie
        differences += bool(found)
        for difference in found:
            print(f"seed {seed}: {minimise(difference, reference).report()}", flush=True)
        if sys.stderr.isatty() and number % 100 == 99:
            print(f"\r{number + 1} programs", end="", file=sys.stderr, flush=True)
    seconds = time.monotonic() - start
    print(
        f"{options.programs} programs in {seconds:.0f} s on {', '.join(options.backends)} and the model: "
        f"{differences} differences, {ties} depend on the order of tasks that run at the same moment"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
