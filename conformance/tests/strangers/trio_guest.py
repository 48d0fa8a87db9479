"""Trio in guest mode on asyncio, as an accord backend.

``run`` is ours: it starts asyncio and, on its loop, a guest run of Trio, in which accord_trio's main task runs. All
other members are accord_trio's own, and so is the class of the main task, which is private to that package: this
adapter shows what guest mode changes, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import trio

from accord.toolkit import Outcome, check_budget, check_options
from accord_trio import backend as trio_backend
from accord_trio import runner

OPTIONS = ("checkpoint_budget", "clock", "instruments", "restrict_keyboard_interrupt_to_checkpoints")
"""All that accord_trio has, except its simulated clock: the host's time is real."""


class GuestBackend:
    """The Trio backend as a guest of asyncio."""

    name = "trio"  # as the tokens of accord_trio say
    variants: Mapping[str, Mapping[str, object]] = MappingProxyType({"budget-1": {"checkpoint_budget": 1}})

    def __getattr__(self, member: str) -> Any:
        return getattr(trio_backend, member)

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, object], /) -> Any:
        """Run asyncio until the guest has ended."""
        check_options(self.name, options, OPTIONS)
        budget = check_budget(options)
        native: dict[str, Any] = {name: value for name, value in options.items() if name != "checkpoint_budget"}
        outcome = Outcome()

        async def host() -> None:
            loop = asyncio.get_running_loop()
            ended: asyncio.Future[Any] = loop.create_future()
            trio.lowlevel.start_guest_run(
                *(runner._main, main, args, budget, None, outcome),
                run_sync_soon_threadsafe=loop.call_soon_threadsafe,
                done_callback=ended.set_result,
                host_uses_signal_set_wakeup_fd=True,
                **native,
            )
            (await ended).unwrap()

        # Not asyncio.run: its own handler of SIGINT would keep Trio from having one.
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(host())
        finally:
            loop.close()
        return outcome.unwrap()


backend = GuestBackend()
