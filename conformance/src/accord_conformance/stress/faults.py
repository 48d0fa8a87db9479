"""``python -m accord_conformance.stress.faults BACKEND``: connections through a proxy that does them harm.

Clients send a pattern to a server that sends it back. Between them is a proxy of plain threads and blocking sockets,
so that no fault of ours can hide in it: it stalls, closes, resets, and cuts off one direction at random. Clients are
cancelled at random, and receive with deadlines that cut many calls short. What must hold at the end of each round:

- a connection that ended well has carried every byte once and in order, and any other a beginning of them;
- nothing hangs: a round has a deadline that it needs not by far;
- no descriptor and no task is left.
"""

from __future__ import annotations

import argparse
import logging
import select
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from random import Random

import accord
from accord import BrokenResourceError, EndOfStream
from accord.abc import ByteStream, SocketAttribute
from accord.streams.tls import TLSListener

from ..bench.certificates import HOST, contexts
from ..helpers import open_descriptors
from ..loader import load_backend, load_options
from .arena import BrokenInvariant, check

CLIENTS = 20
PATIENCE = 60.0
FAULTS = ("none", "none", "stall", "close", "reset", "cut")
LARGEST = 400_000


class Proxy:
    """Passes connections on, each in a thread with a fault that was chosen for it."""

    def __init__(self, target: int, random: Random) -> None:
        self.target = target
        self.random = random
        self.listener = socket.create_server((HOST, 0), backlog=CLIENTS)
        self.port: int = self.listener.getsockname()[1]
        self.faults: dict[int, str] = {}
        """What was done to the connection of a client's port."""
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, address = self.listener.accept()
                fault = self.random.choice(FAULTS)
                self.faults[address[1]] = fault
                left = self.random.randrange(LARGEST)
                thread = threading.Thread(target=self._pass_on, args=(client, fault, left), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _pass_on(self, client: socket.socket, fault: str, left: int) -> None:
        """Pass bytes on in both directions until ``left`` of them have passed, and then do what is wrong."""
        server = socket.socket()
        with client, server, suppress(OSError):
            server.connect((HOST, self.target))
            peers = {client: server, server: client}
            open_ends = [client, server]
            while open_ends:
                for end in select.select(open_ends, [], [], PATIENCE)[0]:
                    data = end.recv(65536)
                    if not data:
                        open_ends.remove(end)
                        peers[end].shutdown(socket.SHUT_WR)
                        continue
                    left -= len(data)
                    if left <= 0 and fault != "none":
                        fault = self._do(fault, end, peers[end], data)
                        if fault == "over":
                            return
                        if fault == "lost":
                            open_ends.remove(end)
                            fault = "none"
                            continue
                    peers[end].sendall(data)

    def _do(self, fault: str, end: socket.socket, peer: socket.socket, data: bytes) -> str:
        """Do harm; return what is to be done further."""
        if fault == "stall":
            time.sleep(0.05)
            return "none"
        peer.sendall(data[: len(data) // 2])
        if fault == "cut":
            peer.shutdown(socket.SHUT_WR)
            return "lost"
        if fault == "reset":
            for sock in (end, peer):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "over"

    def close(self) -> None:
        """End all threads."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in list(self.threads):
            thread.join(PATIENCE)
            check(not thread.is_alive(), "a thread of the proxy hangs")


def pattern(number: int, size: int) -> bytes:
    """Bytes that differ from client to client, and in which a gap or a repetition shows."""
    block = b"".join(struct.pack(">HI", number, index) for index in range(size // 6 + 1))
    return block[:size]


class Round:
    """One round: a server, a proxy and clients."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.tls = seed % 3 == 2
        self.done: Counter[str] = Counter()

    async def echo(self, stream: ByteStream) -> None:
        """Be the server of one connection; some are slow, some give up."""
        random = Random(self.random.random())
        async with stream:
            with suppress(BrokenResourceError, EndOfStream), accord.move_on_after(random.choice((0.02, 5, 5, 5))):
                async for data in stream:
                    if random.random() < 0.05:
                        await accord.sleep(0.005)
                    await stream.send(data)
                with suppress(NotImplementedError):  # of TLS, which can't end one direction (TLS-12)
                    await stream.send_eof()

    async def _send(self, stream: ByteStream, data: bytes, random: Random) -> None:
        start = 0
        while start < len(data):
            size = random.randrange(1, 100_000)
            await stream.send(data[start : start + size])
            start += size
        if not self.tls:
            await stream.send_eof()

    async def client(self, number: int, port: int) -> None:
        """Send a pattern, receive what comes back, and compare."""
        random = Random(self.random.random())
        data = pattern(number, random.randrange(1, LARGEST))
        received = bytearray()
        outcome = "cancelled"
        with accord.move_on_after(random.choice((0.001, 0.01, 0.05, 10, 10, 10))):
            try:
                async with await self._connect(port) as stream:
                    await self._exchange(stream, data, received, random)
                    outcome = "complete"
            except* (BrokenResourceError, EndOfStream, OSError):
                outcome = "broken"
        if outcome == "complete":
            check(received == data, f"client {number} sent {len(data)} bytes and got {len(received)} back, or others")
        else:
            check(data.startswith(received), f"client {number}: what came back is no beginning of what was sent")
        self.done[outcome] += 1

    async def _exchange(self, stream: ByteStream, data: bytes, received: bytearray, random: Random) -> None:
        async with accord.create_task_group() as group:
            group.start_soon(self._receive, stream, received, len(data), random)
            await self._send(stream, data, random)
        if len(received) < len(data):
            raise EndOfStream("the server ended the connection early")

    async def _receive(self, stream: ByteStream, received: bytearray, size: int, random: Random) -> None:
        """Receive everything, or until the end, with calls that are cut short."""
        with suppress(EndOfStream):
            while len(received) < size:
                with accord.move_on_after(random.choice((0.0001, 0.001, 1))):
                    received += await stream.receive(random.choice((1000, 65536)))

    async def _connect(self, port: int) -> ByteStream:
        if not self.tls:
            return await accord.connect_tcp(HOST, port)
        return await accord.connect_tcp(HOST, port, ssl_context=contexts()[1])

    @asynccontextmanager
    async def _proxy(self) -> AsyncGenerator[Proxy, None]:
        async with await accord.create_tcp_listener(local_host=HOST) as plain:
            port = plain.extra(SocketAttribute.local_port)
            listener = TLSListener(plain, contexts()[0]) if self.tls else plain
            async with accord.create_task_group() as group:
                await group.start(listener.serve, self.echo)
                proxy = Proxy(port, self.random)
                try:
                    yield proxy
                finally:
                    with accord.CancelScope(shield=True):
                        await accord.to_thread.run_sync(proxy.close)
                group.cancel()

    async def play(self) -> None:
        """Play the round."""
        with accord.fail_after(PATIENCE):
            async with self._proxy() as proxy, accord.create_task_group() as group:
                for number in range(CLIENTS):
                    group.start_soon(self.client, number, proxy.port)
        tasks = accord.get_running_tasks()
        check(len(tasks) == 1, f"tasks are left: {tasks}")


async def play(first_seed: int, seconds: float, done: Counter[str]) -> int:
    """Play rounds for so long; return how many they were."""
    contexts()
    await Round(first_seed).play()  # what is made once for the process is there after the first round
    before = open_descriptors()
    end = time.monotonic() + seconds
    seed = first_seed
    while time.monotonic() < end:
        this = Round(seed)
        try:
            await this.play()
            check(open_descriptors() <= before, f"{open_descriptors() - before} descriptors are left")
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        done += this.done
        seed += 1
    return seed - first_seed


def main() -> int:
    """Play rounds for the given time and report."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.stress.faults", description=__doc__)
    parser.add_argument("backend", help="an installed backend or module:object")
    parser.add_argument("--variant", help="one of the backend's variants")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first round (default: 0)")
    options = parser.parse_args()
    backend = load_backend(options.backend)
    run_options = load_options(backend, options.variant)
    logging.getLogger("accord").setLevel(logging.CRITICAL)  # of handshakes that fail there are many here
    done: Counter[str] = Counter()
    try:
        rounds = accord.run(play, options.seed, options.seconds, done, backend=backend, backend_options=run_options)
    except BrokenInvariant as error:
        print(f"FAILED: {error} ({', '.join(error.__notes__)})", file=sys.stderr)
        return 1
    name = options.variant or options.backend
    print(f"{name}: {rounds} rounds of {CLIENTS} connections, no broken invariant: {dict(done)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
