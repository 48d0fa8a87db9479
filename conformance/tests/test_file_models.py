"""Files against those of the standard library: whatever is done in whichever order, the results are the same."""

# ruff: noqa: ASYNC230, ASYNC240 - the models are files of the standard library

from __future__ import annotations

import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import accord
from accord_conformance.suite.files.programs import (
    ENCODINGS,
    NEWLINES,
    Model,
    Subject,
    compare,
    for_bytes,
    for_text,
    is_exact,
    random_program,
)

randoms = st.randoms(use_true_random=False)


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run on whichever backend is there."""
    return accord.run(main, backend=accord.get_available_backends()[0])


@settings(max_examples=200, deadline=None)
@given(randoms, st.sampled_from([-1, 0, 16]))
def test_binary(random: Random, buffering: int) -> None:
    """A binary file, buffered or not."""
    content, program = random_program(random)

    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            model, path = Path(folder, "model"), Path(folder, "file")
            model.write_bytes(content.encode())
            path.write_bytes(content.encode())
            with model.open("r+b", buffering) as fp:
                async with await accord.open_file(path, "r+b", buffering) as file:
                    await compare(Model(fp), Subject(file), for_bytes(program))
            assert path.read_bytes() == model.read_bytes()

    run(main)


@settings(max_examples=300, deadline=None)
@given(randoms, st.sampled_from(ENCODINGS), st.sampled_from(NEWLINES))
def test_text(random: Random, encoding: str, newline: str | None) -> None:
    """A text file in many encodings, with each way to treat the ends of lines."""
    content, program = random_program(random)
    operations = for_text(content, program, encoding, newline)
    data = content.encode(encoding, "ignore")

    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            model, path = Path(folder, "model"), Path(folder, "file")
            model.write_bytes(data)
            path.write_bytes(data)
            with model.open("r+", encoding=encoding, newline=newline) as fp:
                async with await accord.open_file(path, "r+", -1, encoding, None, newline) as file:
                    await compare(Model(fp), Subject(file), operations, exact=is_exact(encoding, newline))
            assert path.read_bytes() == model.read_bytes()

    run(main)
