"""Structured concurrency that runs on any backend: write once, run on asyncio or on Trio.

Start with ``run``, ``create_task_group`` and ``move_on_after``. ``accord.protocols`` is the contract that a backend
satisfies, and the names to annotate with.
"""

import typing as _typing

from . import abc, lowlevel, protocols
from ._attributes import TypedAttributeProvider, TypedAttributeSet, typed_attribute
from ._backends import get_all_backends, get_available_backends
from ._closing import aclose_forcefully
from ._gathering import amap, as_completed, gather, race
from ._running import get_cancelled_exc_class, run
from ._scopes import CancelScope
from ._tasks import (
    TASK_STATUS_IGNORED,
    create_task_group,
    get_current_task,
    get_running_tasks,
    wait_all_tasks_blocked,
)
from ._time import (
    current_effective_deadline,
    current_time,
    fail_after,
    fail_at,
    move_on_after,
    move_on_at,
    sleep,
    sleep_forever,
    sleep_until,
)
from .exceptions import (
    AccordError,
    BackendNotFound,
    BrokenBarrierError,
    BrokenResourceError,
    BrokenWorkerInterpreter,
    BrokenWorkerProcess,
    BusyResourceError,
    ClosedResourceError,
    ConnectionAttempt,
    ConnectionFailed,
    DelimiterNotFound,
    EndOfStream,
    FutureAlreadyFinished,
    FutureCancelled,
    FutureFailed,
    FutureNotFinished,
    HttpBodyTooLarge,
    HttpError,
    HttpProtocolError,
    HttpRedirectError,
    HttpStatusError,
    IncompleteRead,
    NoEventLoopError,
    RunFinishedError,
    TaskCancelled,
    TaskFailed,
    TaskNotFinished,
    TypedAttributeLookupError,
    WouldBlock,
)
from .protocols import CancelReason, HandleStatus, TaskGroup, TaskHandle, TaskInfo, TaskStatus
from .streams.memory import (
    MemoryObjectReceiveStream,
    MemoryObjectSendStream,
    MemoryObjectStreamStatistics,
    create_memory_object_stream,
)
from .sync import (
    CapacityLimiter,
    CapacityLimiterStatistics,
    Condition,
    ConditionStatistics,
    Event,
    EventStatistics,
    Future,
    FutureStatus,
    Lock,
    LockStatistics,
    ResourceGuard,
    Semaphore,
    SemaphoreStatistics,
)

if _typing.TYPE_CHECKING:
    from . import debug, from_thread, functools, itertools, testing, to_interpreter, to_process, to_thread
    from ._contexts import AsyncContextManagerMixin, ContextManagerMixin
    from ._generators import GeneratorStream, as_stream
    from ._owning import TaskOwned, enter_in_task
    from ._services import ServiceGroup, open_service_group
    from ._unwrapping import leaves, raise_single, unwrap_single
    from .files import (
        AsyncFile,
        NamedTemporaryFile,
        SpooledTemporaryFile,
        TemporaryDirectory,
        TemporaryFile,
        gettempdir,
        gettempdirb,
        mkdtemp,
        mkstemp,
        open_file,
        wrap_file,
    )
    from .http import open_url
    from .net.addresses import getaddrinfo, getnameinfo
    from .net.connectables import TCPConnectable, UNIXConnectable, as_connectable
    from .net.descriptors import notify_closing, wait_readable, wait_writable
    from .net.listeners import SocketListener
    from .net.sockets import SocketStream
    from .net.tcp import connect_tcp, create_tcp_listener
    from .net.udp import ConnectedUDPSocket, UDPSocket, create_connected_udp_socket, create_udp_socket
    from .net.unix import connect_unix, create_unix_listener
    from .net.unix_datagrams import (
        ConnectedUNIXDatagramSocket,
        UNIXDatagramSocket,
        create_connected_unix_datagram_socket,
        create_unix_datagram_socket,
    )
    from .net.unix_streams import UNIXSocketStream
    from .paths import Path
    from .processes.options import TerminationPolicy
    from .processes.process import Process, open_process
    from .processes.running import run_process
    from .signals import open_signal_receiver
    from .streams.broadcast import (
        BroadcastReceiveStream,
        BroadcastSendStream,
        BroadcastStatistics,
        SubscriptionStatistics,
        create_broadcast_stream,
    )
    from .streams.latest import LatestValue, LatestValueStatistics, LatestValueStream
    from .sync.barriers import Barrier, BarrierStatistics
    from .sync.rates import RateLimiter, RateLimiterStatistics
    from .sync.rwlocks import RWLock, RWLockStatistics
else:
    # What needs sockets and threads is imported when it is first asked for, because that takes as long as the rest.
    # Type checkers don't see the function: to them it would mean that any name exists.
    _LATER = {
        "as_connectable": "net.connectables",
        "as_stream": "_generators",
        "AsyncContextManagerMixin": "_contexts",
        "AsyncFile": "files.async_file",
        "Barrier": "sync.barriers",
        "BarrierStatistics": "sync.barriers",
        "BroadcastReceiveStream": "streams.broadcast",
        "BroadcastSendStream": "streams.broadcast",
        "BroadcastStatistics": "streams.broadcast",
        "connect_tcp": "net.tcp",
        "connect_unix": "net.unix",
        "ConnectedUDPSocket": "net.udp",
        "ConnectedUNIXDatagramSocket": "net.unix_datagrams",
        "ContextManagerMixin": "_contexts",
        "create_broadcast_stream": "streams.broadcast",
        "create_connected_udp_socket": "net.udp",
        "create_connected_unix_datagram_socket": "net.unix_datagrams",
        "create_tcp_listener": "net.tcp",
        "create_udp_socket": "net.udp",
        "create_unix_datagram_socket": "net.unix_datagrams",
        "create_unix_listener": "net.unix",
        "debug": "debug",
        "enter_in_task": "_owning",
        "from_thread": "from_thread",
        "functools": "functools",
        "GeneratorStream": "_generators",
        "getaddrinfo": "net.addresses",
        "getnameinfo": "net.addresses",
        "gettempdir": "files.temporary",
        "gettempdirb": "files.temporary",
        "itertools": "itertools",
        "LatestValue": "streams.latest",
        "LatestValueStatistics": "streams.latest",
        "LatestValueStream": "streams.latest",
        "leaves": "_unwrapping",
        "mkdtemp": "files.temporary",
        "mkstemp": "files.temporary",
        "NamedTemporaryFile": "files.temporary",
        "notify_closing": "net.descriptors",
        "open_file": "files.opening",
        "open_process": "processes.process",
        "open_service_group": "_services",
        "open_signal_receiver": "signals",
        "open_url": "http",
        "Path": "paths",
        "Process": "processes.process",
        "raise_single": "_unwrapping",
        "RateLimiter": "sync.rates",
        "RateLimiterStatistics": "sync.rates",
        "run_process": "processes.running",
        "RWLock": "sync.rwlocks",
        "RWLockStatistics": "sync.rwlocks",
        "ServiceGroup": "_services",
        "SocketListener": "net.listeners",
        "SocketStream": "net.sockets",
        "SpooledTemporaryFile": "files.spooled",
        "SubscriptionStatistics": "streams.broadcast",
        "TaskOwned": "_owning",
        "TCPConnectable": "net.connectables",
        "TemporaryDirectory": "files.temporary",
        "TemporaryFile": "files.temporary",
        "TerminationPolicy": "processes.options",
        "testing": "testing",
        "to_interpreter": "to_interpreter",
        "to_process": "to_process",
        "to_thread": "to_thread",
        "UDPSocket": "net.udp",
        "UNIXConnectable": "net.connectables",
        "UNIXDatagramSocket": "net.unix_datagrams",
        "UNIXSocketStream": "net.unix_streams",
        "unwrap_single": "_unwrapping",
        "wait_readable": "net.descriptors",
        "wait_writable": "net.descriptors",
        "wrap_file": "files.opening",
    }

    def __getattr__(name: str) -> object:
        module_name = _LATER.get(name)
        if module_name is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f".{module_name}", __name__)
        value = globals()[name] = module if name == module_name else getattr(module, name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "TASK_STATUS_IGNORED",
    "AccordError",
    "AsyncContextManagerMixin",
    "AsyncFile",
    "BackendNotFound",
    "Barrier",
    "BarrierStatistics",
    "BroadcastReceiveStream",
    "BroadcastSendStream",
    "BroadcastStatistics",
    "BrokenBarrierError",
    "BrokenResourceError",
    "BrokenWorkerInterpreter",
    "BrokenWorkerProcess",
    "BusyResourceError",
    "CancelReason",
    "CancelScope",
    "CapacityLimiter",
    "CapacityLimiterStatistics",
    "ClosedResourceError",
    "Condition",
    "ConditionStatistics",
    "ConnectedUDPSocket",
    "ConnectedUNIXDatagramSocket",
    "ConnectionAttempt",
    "ConnectionFailed",
    "ContextManagerMixin",
    "DelimiterNotFound",
    "EndOfStream",
    "Event",
    "EventStatistics",
    "Future",
    "FutureAlreadyFinished",
    "FutureCancelled",
    "FutureFailed",
    "FutureNotFinished",
    "FutureStatus",
    "GeneratorStream",
    "HandleStatus",
    "HttpBodyTooLarge",
    "HttpError",
    "HttpProtocolError",
    "HttpRedirectError",
    "HttpStatusError",
    "IncompleteRead",
    "LatestValue",
    "LatestValueStatistics",
    "LatestValueStream",
    "Lock",
    "LockStatistics",
    "MemoryObjectReceiveStream",
    "MemoryObjectSendStream",
    "MemoryObjectStreamStatistics",
    "NamedTemporaryFile",
    "NoEventLoopError",
    "Path",
    "Process",
    "RWLock",
    "RWLockStatistics",
    "RateLimiter",
    "RateLimiterStatistics",
    "ResourceGuard",
    "RunFinishedError",
    "Semaphore",
    "SemaphoreStatistics",
    "ServiceGroup",
    "SocketListener",
    "SocketStream",
    "SpooledTemporaryFile",
    "SubscriptionStatistics",
    "TCPConnectable",
    "TaskCancelled",
    "TaskFailed",
    "TaskGroup",
    "TaskHandle",
    "TaskInfo",
    "TaskNotFinished",
    "TaskOwned",
    "TaskStatus",
    "TemporaryDirectory",
    "TemporaryFile",
    "TerminationPolicy",
    "TypedAttributeLookupError",
    "TypedAttributeProvider",
    "TypedAttributeSet",
    "UDPSocket",
    "UNIXConnectable",
    "UNIXDatagramSocket",
    "UNIXSocketStream",
    "WouldBlock",
    "abc",
    "aclose_forcefully",
    "amap",
    "as_completed",
    "as_connectable",
    "as_stream",
    "connect_tcp",
    "connect_unix",
    "create_broadcast_stream",
    "create_connected_udp_socket",
    "create_connected_unix_datagram_socket",
    "create_memory_object_stream",
    "create_task_group",
    "create_tcp_listener",
    "create_udp_socket",
    "create_unix_datagram_socket",
    "create_unix_listener",
    "current_effective_deadline",
    "current_time",
    "debug",
    "enter_in_task",
    "fail_after",
    "fail_at",
    "from_thread",
    "functools",
    "gather",
    "get_all_backends",
    "get_available_backends",
    "get_cancelled_exc_class",
    "get_current_task",
    "get_running_tasks",
    "getaddrinfo",
    "getnameinfo",
    "gettempdir",
    "gettempdirb",
    "itertools",
    "leaves",
    "lowlevel",
    "mkdtemp",
    "mkstemp",
    "move_on_after",
    "move_on_at",
    "notify_closing",
    "open_file",
    "open_process",
    "open_service_group",
    "open_signal_receiver",
    "open_url",
    "protocols",
    "race",
    "raise_single",
    "run",
    "run_process",
    "sleep",
    "sleep_forever",
    "sleep_until",
    "testing",
    "to_interpreter",
    "to_process",
    "to_thread",
    "typed_attribute",
    "unwrap_single",
    "wait_all_tasks_blocked",
    "wait_readable",
    "wait_writable",
    "wrap_file",
]
