"""Free ports for servers that have to be told one."""

from __future__ import annotations

import errno
import socket
from socket import AF_INET, AF_INET6, AddressFamily, SocketKind


class FreePortFactory:
    """Finds ports that are free on the loopback addresses, and gives none out twice.

    Another process may take a port before the test does. A server that chooses its own port, by asking for port 0, has
    no such gap.
    """

    def __init__(self, kind: SocketKind) -> None:
        """
        Make a factory.

        :param kind: ``socket.SOCK_STREAM`` or ``socket.SOCK_DGRAM``.
        """
        self._kind = kind
        self._given: set[int] = set()

    @property
    def kind(self) -> SocketKind:
        """The kind of sockets that the ports are for."""
        return self._kind

    def __call__(self, family: AddressFamily | None = None) -> int:
        """Return a free port.

        :param family: for addresses of this family; by default for IPv4 and, where there is any, IPv6.

        Raises the ``OSError`` of the system if the family can't be used.
        """
        families = [AF_INET, AF_INET6] if family is None else [family]
        while True:
            port = self._try(families, optional=family is None)
            if port not in self._given:
                self._given.add(port)
                return port

    def _try(self, families: list[AddressFamily], *, optional: bool) -> int:
        """Return a port that is free for all families, trying others for as long as one is taken."""
        while True:
            held: list[socket.socket] = []
            port = 0
            try:
                for family in families:
                    try:
                        sock = socket.socket(family, self._kind)
                    except OSError:
                        if not optional or family is not AF_INET6:
                            raise
                        continue
                    held.append(sock)
                    try:
                        sock.bind(("::1" if family == AF_INET6 else "127.0.0.1", port))
                    except OSError as error:
                        if optional and family is AF_INET6 and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                            continue
                        raise
                    port = sock.getsockname()[1]
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not port:
                    raise
            else:
                return port
            finally:
                for sock in held:
                    sock.close()
