"""The primitives under stress, the work that is done with them, and the books that are kept.

Each piece of work notes what it did where it can't be interrupted, so that at the end of a round the notes say exactly
what must be true: every item whose ``send`` returned was received once, and no other; nothing is held; nobody waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from math import inf
from random import Random

import accord
from accord import BrokenResourceError, ClosedResourceError, EndOfStream, WouldBlock
from accord.lowlevel import checkpoint

Work = Callable[[], Awaitable[None]]


class BrokenInvariant(Exception):
    """What the stress test looks for."""


class ExpectedError(Exception):
    """What work raises on purpose."""


def check(condition: bool, text: str) -> None:
    """Raise ``BrokenInvariant`` unless ``condition``."""
    if not condition:
        raise BrokenInvariant(text)


class Arena:
    """One round's primitives and books."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lock = accord.Lock()
        self.in_lock = 0
        self.semaphore = accord.Semaphore(3)
        self.in_semaphore = 0
        self.limiter = accord.CapacityLimiter(2)
        self.in_limiter = 0
        self.condition = accord.Condition()
        self.tickets = 0
        self.event = accord.Event()
        self.streams = [accord.create_memory_object_stream[int](size) for size in (0, 1, 5, inf)]
        self.sent: list[set[int]] = [set() for _ in self.streams]
        self.refused: list[set[int]] = [set() for _ in self.streams]
        self.received: list[Counter[int]] = [Counter() for _ in self.streams]
        self.items = 0
        self.done: Counter[str] = Counter()
        self.work: list[Work] = [
            self.use_lock,
            self.use_semaphore,
            self.use_limiter,
            self.give_ticket,
            self.take_ticket,
            self.wait_for_event,
            self.send,
            self.send,
            self.receive,
            self.receive,
            self.send_nowait,
            self.receive_nowait,
            self.use_group,
            self.use_start,
            self.fail_in_group,
            self.use_thread,
            self.use_handle,
        ]

    def pause(self) -> float:
        """Return a short time."""
        return self.random.choice((0, 0, 0.0001, 0.001))

    async def any_work(self) -> None:
        """Do something, perhaps in a scope that expires or is cancelled while it lasts."""
        work = self.random.choice(self.work)
        kind = self.random.random()
        if kind < 0.4:
            with accord.move_on_after(self.pause()):
                await work()
        elif kind < 0.5:
            with accord.CancelScope() as scope:
                accord.lowlevel.current_token().call_soon(scope.cancel)
                await work()
        elif kind < 0.6:
            try:
                with accord.fail_after(self.pause()):
                    await work()
            except TimeoutError:
                pass
        else:
            with accord.move_on_after(0.05):
                await work()
        self.done[getattr(work, "__name__", "?")] += 1

    async def use_lock(self) -> None:
        """Be alone."""
        async with self.lock:
            self.in_lock += 1
            check(self.in_lock == 1, "two tasks hold the lock")
            try:
                await accord.sleep(self.pause())
            finally:
                self.in_lock -= 1

    async def use_semaphore(self) -> None:
        """Be one of three."""
        async with self.semaphore:
            self.in_semaphore += 1
            check(self.in_semaphore <= 3, "four tasks hold the semaphore")
            try:
                await accord.sleep(self.pause())
            finally:
                self.in_semaphore -= 1

    async def use_limiter(self) -> None:
        """Be one of two."""
        async with self.limiter:
            self.in_limiter += 1
            check(self.in_limiter <= 2, "three tasks hold the limiter")
            try:
                await checkpoint()
            finally:
                self.in_limiter -= 1

    async def give_ticket(self) -> None:
        """Notify one task."""
        async with self.condition:
            self.tickets += 1
            self.condition.notify()

    async def take_ticket(self) -> None:
        """Wait to be notified; the lock is held whatever happens."""
        async with self.condition:
            try:
                await self.condition.wait_for(lambda: self.tickets > 0)
                self.tickets -= 1
            finally:
                statistics = self.condition.statistics().lock_statistics
                check(statistics.owner is accord.get_current_task(), "the condition's lock is not held after wait()")

    async def wait_for_event(self) -> None:
        """Wait for the round's event, or set it and put a new one in its place."""
        if self.random.random() < 0.5:
            await self.event.wait()
        else:
            event, self.event = self.event, accord.Event()
            event.set()

    def _choose(self) -> tuple[int, int]:
        self.items += 1
        return self.random.randrange(len(self.streams)), self.items

    async def send(self) -> None:
        """Send an item, and note whether it went out."""
        index, item = self._choose()
        try:
            await self.streams[index].send_stream.send(item)
        except BaseException:
            self.refused[index].add(item)
            raise
        self.sent[index].add(item)

    async def receive(self) -> None:
        """Receive an item, and note it."""
        index, _ = self._choose()
        self.received[index][await self.streams[index].receive_stream.receive()] += 1

    async def send_nowait(self) -> None:
        """Send an item if there is room."""
        index, item = self._choose()
        try:
            self.streams[index].send_stream.send_nowait(item)
        except WouldBlock:
            self.refused[index].add(item)
        else:
            self.sent[index].add(item)

    async def receive_nowait(self) -> None:
        """Receive an item if there is one."""
        index, _ = self._choose()
        try:
            self.received[index][self.streams[index].receive_stream.receive_nowait()] += 1
        except WouldBlock:
            pass

    async def use_group(self) -> None:
        """Run a few things at once, and perhaps cancel them."""
        ended = 0

        async def task() -> None:
            nonlocal ended
            try:
                await self.any_work()
            finally:
                ended += 1

        count = self.random.randint(0, 3)
        handles: list[accord.TaskHandle[None]] = []
        try:
            async with accord.create_task_group() as group:
                handles += [group.start_soon(task) for _ in range(count)]
                await accord.sleep(self.pause())
                if self.random.random() < 0.3:
                    group.cancel()
        finally:
            check(ended == len(handles), "a group was left before its tasks had ended")
            check(all(handle.status.value in ("finished", "cancelled") for handle in handles), "a task did not end")

    async def use_start(self) -> None:
        """Begin a task with start()."""

        async def service(*, task_status: accord.TaskStatus[int]) -> None:
            await accord.sleep(self.pause())
            task_status.started(7)
            await accord.sleep_forever()

        async with accord.create_task_group() as group:
            value = await group.start(service)
            check(value == 7, "start() returned something else")
            await accord.sleep(self.pause())
            group.cancel()

    async def fail_in_group(self) -> None:
        """Have a task fail: either its error comes out, or the group was cancelled before."""

        async def fail() -> None:
            await accord.sleep(self.pause())
            raise ExpectedError

        try:
            async with accord.create_task_group() as group:
                group.start_soon(fail)
                group.start_soon(accord.sleep_forever)
        except* ExpectedError:
            pass

    async def use_thread(self) -> None:
        """Call a function in a thread."""
        abandon = self.random.random() < 0.5
        check(await accord.to_thread.run_sync(int, "5", abandon_on_cancel=abandon) == 5, "a thread's result is wrong")

    async def use_handle(self) -> None:
        """Wait for a task that may be cancelled."""

        async def task() -> int:
            await accord.sleep(self.pause())
            return 3

        async with accord.create_task_group() as group:
            handle = group.start_soon(task)
            if self.random.random() < 0.3:
                handle.cancel()
            try:
                check(await handle == 3, "a handle's result is wrong")
            except accord.TaskCancelled:
                pass

    async def drain(self) -> None:
        """Take what is left in the streams."""
        for index, (send, receive) in enumerate(self.streams):
            send.close()
            try:
                while True:
                    self.received[index][receive.receive_nowait()] += 1
            except (EndOfStream, ClosedResourceError, BrokenResourceError):
                receive.close()

    def balance(self) -> None:
        """Check the books of a round that has ended."""
        for index, (sent, refused) in enumerate(zip(self.sent, self.refused, strict=True)):
            received = self.received[index]
            statistics = self.streams[index].send_stream.statistics()
            check(set(received) <= sent, f"items were received whose send() raised: {set(received) & refused}")
            check(set(received) == sent, f"items are lost: {sent - set(received)}")
            check(not received or max(received.values()) == 1, "an item was received twice")
            check(statistics.tasks_waiting_send == statistics.tasks_waiting_receive == 0, "tasks wait in a stream")
        check(not self.lock.locked(), "the lock is held")
        check(self.lock.statistics().tasks_waiting == 0, "tasks wait for the lock")
        check(self.semaphore.value == 3, f"the semaphore's value is {self.semaphore.value}, not 3")
        check(self.semaphore.statistics().tasks_waiting == 0, "tasks wait for the semaphore")
        check(self.limiter.borrowed_tokens == 0, "a token is borrowed")
        check(self.limiter.statistics().tasks_waiting == 0, "tasks wait for the limiter")
        check(self.condition.statistics().tasks_waiting == 0, "tasks wait for the condition")
        check(not self.condition.locked(), "the condition's lock is held")
