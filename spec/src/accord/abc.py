"""The names to annotate with: the Protocols, under the name that AnyIO's users know."""

from .net.attributes import SocketAttribute
from .protocols import (
    AsyncResource,
    ByteReceiveStream,
    ByteSendStream,
    ByteStream,
    CancelScope,
    Listener,
    ObjectReceiveStream,
    ObjectSendStream,
    ObjectStream,
    TaskGroup,
    TaskHandle,
    TaskInfo,
    TaskStatus,
)

__all__ = [
    "AsyncResource",
    "ByteReceiveStream",
    "ByteSendStream",
    "ByteStream",
    "CancelScope",
    "Listener",
    "ObjectReceiveStream",
    "ObjectSendStream",
    "ObjectStream",
    "SocketAttribute",
    "TaskGroup",
    "TaskHandle",
    "TaskInfo",
    "TaskStatus",
]
