"""Count the words of a text file with a server, many clients and a pipeline, on every installed backend.

The file's lines travel over TCP from many clients to a server, through a memory stream to worker tasks that share a
capacity limit, and back as counts. On the way one client is too slow and is cut off by a timeout, and one task fails.
The program knows nothing of the event loop it runs on.

    python docs/examples/wordcount.py [FILE]
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import accord
from accord.abc import ObjectReceiveStream, ObjectSendStream, SocketAttribute

CLIENTS = 50
WORKERS = 8
TOGETHER = 4
SLOW_CLIENT_SECONDS = 0.2
DEFAULT_FILE = Path(__file__).parents[2] / "spec" / "rules" / "synchronization.md"


def words(line: str) -> list[str]:
    """Return the words of a line."""
    return [word for raw in line.split() if (word := raw.strip(".,;:!?()[]`*\"'").lower())]


async def receive_lines(client: accord.SocketStream, lines: ObjectSendStream[str]) -> int:
    """Pass on the lines that a client sends, until it says that it has no more."""
    count = 0
    rest = b""
    async for chunk in client:
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            await lines.send(line.decode())
            count += 1
    return count


class Server:
    """Accepts clients, each of which has to be done within a time limit."""

    def __init__(self, lines: ObjectSendStream[str]) -> None:
        self.lines = lines
        self.received = 0
        self.cut_off = 0

    async def handle(self, client: accord.SocketStream) -> None:
        """Serve one client."""
        async with client:
            try:
                with accord.fail_after(SLOW_CLIENT_SECONDS, reason="the client is too slow"):
                    count = await receive_lines(client, self.lines)
                    self.received += count  # not around the await: other clients change it meanwhile
            except TimeoutError:
                self.cut_off += 1


async def send_lines(port: int, lines: list[str]) -> None:
    """Be a client."""
    async with await accord.connect_tcp("127.0.0.1", port) as stream:
        for line in lines:
            await stream.send(line.encode() + b"\n")
        await stream.send_eof()
        try:
            await stream.receive()  # the server closes when it has read everything
        except accord.EndOfStream:
            pass


async def be_slow(port: int) -> None:
    """Be a client that sends nothing."""
    async with await accord.connect_tcp("127.0.0.1", port) as stream:
        try:
            await stream.receive()
        except accord.EndOfStream:
            pass


async def count_words(
    lines: ObjectReceiveStream[str], counts: ObjectSendStream[Counter[str]], limiter: accord.CapacityLimiter
) -> None:
    """Be a worker: count the words of the lines that come, as many workers at a time as the limiter allows."""
    async for line in lines:
        async with limiter:
            count = Counter(words(line))
            await accord.sleep(0)
        await counts.send(count)


async def fail(text: str) -> None:
    """Fail."""
    raise ValueError(text)


async def show_failure() -> str:
    """Have one of three tasks fail and describe what comes of it."""
    try:
        async with accord.create_task_group(name="doomed") as group:
            group.start_soon(accord.sleep_forever)
            group.start_soon(accord.sleep_forever)
            group.start_soon(fail, "this task fails on purpose", name="the failing task")
    except ExceptionGroup as error:
        (leaf,) = error.exceptions
        return f"{error.message}: {leaf!r}, {leaf.__notes__[0]}"
    return "nothing failed"


async def main(text: str) -> tuple[Counter[str], list[str]]:
    """Count the words of ``text``; return them and a report."""
    lines = text.splitlines()
    total: Counter[str] = Counter()
    limiter = accord.CapacityLimiter(TOGETHER)
    send_line, receive_line = accord.create_memory_object_stream[str](100)
    send_count, receive_count = accord.create_memory_object_stream[Counter[str]](100)
    server = Server(send_line)

    async def serve_clients() -> None:
        listener = await accord.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(SocketAttribute.local_port)
        with send_line:
            async with accord.create_task_group(name="server") as serving:
                serving.start_soon(listener.serve, server.handle)
                async with accord.create_task_group(name="clients") as clients:
                    clients.start_soon(be_slow, port)
                    for number in range(CLIENTS):
                        clients.start_soon(send_lines, port, lines[number::CLIENTS])
                await listener.aclose()

    async def work() -> None:
        with receive_line, send_count:
            async with accord.create_task_group(name="workers") as workers:
                for _ in range(WORKERS):
                    workers.start_soon(count_words, receive_line, send_count, limiter)

    async with accord.create_task_group(name="word count") as group:
        group.start_soon(serve_clients)
        group.start_soon(work)
        async for count in receive_count:
            total.update(count)
    receive_count.close()

    return total, [
        f"{server.received} lines from {CLIENTS} clients, counted by {WORKERS} workers, {TOGETHER} at a time",
        f"{server.cut_off} slow client cut off after {SLOW_CLIENT_SECONDS:g} s",
        f"a failing task: {await show_failure()}",
    ]


def runs() -> list[tuple[str, str, Mapping[str, object]]]:
    """Return title, backend and options of each way in which this machine can run the program."""
    found: list[tuple[str, str, Mapping[str, object]]] = []
    for name in accord.get_available_backends():
        found.append((name, name, {}))
        if name == "asyncio" and importlib.util.find_spec("uvloop") is not None:
            found.append(("uvloop", name, {"use_uvloop": True}))
    return found


def demonstrate(path: Path) -> int:
    """Run the program everywhere, print what happened, and return the number of wrong results."""
    text = path.read_text(encoding="utf-8")
    expected = Counter(word for line in text.splitlines() for word in words(line))
    print(f"{path.name}: {len(text.splitlines())} lines, {expected.total()} words, {len(expected)} different ones")
    wrong = 0
    for title, backend, options in runs():
        start = time.perf_counter()
        total, report = accord.run(main, text, backend=backend, backend_options=options)
        seconds = time.perf_counter() - start
        same = total == expected
        wrong += not same
        print(f"\n{title}: {seconds:.2f} s")
        for line in report:
            print(f"  {line}")
        common = ", ".join(f"{word} {count}" for word, count in total.most_common(5))
        print(f"  {'the same' if same else 'NOT THE SAME'} as a sequential count: {common}, ...")
    return wrong


if __name__ == "__main__":
    sys.exit(demonstrate(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE))
