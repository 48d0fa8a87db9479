"""What a backend may ask about a file descriptor."""

from __future__ import annotations

import socket


def is_listening(fd: int) -> bool:
    """Return whether a descriptor is that of a listening socket."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return False
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
    finally:
        sock.detach()
