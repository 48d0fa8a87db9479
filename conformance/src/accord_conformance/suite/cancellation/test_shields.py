"""Shields: what they hide, and what happens when they are raised and lowered."""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint
from accord_conformance.helpers import rule, settle


@rule("CANCEL-15")
async def test_shield_hides_what_is_outside() -> None:
    """Inside a shield nothing of the outer cancellation is felt, whether it came before or after the entry."""
    with accord.CancelScope() as outer:
        outer.cancel()
        with accord.CancelScope(shield=True):
            await checkpoint()
            await accord.sleep(0.005)
        with accord.CancelScope(shield=True):
            async with accord.create_task_group() as group:
                group.start_soon(accord.sleep, 0.005)
                group.start_soon(checkpoint)
        with pytest.raises(accord.get_cancelled_exc_class()):
            await checkpoint()
    events: list[str] = []
    with accord.CancelScope() as outer:
        with accord.CancelScope(shield=True):
            outer.cancel()
            for _ in range(3):
                await checkpoint()
                await accord.sleep(0.002)
            events.append("shielded")
        await checkpoint()
        events.append("not cancelled")
    assert events == ["shielded"]
    assert outer.cancelled_caught


@rule("CANCEL-15")
async def test_shield_in_clean_up() -> None:
    """Clean-up in a shield can wait as if nothing had been cancelled, many times."""
    events: list[int] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                for number in range(5):
                    await checkpoint()
                    await accord.sleep(0.002)
                    event = accord.Event()
                    event.set()
                    await event.wait()
                    async with accord.create_task_group() as inner:
                        inner.start_soon(checkpoint)
                    events.append(number)

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        group.cancel()
    assert events == list(range(5))


@rule("CANCEL-15")
async def test_own_cancellation_of_a_shield() -> None:
    """A shielded scope can be cancelled itself, and by its own deadline."""
    with accord.CancelScope(shield=True) as scope:
        scope.cancel()
        await accord.sleep_forever()
    assert scope.cancelled_caught
    with accord.CancelScope() as outer:
        outer.cancel()
        with accord.move_on_after(0.01, shield=True) as scope:
            await accord.sleep_forever()
        assert scope.cancelled_caught
        with pytest.raises(accord.get_cancelled_exc_class()):
            await checkpoint()


@rule("CANCEL-15", "CANCEL-26")
async def test_shield_around_a_group_and_in_a_child() -> None:
    """A shield around a group protects all its tasks; one in a task protects that task only."""
    events: list[str] = []

    async def child(name: str, shield: bool) -> None:
        with accord.CancelScope(shield=shield):
            await accord.sleep(0.01)
            events.append(name)

    with accord.CancelScope() as outer:
        with accord.CancelScope(shield=True):
            async with accord.create_task_group() as group:
                group.start_soon(child, "in a shielded group", False)
                outer.cancel()
        async with accord.create_task_group() as group:
            group.start_soon(child, "unshielded", False)
            group.start_soon(child, "shielded", True)
    assert events == ["in a shielded group", "shielded"]


@rule("CANCEL-15", "CANCEL-26")
async def test_shield_in_the_body_does_not_protect_the_tasks() -> None:
    """A shield in the body of a group does not protect the group's tasks, nor the reverse."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("child cancelled")

    with accord.CancelScope() as outer:
        async with accord.create_task_group() as group:
            with accord.CancelScope(shield=True):
                group.start_soon(child)
                await settle()
                outer.cancel()
                await settle()
                assert events == ["child cancelled"]
    assert outer.cancelled_caught


@rule("CANCEL-16")
async def test_shield_is_raised_after_delivery() -> None:
    """A shield that is raised in a finally block lets it wait, though the cancellation has been delivered."""
    events: list[str] = []
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel()
            try:
                await accord.sleep_forever()
            finally:
                inner.shield = True
                await checkpoint()
                await accord.sleep(0.005)
                await accord.sleep(0.005)
                events.append("cleaned up")
        events.append("between")
    assert events == ["cleaned up"]
    assert outer.cancelled_caught
    assert not inner.cancelled_caught


@rule("CANCEL-16")
async def test_shield_is_raised_before_delivery() -> None:
    """A shield that is raised after the cancellation is in time, if the task had been woken for something else."""
    events: list[str] = []
    event = accord.Event()
    inner = accord.CancelScope()

    async def child() -> None:
        with inner:
            await event.wait()
            await checkpoint()
            await accord.sleep(0.005)
            events.append("child goes on")
        await checkpoint()
        events.append("not cancelled")

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        event.set()
        group.cancel()
        inner.shield = True
    assert events == ["child goes on"]


@rule("CANCEL-16", "CANCEL-2")
async def test_shield_is_raised_after_a_wait_has_begun() -> None:
    """A wait that began in a cancelled scope raises, though another task puts up a shield before it does."""
    begun: list[accord.CancelScope] = []
    slept = False

    async def put_up() -> None:
        while not begun:
            await cancel_shielded_checkpoint()
        begun[0].shield = True

    async with accord.create_task_group() as group:
        group.start_soon(put_up)
        with accord.CancelScope() as outer:
            with accord.CancelScope() as inner:
                outer.cancel()
                begun.append(inner)
                await accord.sleep(0.05)
                slept = True
    assert not slept
    assert outer.cancelled_caught


@rule("CANCEL-16", "CANCEL-18")
async def test_shield_is_raised_and_lowered_in_one_step() -> None:
    """It is the state at the checkpoint that counts, not how often it changed before."""
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel()
            for _ in range(3):
                inner.shield = True
                inner.shield = False
            inner.shield = True
            await checkpoint()
            for _ in range(3):
                inner.shield = False
                inner.shield = True
            await checkpoint()
            inner.shield = False
            with pytest.raises(accord.get_cancelled_exc_class()):
                await checkpoint()


@rule("CANCEL-17")
async def test_time_limit_for_clean_up() -> None:
    """After the shield was raised the scope still catches its own deadline."""
    events: list[str] = []
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel()
            try:
                await accord.sleep_forever()
            finally:
                inner.shield = True
                inner.deadline = accord.current_time() + 0.01
                await accord.sleep_forever()
        events.append("between")
        await checkpoint()
        events.append("not cancelled")
    assert events == ["between"]
    assert inner.cancelled_caught
    assert outer.cancelled_caught


@rule("CANCEL-17")
async def test_cancel_during_clean_up() -> None:
    """After the shield was raised the scope still catches its own cancel, if the task waits and if it does not."""
    for waits in (False, True):
        with accord.CancelScope() as outer:
            with accord.CancelScope() as inner:
                outer.cancel()
                try:
                    await accord.sleep_forever()
                finally:
                    inner.shield = True
                    if waits:
                        await accord.sleep(0.002)
                    inner.cancel()
                    await accord.sleep_forever()
            assert inner.cancelled_caught
            await checkpoint()
            pytest.fail("the outer cancellation is lost")
        assert outer.cancelled_caught


@rule("CANCEL-17")
async def test_scope_inside_a_late_shield() -> None:
    """A scope inside a shield that was raised late catches its own cancellation."""
    events: list[str] = []
    with accord.CancelScope() as outer:
        with accord.CancelScope() as middle:
            with accord.CancelScope() as inner:
                outer.cancel()
                try:
                    await accord.sleep_forever()
                finally:
                    middle.shield = True
                    inner.cancel()
                    await accord.sleep_forever()
            events.append("after the inner")
            await checkpoint()
            events.append("still shielded")
        await checkpoint()
        events.append("not cancelled")
    assert events == ["after the inner", "still shielded"]
    assert inner.cancelled_caught
    assert not middle.cancelled_caught
    assert outer.cancelled_caught


@rule("CANCEL-17")
async def test_time_limit_in_a_child() -> None:
    """The same in a task of a group that was cancelled."""
    caught: list[bool] = []

    async def child() -> None:
        with accord.CancelScope() as inner:
            try:
                await accord.sleep_forever()
            finally:
                inner.shield = True
                inner.deadline = accord.current_time() + 0.01
                await accord.sleep_forever()
        caught.append(inner.cancelled_caught)

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        group.cancel()
    assert caught == [True]


@rule("CANCEL-18")
async def test_shield_is_lowered() -> None:
    """When the shield is lowered the next checkpoint raises."""
    with accord.CancelScope() as outer:
        outer.cancel()
        with accord.CancelScope(shield=True) as inner:
            await checkpoint()
            inner.shield = False
            with pytest.raises(accord.get_cancelled_exc_class()):
                await checkpoint()
            inner.shield = True
            await checkpoint()


@rule("CANCEL-18")
async def test_shield_is_lowered_while_waiting() -> None:
    """When the shield is lowered a task that waits already is cancelled at once."""
    events: list[str] = []
    shield = accord.CancelScope(shield=True)

    async def child() -> None:
        with shield:
            try:
                await accord.sleep_forever()
            finally:
                events.append("cancelled")

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        group.cancel()
        with accord.CancelScope(shield=True):
            await settle()
            assert events == []
            shield.shield = False
            await settle()
            assert events == ["cancelled"]
    assert not shield.cancelled_caught


@rule("CANCEL-18")
async def test_shield_around_a_group_is_lowered() -> None:
    """When the shield around a group is lowered all its tasks are cancelled."""
    events: list[int] = []
    shield = accord.CancelScope(shield=True)

    async def child(number: int) -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append(number)

    async def host() -> None:
        with shield:
            async with accord.create_task_group() as inner:
                for number in range(3):
                    inner.start_soon(child, number)

    async with accord.create_task_group() as group:
        group.start_soon(host)
        await settle()
        group.cancel()
        with accord.CancelScope(shield=True):
            await settle()
            assert events == []
            shield.shield = False
    assert sorted(events) == [0, 1, 2]
