"""The static half of conformance: each object of the backend as the Protocol that it satisfies; checked, never run."""

from __future__ import annotations

from accord.protocols import (
    Backend,
    CancelScope,
    LoopToken,
    Parker,
    Poller,
    Readiness,
    TaskGroup,
    TaskHandle,
    TaskInfo,
    TaskStatus,
    Testing,
)
from accord.toolkit import StartStatus
from accord_asyncio import backend
from accord_asyncio.backend import AsyncioBackend
from accord_asyncio.blocked import Testing as AsyncioTesting
from accord_asyncio.groups import TaskGroup as AsyncioTaskGroup
from accord_asyncio.loops import LoopToken as AsyncioToken
from accord_asyncio.parking import Parker as AsyncioParker
from accord_asyncio.readiness import Poller as AsyncioPoller
from accord_asyncio.readiness import Readiness as AsyncioReadiness
from accord_asyncio.records import TaskRecord
from accord_asyncio.scopes import CancelScope as AsyncioScope

whole: Backend = backend


def parts(
    own: AsyncioBackend,
    scope: AsyncioScope,
    group: AsyncioTaskGroup,
    record: TaskRecord,
    parker: AsyncioParker,
    token: AsyncioToken,
    poller: AsyncioPoller,
    readiness: AsyncioReadiness,
    testing: AsyncioTesting,
    status: StartStatus,
) -> None:
    """One assignment a Protocol, so that each has its own diagnostic."""
    _backend: Backend = own
    _scope: CancelScope = scope
    _group: TaskGroup = group
    _handle: TaskHandle[object] = record
    _info: TaskInfo = record
    _parker: Parker[object] = parker
    _token: LoopToken = token
    _poller: Poller = poller
    _readiness: Readiness = readiness
    _testing: Testing = testing
    _status: TaskStatus[object] = status
