"""The contract between portable code and a backend, as typed Protocols.

Nothing here has behaviour: each module holds the Protocol classes of one subject, and each method's docstring names
the rules (``spec/rules/``) that say what it must do. A backend satisfies them structurally; it inherits from nothing.

``backend`` is the waist: the members that a backend supplies. Every other module describes an object that a member
of the waist returns.
"""

from .backend import Backend
from .cancellation import CancelKind, CancelReason, CancelScope
from .loop import LoopToken
from .parking import Parker
from .readiness import Poller, Readiness
from .resources import AsyncResource
from .schedules import RunnableTask, Schedule
from .streams import (
    ByteReceiveStream,
    ByteSendStream,
    ByteStream,
    ByteStreamConnectable,
    Listener,
    ObjectReceiveStream,
    ObjectSendStream,
    ObjectStream,
    ObjectStreamConnectable,
    UnreliableObjectStream,
)
from .tasks import HandleStatus, TaskGroup, TaskHandle, TaskInfo, TaskStatus
from .testing import Runner, Testing

__all__ = [
    "AsyncResource",
    "Backend",
    "ByteReceiveStream",
    "ByteSendStream",
    "ByteStream",
    "ByteStreamConnectable",
    "CancelKind",
    "CancelReason",
    "CancelScope",
    "HandleStatus",
    "Listener",
    "LoopToken",
    "ObjectReceiveStream",
    "ObjectSendStream",
    "ObjectStream",
    "ObjectStreamConnectable",
    "Parker",
    "Poller",
    "Readiness",
    "RunnableTask",
    "Runner",
    "Schedule",
    "TaskGroup",
    "TaskHandle",
    "TaskInfo",
    "TaskStatus",
    "Testing",
    "UnreliableObjectStream",
]
