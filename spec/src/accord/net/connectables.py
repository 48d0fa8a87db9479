"""Connectables: places that one can connect to as often as one likes, as values to pass around (area CONN).

A client that takes a connectable works over TCP, a UNIX socket, TLS over either, or whatever a test makes up. They are
plain values: immutable, equal if they mean the same, and nothing happens before ``connect()``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, cast

from ..exceptions import ConnectionFailed
from ..protocols import ByteStreamConnectable
from .addresses import IPAddressType, check_host, check_port
from .paths import UNIXPathType, check_path

if TYPE_CHECKING:
    import ssl

    from ..streams.tls import TLSStream
    from .sockets import SocketStream
    from .unix_streams import UNIXSocketStream


@dataclass(frozen=True, slots=True)
class TCPConnectable:
    """A TCP server (CONN-1).

    Raises ``TypeError`` or ``ValueError`` for what can't be a host or a port from 1 to 65535.
    """

    host: IPAddressType
    """A name or a numeric address."""
    port: int
    """The port."""

    def __post_init__(self) -> None:
        check_host(self.host)
        check_port(self.port, minimum=1)

    async def connect(self) -> SocketStream:
        """Connect as ``connect_tcp`` does; a checkpoint. Raises ``ConnectionFailed``, also for unknown names."""
        from .tcp import connect_tcp

        try:
            return await connect_tcp(self.host, self.port)
        except ConnectionFailed:
            raise
        except OSError as exc:
            # Not its errno: what the resolver says is counted in another way.
            host = str(self.host)
            text = f"connect to {host}:{self.port} failed: {exc.strerror or exc}"
            raise ConnectionFailed(None, text, host, self.port) from exc


@dataclass(frozen=True, slots=True)
class UNIXConnectable:
    """A UNIX socket (CONN-2).

    Raises ``TypeError`` or ``ValueError`` for what can't be a path.
    """

    path: UNIXPathType
    """The path of the listening socket; an abstract name begins with a NUL character."""

    def __post_init__(self) -> None:
        check_path(self.path)

    async def connect(self) -> UNIXSocketStream:
        """Connect as ``connect_unix`` does; a checkpoint. Raises ``ConnectionFailed``."""
        from .unix import connect_unix

        return await connect_unix(self.path)


@dataclass(frozen=True, slots=True)
class TLSConnectable:
    """TLS over another connectable, as its client (CONN-3).

    Raises ``ValueError`` if neither a host name is known nor a context given that does not check it.
    """

    connectable: ByteStreamConnectable
    """What makes the connections beneath."""
    hostname: str | None = field(default=None, kw_only=True)
    """The name that the certificate must have; None for the host of a ``TCPConnectable``."""
    ssl_context: ssl.SSLContext | None = field(default=None, kw_only=True, repr=False)
    """None for one that verifies certificates and needs TLS 1.2."""
    standard_compatible: bool = field(default=True, kw_only=True)
    """Whether the end of the connection must be announced by the TLS layer."""

    def __post_init__(self) -> None:
        context = self.ssl_context
        if not self._expected_name() and (context is None or context.check_hostname):
            raise ValueError(
                "hostname must be given, because the server's certificate is checked for it, and "
                f"{type(self.connectable).__name__} knows none"
            )

    def _expected_name(self) -> str | None:
        if self.hostname is None and isinstance(self.connectable, TCPConnectable):
            return str(self.connectable.host)
        return self.hostname

    async def connect(self) -> TLSStream:
        """Connect and shake hands; a checkpoint.

        Raises ``ConnectionFailed`` as the inner ``connect``, and ``ssl.SSLError`` if the handshake fails; the
        connection beneath is closed then.
        """
        from ..streams.tls import TLSStream

        return await TLSStream.wrap(
            await self.connectable.connect(),
            server_side=False,
            hostname=self._expected_name(),
            ssl_context=self.ssl_context,
            standard_compatible=self.standard_compatible,
        )


def as_connectable(
    remote: ByteStreamConnectable | tuple[IPAddressType, int] | UNIXPathType,
    /,
    *,
    tls: bool | None = None,
    ssl_context: ssl.SSLContext | None = None,
    tls_hostname: str | None = None,
    tls_standard_compatible: bool = True,
) -> ByteStreamConnectable:
    """Return a connectable for what a caller may pass as an address (CONN-4, CONN-5).

    :param remote: a host and a port for TCP, a path for a UNIX socket, or a connectable.
    :param tls: whether to use TLS over it; None for "if ``ssl_context`` or ``tls_hostname`` is given".
    :param ssl_context: for TLS; by default one that verifies certificates.
    :param tls_hostname: the name that the certificate must have; by default the host, where there is one.
    :param tls_standard_compatible: whether the end of the connection must be announced by the TLS layer.

    Raises ``TypeError`` or ``ValueError`` for anything else, and ``ValueError`` for TLS arguments with ``tls=False``.
    """
    if tls is not None and not isinstance(tls, bool):
        raise TypeError(f"tls must be a bool or None, not {type(tls).__name__}")
    argument = "ssl_context" if ssl_context is not None else "tls_hostname" if tls_hostname is not None else None
    if tls is False and argument is not None:
        raise ValueError(f"{argument} can't be used with tls=False")
    plain = _plain(remote)
    if tls is not True and argument is None:
        return plain
    return TLSConnectable(
        plain, hostname=tls_hostname, ssl_context=ssl_context, standard_compatible=tls_standard_compatible
    )


def _plain(remote: object) -> ByteStreamConnectable:
    if isinstance(remote, tuple):
        address = cast("tuple[Any, ...]", cast(object, remote))
        if len(address) != 2:
            raise ValueError(f"remote must be a host and a port, not {len(address)} values")
        return TCPConnectable(*address)
    if isinstance(remote, str | bytes | os.PathLike):
        return UNIXConnectable(cast("UNIXPathType", remote))
    connect: Callable[..., Any] | None = getattr(remote, "connect", None)
    if isinstance(remote, type | IPv4Address | IPv6Address) or not callable(connect):
        raise TypeError(
            f"remote must be a tuple of host and port, a path or a connectable, not {type(remote).__name__}"
        )
    return cast(ByteStreamConnectable, remote)
