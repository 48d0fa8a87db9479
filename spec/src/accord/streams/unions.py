"""Streams of bytes in either form: byte streams, and object streams whose objects are bytes."""

from __future__ import annotations

from ..protocols import (
    ByteReceiveStream,
    ByteSendStream,
    ByteStream,
    ByteStreamConnectable,
    ObjectReceiveStream,
    ObjectSendStream,
    ObjectStream,
    ObjectStreamConnectable,
)

AnyByteReceiveStream = ObjectReceiveStream[bytes] | ByteReceiveStream
"""Whatever one can receive bytes from."""
AnyByteSendStream = ObjectSendStream[bytes] | ByteSendStream
"""Whatever one can send bytes to."""
AnyByteStream = ObjectStream[bytes] | ByteStream
"""Both directions."""
AnyByteStreamConnectable = ObjectStreamConnectable[bytes] | ByteStreamConnectable
"""Whatever one can get such a stream from."""
