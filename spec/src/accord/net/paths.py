"""The addresses of UNIX sockets: paths in the file system, and on Linux abstract names.

A path is passed to the system as bytes and shown as text, as ``os.fsencode`` and ``os.fsdecode`` do it. An abstract
name begins with a NUL character and has no file.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from pathlib import Path
from typing import TypeAlias, cast

UNIXPathType: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""The address of a UNIX socket as callers pass it."""

LONGEST_PATH = 107 if sys.platform == "linux" else 103
"""How many bytes the path of a UNIX socket may have."""


def check_path(path: object, name: str = "path") -> bytes:
    """Return a path as bytes; ``TypeError`` or ``ValueError`` naming the argument if it can't be one."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"{name} must be a str, bytes or path, not {type(path).__name__}")
    encoded = os.fsencode(cast("str | bytes", path))
    if not encoded:
        raise ValueError(f"{name} must not be empty")
    if encoded.startswith(b"\0"):
        if sys.platform != "linux":
            raise ValueError(f"{name}: this system has no abstract names")
        if len(encoded) == 1:
            raise ValueError(f"{name} must have a character after the NUL")
    elif b"\0" in encoded:
        raise ValueError(f"{name} must not have a NUL character in it, except at the start for an abstract name")
    return encoded


def check_length(path: bytes) -> None:
    """Raise ``OSError`` with ENAMETOOLONG if a path is too long for a UNIX socket (UNIX-4)."""
    if len(path) > LONGEST_PATH + path.startswith(b"\0"):
        raise OSError(
            errno.ENAMETOOLONG, f"the path of a UNIX socket has at most {LONGEST_PATH} bytes", public_path(path)
        )


def check_mode(mode: object, name: str = "mode") -> None:
    """Refuse what is no file mode: ``TypeError`` or ``ValueError``."""
    if mode is None:
        return
    if isinstance(mode, bool) or not isinstance(mode, int):
        raise TypeError(f"{name} must be an int or None, not {type(mode).__name__}")
    if not 0 <= mode <= 0o7777:
        raise ValueError(f"{name} must be from 0 to 0o7777, got {mode:#o}")


def public_path(path: str | bytes | None) -> str:
    """Return the address of a UNIX socket, as the system or the caller gave it, as text; empty if it has none."""
    return os.fsdecode(path) if path else ""


def shown(path: bytes) -> str:
    """Return a path for a message: an abstract name begins with ``@``."""
    text = os.fsdecode(path)
    return f"@{text[1:]}" if text.startswith("\0") else text


def bind(sock: socket.socket, path: bytes, mode: int | None) -> None:
    """Bind a socket to a path in place of a socket that is there; may block (UNIX-3).

    If it raises nothing new is left in the file system.
    """
    abstract = path.startswith(b"\0")
    file = Path(os.fsdecode(path))
    if not abstract:
        try:
            # A link is not followed: it would be the link that was removed.
            is_socket = stat.S_ISSOCK(file.lstat().st_mode)
        except FileNotFoundError:
            is_socket = False
        if is_socket:
            file.unlink(missing_ok=True)
    try:
        sock.bind(path)
    except OSError as exc:
        exc.filename = public_path(path)  # the system doesn't tell, and the path is what the reader needs
        raise
    if mode is not None and not abstract:
        try:
            file.chmod(mode)
        except BaseException:
            file.unlink(missing_ok=True)
            raise


def unlink(path: bytes) -> None:
    """Remove the file of a socket that was bound to a path in vain; may block."""
    if not path.startswith(b"\0"):
        Path(os.fsdecode(path)).unlink(missing_ok=True)
