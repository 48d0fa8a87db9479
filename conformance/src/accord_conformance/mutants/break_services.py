"""Mutants of service groups."""

from __future__ import annotations

from typing import Any

from accord import CancelScope, Event, ServiceGroup, _services
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace


@mutant("SERVICE-1")
def services_end_in_their_order(_: Broken) -> None:
    """The service that began first ends first."""

    async def leave(original: Any, self: Any, *args: Any) -> Any:
        self._services.reverse()
        return await original(self, *args)

    around(ServiceGroup, "__aexit__", leave)


@mutant("SERVICE-1")
def services_end_together(_: Broken) -> None:
    """All services are cancelled at once."""

    async def leave(original: Any, self: Any, *args: Any) -> Any:
        for service in self._services:
            service.scope.cancel()
        return await original(self, *args)

    around(ServiceGroup, "__aexit__", leave)


@mutant("SERVICE-1")
def services_are_waited_for(_: Broken) -> None:
    """The end of the body stops nobody."""

    async def leave(original: Any, self: Any, *args: Any) -> Any:
        while self._services:
            await self._services[-1].done.wait()
        return await original(self, *args)

    around(ServiceGroup, "__aexit__", leave)


@mutant("SERVICE-2")
def services_are_not_shielded(_: Broken) -> None:
    """A cancellation reaches body and services together."""

    def init(self: Any, shield: bool) -> None:
        self.scope = CancelScope()
        self.done = Event()

    replace(_services._Service, __init__=init)


@mutant("SERVICE-2")
def services_shield_the_body(_: Broken) -> None:
    """A scope around the group does not reach the body."""

    async def enter(original: Any, self: Any) -> Any:
        self.cancel_scope.shield = True
        return await original(self)

    around(ServiceGroup, "__aenter__", enter)


@mutant("SERVICE-3")
def services_fail_alone(_: Broken) -> None:
    """The body goes on without the service that failed."""

    async def serve(original: Any, self: Any, service: Any, coro: Any) -> None:
        try:
            await original(self, service, coro)
        except Exception:
            await checkpoint()

    around(ServiceGroup, "_serve", serve)


@mutant("SERVICE-3")
def services_fail_together(_: Broken) -> None:
    """If one fails the others are cancelled at once."""

    async def serve(original: Any, self: Any, service: Any, coro: Any) -> None:
        try:
            await original(self, service, coro)
        except Exception:
            for other in self._services:
                other.scope.cancel()
            raise

    around(ServiceGroup, "_serve", serve)


@mutant("SERVICE-3")
def services_that_return_end_the_body(_: Broken) -> None:
    """A service that returns cancels the body."""

    async def serve(original: Any, self: Any, service: Any, coro: Any) -> None:
        await original(self, service, coro)
        self.cancel()

    around(ServiceGroup, "_serve", serve)


@mutant("SERVICE-4")
def services_forget_errors_at_the_end(_: Broken) -> None:
    """What services raise in their clean-up is dropped."""

    async def serve(original: Any, self: Any, service: Any, coro: Any) -> None:
        try:
            await original(self, service, coro)
        except Exception:
            if not service.scope.cancel_called:
                raise

    around(ServiceGroup, "_serve", serve)


@mutant("SERVICE-4")
def services_are_a_group_in_a_group(_: Broken) -> None:
    """The body's error comes bare."""

    async def leave(original: Any, self: Any, kind: Any, error: Any, tb: Any) -> Any:
        await original(self, None, None, None)
        return False if kind else None

    around(ServiceGroup, "__aexit__", leave)


@mutant("SERVICE-5")
def services_that_start_are_shielded(_: Broken) -> None:
    """A service that isn't ready can't be cancelled."""

    def init(original: Any, self: Any, shield: bool) -> None:
        original(self, True)

    around(_services._Service, "__init__", init)


@mutant("SERVICE-5")
def services_that_started_are_no_services(_: Broken) -> None:
    """A service begun by start() is not shielded later."""

    def admit(original: Any, self: Any, service: Any) -> None:
        original(self, service)
        service.scope.shield = False

    around(ServiceGroup, "admit", admit)


@mutant("SERVICE-6")
def services_return_the_scope_of_the_group(_: Broken) -> None:
    """start_soon() returns a scope that ends all."""

    def start_soon(original: Any, self: Any, *args: Any, **keywords: Any) -> Any:
        original(self, *args, **keywords)
        return self.cancel_scope

    around(ServiceGroup, "start_soon", start_soon)


@mutant("SERVICE-6")
def services_start_when_the_group_has_ended(_: Broken) -> None:
    """A group that isn't open takes services, and forgets them."""

    def start_soon(original: Any, self: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return original(self, *args, **keywords)
        except RuntimeError:
            return CancelScope()

    around(ServiceGroup, "start_soon", start_soon)
