"""What type checkers infer for runners; checked, never run."""

from __future__ import annotations

from typing import assert_type

from accord.protocols import Backend
from accord.testing import Runner


async def number(text: str, base: int) -> int:
    """Return a number."""
    return int(text, base)


def calls() -> None:
    with Runner(backend="asyncio", backend_options={"debug": True}) as runner:
        assert_type(runner, Runner)
        assert_type(runner.backend, Backend)
        assert_type(runner.run(number, "12", 10), int)
        runner.run(number, "12")  # type: ignore[arg-type]
        runner.run(number, 12, 10)  # type: ignore[arg-type]
        runner.run(int)  # type: ignore[arg-type]
