"""open_process: commands, options, and what is left when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord_conformance.helpers import assert_yields, is_cancelled_by, rule

from .children import FOR_EVER, children, nothing_left, python, stdin_of, stdout_of

WHO = "import os, sys; print(os.getcwd(), os.environ.get('ACCORD_X'), os.getsid(0) == os.getpid(), oct(os.umask(0)))"


async def output(command: Any, **options: Any) -> str:
    """What a process prints."""
    async with await accord.open_process(command, stdin=subprocess.DEVNULL, stderr=None, **options) as process:
        printed = b"".join([chunk async for chunk in stdout_of(process)])
        assert await process.wait() == 0
    return printed.decode().strip()


@rule("PROC-1", "PROC-11")
async def test_cancelled_start() -> None:
    """In a cancelled scope nothing is started."""
    with nothing_left():
        assert await is_cancelled_by(lambda: accord.open_process(FOR_EVER))
        assert await is_cancelled_by(lambda: accord.open_process(FOR_EVER, user="root"))


@rule("PROC-1")
async def test_start_yields() -> None:
    """Starting a process yields each time."""
    for _ in range(3):
        made: list[accord.Process] = []

        async def start(made: list[accord.Process] = made) -> None:
            made.append(await accord.open_process(["true"]))

        await assert_yields(start)
        await made[0].aclose()


@rule("PROC-1", "PROC-11")
async def test_what_the_system_refuses(tmp_path: Path) -> None:
    """A program that isn't there, or may not be run, is the system's error, and nothing is left."""
    forbidden = tmp_path / "forbidden"
    forbidden.write_text("#!/bin/sh\n", encoding="utf-8")
    with nothing_left():
        with pytest.raises(FileNotFoundError) as caught:
            await accord.open_process(["/no/such/program"])
        assert caught.value.filename == "/no/such/program"
        with pytest.raises(PermissionError):
            await accord.open_process([forbidden])
        with pytest.raises(FileNotFoundError):
            await accord.open_process(["true"], cwd=tmp_path / "nowhere")


@rule("PROC-2")
@pytest.mark.parametrize("line", ["echo $((1 + 2))", b"echo $((1 + 2))"])
async def test_line_for_the_shell(line: str | bytes) -> None:
    """A str or bytes is run by the shell."""
    assert await output(line) == "3"


@rule("PROC-2")
@pytest.mark.parametrize("kind", [list, tuple])
async def test_program_with_arguments(kind: Any) -> None:
    """A sequence is run without the shell, with arguments of several types."""
    assert await output(kind(["echo", b"$((1 + 2))", Path("a b")])) == "$((1 + 2)) a b"


@rule("PROC-2")
async def test_program_by_its_path(tmp_path: Path) -> None:
    """A path object is a program, whatever characters are in its name."""
    program = tmp_path / "my program; exit 1"
    program.write_text("#!/bin/sh\necho it ran\n", encoding="utf-8")
    program.chmod(0o755)
    assert await output(program) == "it ran"


@rule("PROC-2", "CKPT-6")
@pytest.mark.parametrize(
    ("command", "error"),
    [
        ([], ValueError),
        ((), ValueError),
        (5, TypeError),
        (None, TypeError),
        (["echo", 5], TypeError),
        ([None], TypeError),
    ],
)
async def test_wrong_commands(command: Any, error: type[Exception]) -> None:
    """A wrong command is refused by name, also in a cancelled scope, and nothing is started."""
    before = children()
    for call in (accord.open_process, accord.run_process):
        with pytest.raises(error, match="command"), accord.CancelScope() as scope:
            scope.cancel()
            await call(command)
    assert children() == before


@rule("PROC-3")
async def test_options(tmp_path: Path) -> None:
    """Folder, environment, session and umask are passed on."""
    environment = {**os.environ, "ACCORD_X": "y"}
    printed = await output(python(WHO), cwd=tmp_path, env=environment, start_new_session=True, umask=0o27)
    assert printed == f"{tmp_path.resolve()} y True 0o27"  # noqa: ASYNC240 - a name
    assert await output(python(WHO)) == f"{Path.cwd()} None False {oct(_umask())}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@rule("PROC-3")
async def test_options_of_descriptors_and_groups() -> None:
    """Passed descriptors, process groups and other programs under a name are passed on."""
    reader, writer = os.pipe()
    try:
        command = python(f"import os; os.write({writer}, b'passed')")
        await accord.run_process(command, pass_fds=[writer])
        assert os.read(reader, 100) == b"passed"
        result = await accord.run_process(command, check=False)
        assert result.returncode != 0
    finally:
        os.close(reader)
        os.close(writer)
    assert await output(python("import os; print(os.getpgid(0) == os.getpid())"), process_group=0) == "True"
    assert await output(["other name", "-c", "print('x')"], executable=sys.executable) == "x"


@rule("PROC-3")
async def test_users_and_groups() -> None:
    """Users and groups are passed on: as root they take effect, and otherwise the system refuses."""
    call = partial(output, ["id", "-u"], user=12345, group=12345, extra_groups=[])
    if os.getuid() == 0:
        assert await call() == "12345"
        assert await output(["id", "-u"], user="root", group="root") == "0"
    else:
        with pytest.raises(PermissionError):
            await call()
    with pytest.raises((LookupError, ValueError)):
        await output(["id"], user="no-such-user-anywhere")


@rule("PROC-3", "CKPT-6")
@pytest.mark.parametrize(
    "name", ["text", "shell", "bufsize", "encoding", "errors", "universal_newlines", "no_such_option"]
)
async def test_options_that_are_refused(name: str) -> None:
    """Options about text, the shell and buffering, and unknown ones, are refused by name."""
    options: dict[str, Any] = {name: None}
    for call in (accord.open_process, accord.run_process):
        with pytest.raises(TypeError, match=name):
            await call("true", **options)


@rule("PROC-3", "CKPT-6")
@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
async def test_wrong_standard_streams(name: str) -> None:
    """What can't be a standard stream is refused by name, also in a cancelled scope."""
    wrong: list[tuple[Any, type[Exception]]] = [("x", TypeError), (1.5, TypeError), (True, TypeError), (-9, ValueError)]
    if name != "stderr":
        wrong.append((subprocess.STDOUT, ValueError))
    for value, error in wrong:
        keywords: dict[str, Any] = {name: value}
        with pytest.raises(error, match=name), accord.CancelScope() as scope:
            scope.cancel()
            await accord.open_process("true", **keywords)


@rule("PROC-3")
async def test_standard_streams(tmp_path: Path) -> None:
    """Files, descriptors, DEVNULL and STDOUT are passed on, and are no streams."""
    file = tmp_path / "output"
    with file.open("wb") as out:
        async with await accord.open_process("cat; echo error >&2", stdin=-3, stdout=out, stderr=-2) as process:
            assert (process.stdin, process.stdout, process.stderr) == (None, None, None)
            assert await process.wait() == 0
    assert file.read_bytes() == b"error\n"


@rule("PROC-14", "CKPT-6")
async def test_wrong_policies() -> None:
    """A wrong policy is refused by name."""
    policy: Any = accord.TerminationPolicy
    wrong: list[tuple[Any, type[Exception]]] = [
        (1.0, TypeError),
        (policy(grace=-1), ValueError),
        (policy(grace=float("nan")), ValueError),
        (policy(signal=1000), ValueError),
        (policy(grace="1"), TypeError),
    ]
    for value, error in wrong:
        with pytest.raises(error, match="termination"):
            await accord.open_process("true", termination=value)
    assert policy() == (signal.SIGTERM, 2.0, False)


@rule("PROC-9")
async def test_pipes_are_not_inherited_by_others() -> None:
    """A process that is started later doesn't keep the pipes of the first one open."""
    async with await accord.open_process(["cat"]) as first, await accord.open_process(FOR_EVER) as second:
        await stdin_of(first).aclose()
        assert await first.wait() == 0
        second.kill()
