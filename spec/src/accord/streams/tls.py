"""TLS on any byte stream (area TLS): streams, their typed attributes, and listeners."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._attributes import TypedAttributeProvider
from .._closing import aclose_forcefully
from .._mixins import Closing
from .._running import get_cancelled_exc_class
from .._tasks import TASK_STATUS_IGNORED
from .._time import fail_after
from ..net.connectables import TLSConnectable
from ..protocols import ByteStream, Listener, TaskGroup, TaskStatus
from ._tls_setup import check_server_context, check_standard_compatible, check_timeout
from ._tls_stream import TLSAttribute, TLSStream
from .checking import attributes_of

if TYPE_CHECKING:
    from ..protocols.streams import OnError

__all__ = ["TLSAttribute", "TLSConnectable", "TLSListener", "TLSStream"]

_logger = logging.getLogger("accord.streams.tls")


class TLSListener(TypedAttributeProvider, Closing):
    """A listener that makes the TLS handshake, as the server, with each connection of another listener (TLS-20, 21).

    :param listener: gives the connections; it is closed with this one.
    :param ssl_context: holds the server's certificate.
    :param standard_compatible: as in ``TLSStream.wrap``.
    :param handshake_timeout: seconds that a handshake may take, at least 0.
    :param shutdown_timeout: as in ``TLSStream.wrap``.

    Raises ``TypeError`` and ``ValueError`` for arguments that don't fit.
    """

    __slots__ = (
        "__weakref__",
        "handshake_timeout",
        "listener",
        "shutdown_timeout",
        "ssl_context",
        "standard_compatible",
    )

    def __init__(
        self,
        listener: Listener[ByteStream],
        ssl_context: ssl.SSLContext,
        standard_compatible: bool = True,
        handshake_timeout: float = 30.0,
        shutdown_timeout: float = 5.0,
    ) -> None:
        check_server_context(ssl_context)
        check_standard_compatible(standard_compatible)
        self.listener = listener
        """The listener below."""
        self.ssl_context = ssl_context
        """The context of all connections."""
        self.standard_compatible = standard_compatible
        """Passed to ``TLSStream.wrap``."""
        self.handshake_timeout = check_timeout(handshake_timeout, "handshake_timeout")
        """Seconds that a handshake may take."""
        self.shutdown_timeout = check_timeout(shutdown_timeout, "shutdown_timeout")
        """Passed to ``TLSStream.wrap``."""

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of the listener below, and ``TLSAttribute.standard_compatible``."""
        return {
            **attributes_of(self.listener),
            TLSAttribute.standard_compatible: lambda: self.standard_compatible,
        }

    @staticmethod
    async def handle_handshake_error(exc: BaseException, stream: ByteStream) -> None:
        """Deal with a failed handshake; a subclass may do something else. Called in the connection's task.

        This closes ``stream`` and logs a warning to ``accord.streams.tls``, with the traceback if debugging is on. A
        cancellation, and any other exception that is no ``Exception``, is raised again.

        :param exc: what ``TLSStream.wrap`` raised; ``TimeoutError`` after ``handshake_timeout``.
        :param stream: the stream below, which has been closed by now.
        """
        await aclose_forcefully(stream)
        if not isinstance(exc, Exception) or isinstance(exc, get_cancelled_exc_class()):
            raise exc
        details = exc if _logger.isEnabledFor(logging.DEBUG) else None
        _logger.warning("a TLS handshake failed: %s: %s", type(exc).__name__, exc, exc_info=details)

    async def serve(
        self,
        handler: Callable[[TLSStream], Any],
        /,
        task_group: TaskGroup | None = None,
        *,
        task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
        on_error: OnError = "log",
    ) -> None:
        """Run ``handler(stream)`` as a task for each connection whose handshake succeeds, until closed or cancelled.

        The parameters are those of the listener below. Handshakes are made in the connections' tasks, so that a slow
        client delays nobody; one that fails goes to ``handle_handshake_error`` and doesn't end ``serve()``.
        """

        async def shake_hands(transport_stream: ByteStream) -> None:
            try:
                with fail_after(self.handshake_timeout):
                    stream = await TLSStream.wrap(
                        transport_stream,
                        server_side=True,
                        ssl_context=self.ssl_context,
                        standard_compatible=self.standard_compatible,
                        shutdown_timeout=self.shutdown_timeout,
                    )
            except BaseException as exc:
                await self.handle_handshake_error(exc, transport_stream)
                if not isinstance(exc, Exception):
                    raise
                return
            await handler(stream)

        # The tasks are named after their function.
        shake_hands.__qualname__ = getattr(handler, "__qualname__", shake_hands.__qualname__)
        await self.listener.serve(shake_hands, task_group, task_status=task_status, on_error=on_error)

    async def aclose(self) -> None:
        """Close the listener below; idempotent, a checkpoint. Connections that were accepted stay open."""
        await self.listener.aclose()

    def __repr__(self) -> str:
        return f"<TLSListener on {self.listener!r}>"
