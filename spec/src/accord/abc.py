"""The names to annotate with: the Protocols, under the name that AnyIO's users know."""

import typing as _typing

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
from .streams.unions import AnyByteReceiveStream, AnyByteSendStream, AnyByteStream, AnyByteStreamConnectable

if _typing.TYPE_CHECKING:
    from .net.addresses import IPAddressType, IPSockAddrType
    from .net.listeners import SocketListener
    from .net.sockets import SocketStream
    from .net.udp import ConnectedUDPSocket, UDPPacketType, UDPSocket
    from .net.unix_datagrams import ConnectedUNIXDatagramSocket, UNIXDatagramPacketType, UNIXDatagramSocket
    from .net.unix_streams import UNIXSocketStream
else:
    # As in the package itself: sockets are imported when they are first asked for.
    _LATER = {
        "ConnectedUDPSocket": "udp",
        "ConnectedUNIXDatagramSocket": "unix_datagrams",
        "IPAddressType": "addresses",
        "IPSockAddrType": "addresses",
        "SocketListener": "listeners",
        "SocketStream": "sockets",
        "UDPPacketType": "udp",
        "UDPSocket": "udp",
        "UNIXDatagramPacketType": "unix_datagrams",
        "UNIXDatagramSocket": "unix_datagrams",
        "UNIXSocketStream": "unix_streams",
    }

    def __getattr__(name: str) -> object:
        module_name = _LATER.get(name)
        if module_name is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".net.{module_name}", __package__), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "AnyByteReceiveStream",
    "AnyByteSendStream",
    "AnyByteStream",
    "AnyByteStreamConnectable",
    "AsyncResource",
    "ByteReceiveStream",
    "ByteSendStream",
    "ByteStream",
    "ByteStreamConnectable",
    "CancelScope",
    "ConnectedUDPSocket",
    "ConnectedUNIXDatagramSocket",
    "IPAddressType",
    "IPSockAddrType",
    "Listener",
    "ObjectReceiveStream",
    "ObjectSendStream",
    "ObjectStream",
    "ObjectStreamConnectable",
    "SocketAttribute",
    "SocketListener",
    "SocketStream",
    "TaskGroup",
    "TaskHandle",
    "TaskInfo",
    "TaskStatus",
    "UDPPacketType",
    "UDPSocket",
    "UNIXDatagramPacketType",
    "UNIXDatagramSocket",
    "UNIXSocketStream",
    "UnreliableObjectStream",
]
