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
from accord_trio import backend
from accord_trio.backend import TrioBackend
from accord_trio.blocked import Testing as TrioTesting
from accord_trio.groups import TaskGroup as TrioTaskGroup
from accord_trio.loops import LoopToken as TrioToken
from accord_trio.parking import Parker as TrioParker
from accord_trio.readiness import Poller as TrioPoller
from accord_trio.readiness import Readiness as TrioReadiness
from accord_trio.records import TaskRecord
from accord_trio.scopes import CancelScope as TrioScope

whole: Backend = backend


def parts(
    own: TrioBackend,
    scope: TrioScope,
    group: TrioTaskGroup,
    record: TaskRecord,
    parker: TrioParker,
    token: TrioToken,
    poller: TrioPoller,
    readiness: TrioReadiness,
    testing: TrioTesting,
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
