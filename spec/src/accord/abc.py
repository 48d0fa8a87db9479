"""The names to annotate with: the Protocols, under the name that AnyIO's users know."""

from .net.attributes import SocketAttribute
from .protocols import (
    AsyncResource,
    ByteReceiveStream,
    ByteSendStream,
    ByteStream,
    ByteStreamConnectable,
    CancelScope,
    Listener,
    ObjectReceiveStream,
    ObjectSendStream,
    ObjectStream,
    ObjectStreamConnectable,
    TaskGroup,
    TaskHandle,
    TaskInfo,
    TaskStatus,
    UnreliableObjectStream,
)

__all__ = [
    "AsyncResource",
    "ByteReceiveStream",
    "ByteSendStream",
    "ByteStream",
    "ByteStreamConnectable",
    "CancelScope",
    "Listener",
    "ObjectReceiveStream",
    "ObjectSendStream",
    "ObjectStream",
    "ObjectStreamConnectable",
    "SocketAttribute",
    "TaskGroup",
    "TaskHandle",
    "TaskInfo",
    "TaskStatus",
    "UnreliableObjectStream",
]
