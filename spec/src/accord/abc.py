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
    from .processes.process import Process
else:
    # As in the package itself: sockets and processes are imported when they are first asked for.
    _LATER = {
        "ConnectedUDPSocket": "net.udp",
        "ConnectedUNIXDatagramSocket": "net.unix_datagrams",
        "IPAddressType": "net.addresses",
        "IPSockAddrType": "net.addresses",
        "Process": "processes.process",
        "SocketListener": "net.listeners",
        "SocketStream": "net.sockets",
        "UDPPacketType": "net.udp",
        "UDPSocket": "net.udp",
        "UNIXDatagramPacketType": "net.unix_datagrams",
        "UNIXDatagramSocket": "net.unix_datagrams",
        "UNIXSocketStream": "net.unix_streams",
    }

    def __getattr__(name: str) -> object:
        module_name = _LATER.get(name)
        if module_name is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{module_name}", __package__), name)
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
    "Process",
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
