"""What time waits for: threads and I/O."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

import accord
from accord.testing import VirtualClock
from accord_conformance.helpers import PATIENCE, rule

from .clocks import Run, run_on


@rule("VCLOCK-8")
def test_worker_threads(run: Run) -> None:
    """No time passes while a thread works, so that a timeout around it does not strike; others' sleeps wait too."""
    clock = VirtualClock()

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep, 3600)
            with accord.fail_after(0.001):
                await accord.to_thread.run_sync(time.sleep, 0.1)
            assert clock.now == 0
        assert clock.now == 3600

    run_on(run, main, clock)


@rule("VCLOCK-8")
def test_thread_that_waits_for_the_loop(run: Run) -> None:
    """While a thread waits for a task of this run time goes on, and stands still again afterwards."""
    clock = VirtualClock()

    def work() -> float:
        accord.from_thread.run(accord.sleep, 60)
        time.sleep(0.05)
        return clock.now

    async def main() -> None:
        with accord.move_on_after(61) as scope:
            assert await accord.to_thread.run_sync(work) == 60
        assert not scope.cancel_called
        assert clock.now == 60

    run_on(run, main, clock)


@rule("VCLOCK-8")
def test_holding(run: Run) -> None:
    """Between ``hold_clock`` and the ``release_clock`` of each, time stands still."""
    clock = VirtualClock()

    async def main() -> None:
        token = accord.lowlevel.current_token()
        token.hold_clock()
        token.hold_clock()

        def release() -> None:
            time.sleep(0.05)
            token.call_soon(token.release_clock)
            time.sleep(0.05)
            readings.append(clock.now)
            token.call_soon(token.release_clock)

        readings: list[float] = []
        thread = threading.Thread(target=release)
        thread.start()
        await accord.sleep(1000)
        thread.join(PATIENCE)
        assert readings == [0]
        assert clock.now == 1000

    run_on(run, main, clock)


@rule("VCLOCK-9", needs=["readiness"])
def test_real_rate(run: Run) -> None:
    """A task that waits for I/O makes time go on at the real rate, up to the next deadline and not beyond."""
    clock = VirtualClock()

    async def main() -> float:
        here, there = socket.socketpair()
        with here, there:
            begun = time.monotonic()
            with accord.move_on_after(0.2) as scope:
                await accord.wait_readable(here)
            assert scope.cancelled_caught
            assert clock.now == 0.2
            return time.monotonic() - begun

    assert 0.19 <= run_on(run, main, clock) < PATIENCE


@rule("VCLOCK-9", needs=["readiness"])
def test_answers_arrive_in_time(run: Run) -> None:
    """What a peer outside sends arrives before a timeout strikes, and the time that it took has passed."""
    clock = VirtualClock()

    async def main() -> bytes:
        here, there = socket.socketpair()

        def answer() -> None:
            time.sleep(0.1)
            there.send(b"answer")

        thread = threading.Thread(target=answer)
        with there:
            async with await accord.SocketStream.from_socket(here) as stream:
                thread.start()
                with accord.fail_after(PATIENCE):
                    received = await stream.receive()
            thread.join(PATIENCE)
        assert 0 < clock.now < PATIENCE
        before = clock.now
        await accord.sleep(1)
        assert clock.now == before + 1
        return received

    assert run_on(run, main, clock) == b"answer"


@rule("VCLOCK-9", needs=["readiness"])
def test_listening_sockets_idle(run: Run) -> None:
    """A server that waits for clients does not keep time from jumping; with a client it serves as ever."""
    clock = VirtualClock()

    async def handle(stream: accord.SocketStream) -> None:
        async with stream:
            await stream.send(await stream.receive())

    async def main() -> bytes:
        listener = await accord.create_tcp_listener(local_host="127.0.0.1")
        async with listener, accord.create_task_group() as group:
            group.start_soon(listener.serve, handle)
            await accord.sleep(3600)
            assert clock.now == 3600
            port: int = listener.extra(accord.abc.SocketAttribute.local_port)
            async with await accord.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(b"ping")
                received = await stream.receive()
            await accord.wait_all_tasks_blocked()
            before = clock.now
            await accord.sleep(3600)
            assert clock.now == before + 3600
            group.cancel()
        return received

    begun = time.monotonic()
    assert run_on(run, main, clock) == b"ping"
    assert time.monotonic() - begun < PATIENCE


@rule("VCLOCK-9", needs=["readiness"])
def test_child_processes(run: Run) -> None:
    """Time goes on at the real rate while a child process runs, so that a timeout strikes neither early nor never."""
    clock = VirtualClock()

    async def main() -> bool:
        with accord.fail_after(PATIENCE):
            await accord.run_process("sleep 0.1")
        assert 0 < clock.now < PATIENCE
        async with await accord.open_process("sleep 60", stdin=None, stdout=None, stderr=None) as process:
            with accord.move_on_after(0.1) as scope:
                await process.wait()
            process.kill()
        return scope.cancelled_caught

    assert run_on(run, main, clock)


@rule("VCLOCK-10", needs=["readiness"])
def test_grace(run: Run) -> None:
    """With ``io_grace`` time jumps once nothing has happened for so long, also over both ends of a connection."""
    clock = VirtualClock(io_grace=0.02)

    async def main() -> None:
        here, there = socket.socketpair()
        async with (
            await accord.SocketStream.from_socket(here) as near,
            await accord.SocketStream.from_socket(there) as far,
            accord.create_task_group() as group,
        ):

            async def speak() -> None:
                await accord.sleep(3600)
                await far.send(b"late")

            group.start_soon(speak)
            with accord.fail_after(7200):
                assert await near.receive() == b"late"
            assert 3600 <= clock.now < 3600 + PATIENCE

    begun = time.monotonic()
    run_on(run, main, clock)
    assert 0.02 <= time.monotonic() - begun < PATIENCE


@rule("VCLOCK-10", needs=["readiness"])
def test_grace_begins_anew(run: Run) -> None:
    """A peer outside that sends something more often than ``io_grace`` keeps time from jumping."""
    clock = VirtualClock(io_grace=2.0)

    async def main() -> None:
        here, there = socket.socketpair()

        def speak() -> None:
            for _ in range(6):
                time.sleep(0.05)
                there.send(b".")

        thread = threading.Thread(target=speak)
        with there:
            async with await accord.SocketStream.from_socket(here) as stream:
                thread.start()
                with accord.fail_after(3600):
                    for _ in range(6):
                        await stream.receive(1)
            thread.join(PATIENCE)
        assert 0 < clock.now < PATIENCE

    run_on(run, main, clock)


@rule("VCLOCK-7", needs=["readiness"])
@pytest.mark.parametrize("wait", [accord.sleep_forever, None])
def test_real_waits_use_no_processor(run: Run, wait: Callable[[], object] | None) -> None:
    """A loop that waits in earnest, for a call or a descriptor, sleeps and doesn't spin."""
    clock = VirtualClock(autojump=False)

    async def main() -> float:
        here, there = socket.socketpair()
        token = accord.lowlevel.current_token()
        with here, there, accord.CancelScope() as scope:
            timer = threading.Timer(0.3, token.call_soon, (scope.cancel,))
            timer.start()
            used = time.thread_time()
            await (accord.sleep_forever() if wait is not None else accord.wait_readable(here))
        return time.thread_time() - used

    assert run_on(run, main, clock) < 0.15
    assert clock.now == 0
