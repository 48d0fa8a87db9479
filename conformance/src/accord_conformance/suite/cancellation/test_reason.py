"""Why a scope is cancelled."""

from __future__ import annotations

import gc
import weakref

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord_conformance.helpers import block, rule, settle


@rule("CANCEL-24")
async def test_none() -> None:
    """A scope that is not cancelled has no reason, before, in and after its block."""
    scope = accord.CancelScope()
    assert scope.cancel_reason is None
    with scope:
        await checkpoint()
        assert scope.cancel_reason is None
    assert scope.cancel_reason is None


@rule("CANCEL-24")
async def test_explicit() -> None:
    """An explicit cancel tells its text and the task that called."""
    with accord.CancelScope() as scope:
        scope.cancel("enough")
        expected = ("explicit", "enough", accord.get_current_task().name)
        assert scope.cancel_reason == expected
        await accord.sleep_forever()
    assert scope.cancel_reason == expected
    assert isinstance(scope.cancel_reason, accord.CancelReason)


@rule("CANCEL-24")
async def test_explicit_without_text() -> None:
    """An explicit cancel need not have a text."""
    with accord.CancelScope() as scope:
        scope.cancel()
        assert scope.cancel_reason == ("explicit", None, accord.get_current_task().name)


@rule("CANCEL-24")
async def test_explicit_in_another_task_and_in_a_callback() -> None:
    """The source is the task that called, and None in a callback."""
    scopes = [accord.CancelScope(), accord.CancelScope()]

    async def child() -> None:
        scopes[0].cancel("by a task")
        current_token().call_soon(scopes[1].cancel, "by a callback")

    async with accord.create_task_group() as group:
        group.start_soon(child, name="the child")
        for scope in scopes:
            with scope:
                await accord.sleep_forever()
    assert scopes[0].cancel_reason == ("explicit", "by a task", "the child")
    assert scopes[1].cancel_reason == ("explicit", "by a callback", None)


@rule("CANCEL-24")
async def test_deadline() -> None:
    """A deadline is a reason of its own kind, however it was noticed."""
    with accord.move_on_after(0.01) as scope:
        await accord.sleep_forever()
    assert scope.cancel_reason is not None
    assert scope.cancel_reason.kind == "deadline"
    with accord.move_on_after(-1) as scope:
        assert scope.cancel_reason is not None
        assert scope.cancel_reason.kind == "deadline"


@rule("CANCEL-24", "CANCEL-5")
async def test_first_reason_stays() -> None:
    """A second cause does not replace the first, whichever they are."""
    with accord.move_on_after(0.01) as scope:
        scope.cancel("first")
        block(0.02)
        assert scope.cancel_called
        scope.cancel("second")
        assert scope.cancel_reason == ("explicit", "first", accord.get_current_task().name)
        await checkpoint()
    with accord.move_on_after(0.01) as scope:
        block(0.02)
        scope.cancel("second")
        await checkpoint()
    assert scope.cancel_reason is not None
    assert scope.cancel_reason.kind == "deadline"


@rule("CANCEL-24")
async def test_failure_of_a_task() -> None:
    """A group that is cancelled because a task failed says which."""
    reasons: list[accord.CancelReason | None] = []

    async def fail() -> None:
        raise ValueError

    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            group.start_soon(fail, name="the culprit")
            try:
                await accord.sleep_forever()
            finally:
                reasons.append(group.cancel_scope.cancel_reason)
    reason = group.cancel_scope.cancel_reason
    assert reason is not None
    assert (reason.kind, reason.source) == ("failure", "the culprit")
    assert reasons == [reason]


@rule("CANCEL-24")
async def test_failure_of_the_body() -> None:
    """A group that is cancelled because its body failed names the host task."""
    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep_forever)
            raise ValueError
    reason = group.cancel_scope.cancel_reason
    assert reason is not None
    assert (reason.kind, reason.source) == ("failure", accord.get_current_task().name)


@rule("CANCEL-24")
async def test_parent() -> None:
    """A scope that is cancelled through an ancestor names the ancestor's cause."""
    reasons: list[accord.CancelReason | None] = []

    async def child() -> None:
        with accord.CancelScope() as own:
            try:
                await accord.sleep_forever()
            finally:
                reasons.append(own.cancel_reason)

    with accord.CancelScope() as outer:
        async with accord.create_task_group() as group:
            group.start_soon(child)
            await settle()
            with accord.CancelScope() as inner:
                assert inner.cancel_reason is None
                outer.cancel("the text")
                name = accord.get_current_task().name
                reasons.append(inner.cancel_reason)
                reasons.append(group.cancel_scope.cancel_reason)
                with accord.CancelScope(shield=True) as shield:
                    assert shield.cancel_reason is None
    assert [tuple(reason or ()) for reason in reasons] == [("parent", "the text", name)] * 3
    assert outer.cancel_reason == ("explicit", "the text", name)


@rule("CANCEL-24")
async def test_parent_is_not_kept() -> None:
    """A scope that was cancelled only through an ancestor has no reason any more once it has been left."""
    with accord.CancelScope() as outer:
        with accord.CancelScope() as left_normally:
            outer.cancel()
            assert left_normally.cancel_reason is not None
        try:
            with accord.CancelScope() as left_by_exception:
                await accord.sleep_forever()
        finally:
            assert left_normally.cancel_reason is None
            assert left_by_exception.cancel_reason is None


@rule("CANCEL-24", "CANCEL-16")
async def test_parent_behind_a_shield() -> None:
    """A shield that is raised later hides the ancestor's reason, and shows it again when it is lowered."""
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel("the text")
            inner.shield = True
            assert inner.cancel_reason is None
            inner.shield = False
            assert inner.cancel_reason is not None
            assert inner.cancel_reason[:2] == ("parent", "the text")


@rule("CANCEL-24")
async def test_own_inside_a_cancelled_parent() -> None:
    """A scope that is cancelled itself after an ancestor was says its own reason from then on."""
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel("outer")
            assert inner.cancel_reason is not None
            assert inner.cancel_reason.kind == "parent"
            inner.cancel("inner")
            expected = ("explicit", "inner", accord.get_current_task().name)
            assert inner.cancel_reason == expected
    assert inner.cancel_reason == expected


@rule("CANCEL-24")
async def test_parent_then_own() -> None:
    """A scope that is cancelled itself says its own reason."""
    with accord.CancelScope() as outer:
        with accord.CancelScope(shield=True) as inner:
            outer.cancel("outer")
            inner.cancel("inner")
            assert inner.cancel_reason is not None
            assert inner.cancel_reason[:2] == ("explicit", "inner")
            await checkpoint()


@rule("CANCEL-24")
async def test_handle() -> None:
    """A task that is cancelled through its handle finds the text in the scopes that it is in."""
    reasons: list[accord.CancelReason | None] = []

    async def child() -> None:
        with accord.CancelScope() as own:
            try:
                await accord.sleep_forever()
            finally:
                reasons.append(own.cancel_reason)

    async with accord.create_task_group() as group:
        handle = group.start_soon(child)
        await settle()
        handle.cancel("not needed any more")
    assert reasons == [("parent", "not needed any more", accord.get_current_task().name)]


@rule("CANCEL-24")
async def test_strings_only() -> None:
    """A reason keeps no task and no exception alive."""

    class Culprit(Exception):
        pass

    async def fail() -> None:
        raise Culprit

    references: list[weakref.ref[Exception]] = []

    async def provoke() -> accord.CancelReason | None:
        group = accord.create_task_group()
        try:
            async with group:
                group.start_soon(fail)
        except* Culprit as errors:
            references.extend(weakref.ref(error) for error in errors.exceptions)
        return group.cancel_scope.cancel_reason

    reason = await provoke()
    assert reason is not None
    assert all(field is None or type(field) is str for field in reason)
    gc.collect()
    assert [reference() for reference in references] == [None]
    assert "0x" not in str(reason)
