"""Tools for testing: byte streams in memory, and checks that a stream of your own keeps the rules of streams."""

from .checks import Check, MakePair, Options
from .kit import byte_stream_checks, check_byte_stream, check_object_stream, object_stream_checks
from .listeners import ListenerCheck, MakeListener, check_listener, listener_checks
from .memory import MemoryByteStream, memory_byte_stream_pair

__all__ = [
    "Check",
    "ListenerCheck",
    "MakeListener",
    "MakePair",
    "MemoryByteStream",
    "Options",
    "byte_stream_checks",
    "check_byte_stream",
    "check_listener",
    "check_object_stream",
    "listener_checks",
    "memory_byte_stream_pair",
    "object_stream_checks",
]
