"""Host names and addresses: checking what the caller passed, and asking the resolver (area DNS).

There are three kinds of host. A *numeric address* is understood here, at once: it needs neither the resolver nor a
thread. A name in ASCII goes to the resolver as it is. Any other name is first put into ASCII by IDNA 2008, the standard
that registries and browsers follow; Python's own codec knows only the IDNA of 2003, which leads to other names
("straße.de" became "strasse.de", which belongs to somebody else). The resolver of the operating system blocks, and so
it is called in a worker thread, which a cancelled caller leaves to itself.

Outwards the address of an IP socket is always the pair of host and port. IPv6 has a third part: a link-local address is
unique on its link only, so that it needs the interface, the *scope id*. It is written into the host as everywhere else,
``fe80::1%eth0``, and read from there.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeAlias, cast

from .._backends import current_backend
from ..to_thread import run_sync

IPAddressType: TypeAlias = str | IPv4Address | IPv6Address
"""A host as callers pass it: a name, or an address as text or as an object."""

IPSockAddrType: TypeAlias = tuple[str, int]
"""The address of an IP socket: host and port."""

AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, Any]
"""What a socket is made and bound or connected with: family, type, protocol, and the operating system's address."""

_LONGEST_NAME = 253
_LONGEST_LABEL = 63

_PROTOCOLS = {socket.SOCK_STREAM: socket.IPPROTO_TCP, socket.SOCK_DGRAM: socket.IPPROTO_UDP}


def check_host(host: object, name: str = "host") -> str:
    """Return a host as text; ``TypeError`` or ``ValueError`` naming the argument if it can't be one."""
    if isinstance(host, IPv4Address | IPv6Address):
        return str(host)
    if not isinstance(host, str):
        raise TypeError(f"{name} must be a str, IPv4Address or IPv6Address, not {type(host).__name__}")
    if not host:
        raise ValueError(f"{name} must not be empty")
    try:
        encode_host(host)
    except ValueError as exc:
        raise ValueError(f"{name}: {exc}") from exc.__cause__
    return host


def check_port(port: object, name: str = "port", minimum: int = 0) -> int:
    """Return a port number; ``TypeError`` or ``ValueError`` naming the argument if it is none."""
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"{name} must be an int, not {type(port).__name__}")
    if not minimum <= port <= 65535:
        raise ValueError(f"{name} must be from {minimum} to 65535, got {port}")
    return port


def check_family(family: object, name: str = "family") -> int:
    """Return an IP address family; ``ValueError`` or ``TypeError`` if it is none of AF_INET, AF_INET6, AF_UNSPEC."""
    if isinstance(family, bool) or not isinstance(family, int):
        raise TypeError(f"{name} must be an address family, not {type(family).__name__}")
    if family not in (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6):
        raise ValueError(f"{name} must be AF_INET, AF_INET6 or AF_UNSPEC, got {family!r}")
    return family


def encode_host(name: str) -> str:
    """Return a host in ASCII: names by IDNA 2008, numeric addresses as they are (DNS-2).

    Raises ``ValueError`` for what can't be the name of a host.
    """
    if "%" in name and numeric(name) is not None:
        return name
    if name.isascii():
        encoded = name
    else:
        import idna  # not sooner: its tables are large and most names are ASCII

        try:
            encoded = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as exc:
            raise ValueError(f"{name!r} is no valid host name: {exc}") from exc
    if numeric(encoded) is not None:
        return encoded
    if not all(33 <= ord(character) <= 126 for character in encoded):
        raise ValueError(f"{name!r} is no valid host name: it has a blank or control character in it")
    labels = encoded.removesuffix(".").split(".")
    if not all(labels):
        raise ValueError(f"{name!r} is no valid host name: one of its labels is empty")
    if max(map(len, labels)) > _LONGEST_LABEL or len(encoded.removesuffix(".")) > _LONGEST_NAME:
        raise ValueError(
            f"{name!r} is no valid host name: at most {_LONGEST_NAME} characters, "
            f"{_LONGEST_LABEL} in each label, are allowed"
        )
    return encoded


@lru_cache(256)  # whoever answers datagrams asks about the same few addresses again and again
def numeric(host: IPAddressType) -> socket.AddressFamily | None:
    """Return the family of a numeric address, None for anything else; an IPv6 address may have a scope id.

    Whether the scope exists is not looked up.
    """
    if isinstance(host, IPv4Address):
        return socket.AF_INET
    if isinstance(host, IPv6Address):
        return socket.AF_INET6
    # A name is told from an address by its look in nearly all cases, without a system call.
    address, percent, scope = host.partition("%")
    if ":" in address:
        family = socket.AF_INET6
        if percent and not scope:
            return None
    elif address and address[-1] in "0123456789" and not percent:
        family = socket.AF_INET
    else:
        return None
    try:
        socket.inet_pton(family, address)
    except (OSError, ValueError):
        return None
    return family


def numeric_address(host: str, port: int, family: int) -> Any:
    """Return the operating system's form of a numeric address of that family; ``socket.gaierror`` if it is another's.

    :param family: AF_UNSPEC for any.
    """
    found = numeric(host)
    if found is not None and family in (found, socket.AF_UNSPEC) and "%" not in host:
        return (host, port) if found == socket.AF_INET else (host, port, 0, 0)
    # A scope, or something wrong: the operating system looks the scope up, and its error is the one to show.
    infos = socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    return infos[0][4]


def public_address(address: Any) -> IPSockAddrType:
    """Return the pair of host and port for an address as the operating system gives it (DNS-4)."""
    host: str = address[0]
    port: int = address[1]
    if len(address) == 4 and address[3] and "%" not in host:
        try:
            scope = socket.if_indextoname(address[3])
        except OSError:
            scope = str(address[3])
        host = f"{host}%{scope}"
    return host, port


async def resolve(
    host: IPAddressType, port: int, type: int, family: int = socket.AF_UNSPEC, flags: int = 0
) -> list[AddressInfo]:
    """Return the addresses of a host, in the resolver's order; a checkpoint.

    :param port: 0 to 65535.
    :param type: SOCK_STREAM or SOCK_DGRAM.
    :param family: AF_INET or AF_INET6 for addresses of that family only.
    :param flags: flags of the operating system's ``getaddrinfo``, as ``AI_PASSIVE``.

    A numeric address is answered at once. Raises ``socket.gaierror`` as the resolver does, and ``ValueError`` for what
    can't be a host.
    """
    text = check_host(host)
    encoded = encode_host(text)
    found = numeric(encoded)
    if found is not None:
        backend = current_backend()
        if backend.checkpoint_due():
            await backend.checkpoint()
        kind = socket.SocketKind(type)
        address = _noted(text, numeric_address, encoded, port, family)
        return [(socket.AF_INET if len(address) == 2 else socket.AF_INET6, kind, _PROTOCOLS[kind], address)]
    infos = await _ask(text, encoded, port, family, type, 0, flags)
    return [(info[0], info[1], info[2], info[4]) for info in infos]


async def getaddrinfo(
    host: bytes | IPAddressType | None,
    port: str | int | None,
    *,
    family: int = 0,
    type: int = 0,
    proto: int = 0,
    flags: int = 0,
) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, IPSockAddrType]]:
    """Ask the resolver for the addresses of a host (DNS-1 to DNS-5); a checkpoint.

    :param host: a name, which is put into ASCII by IDNA 2008, an address, ``bytes`` for a name in ASCII, or None for
        this host.
    :param port: a number, or the name of a service, or None.
    :param family: only addresses of that family; so too ``type`` and ``proto``.
    :param flags: the flags of the operating system's function of the same name.

    Returns tuples of family, type, protocol, canonical name, and the pair of host and port; a scope id of IPv6 is part
    of the host. Raises ``socket.gaierror`` as the resolver does, and ``ValueError`` for what can't be a host. If it is
    cancelled the resolver's answer is dropped.
    """
    if isinstance(host, bytes):
        try:
            host = host.decode("ascii")
        except UnicodeDecodeError:
            raise ValueError("host must be ASCII if it is bytes") from None
    if port is not None and not isinstance(port, str):
        check_port(port)
    text = None if host is None else check_host(host)
    infos = await _ask(text, None if text is None else encode_host(text), port, family, type, proto, flags)
    return [(*info[:4], public_address(info[4])) for info in infos]


async def getnameinfo(sockaddr: IPSockAddrType, flags: int = 0) -> tuple[str, str]:
    """Ask the resolver for the names of an address and a port (DNS-6); a checkpoint.

    :param sockaddr: a numeric address, which may have a scope id, and a port.
    :param flags: the flags of the operating system's function of the same name, as ``socket.NI_NUMERICHOST``.

    Returns the names of the host and of the service. Raises ``socket.gaierror`` as the resolver does, and
    ``ValueError`` for a host that isn't numeric. If it is cancelled the resolver's answer is dropped.
    """
    host, port = check_sockaddr(sockaddr, "sockaddr")
    address = numeric_address(host, port, socket.AF_UNSPEC)
    return await run_sync(socket.getnameinfo, address, flags, abandon_on_cancel=True)


def check_sockaddr(address: object, name: str) -> IPSockAddrType:
    """Return the pair of a numeric host and a port; ``TypeError`` or ``ValueError`` naming the argument if it is none.

    Names are refused: where datagrams go to many places, each would be resolved again and again (UDP-6).
    """
    pair = cast("tuple[object, ...]", address) if isinstance(address, tuple) else ()
    if len(pair) != 2:
        raise TypeError(f"{name} must be a tuple of host and port, got {address!r}")
    host = check_numeric(pair[0], f"the host in {name}")
    return host, check_port(pair[1], f"the port in {name}")


def check_numeric(host: object, name: str = "host") -> str:
    """Return a numeric address as text; ``TypeError`` or ``ValueError`` naming the argument if it is none."""
    if not isinstance(host, str | IPv4Address | IPv6Address):
        raise TypeError(f"{name} must be a str, IPv4Address or IPv6Address, not {type(host).__name__}")
    if numeric(host) is None:
        raise ValueError(f"{name} must be a numeric address, got {str(host)!r}: resolve names with getaddrinfo() first")
    return str(host)


async def _ask(
    text: str | None, encoded: str | None, port: str | int | None, family: int, type: int, proto: int, flags: int
) -> list[Any]:
    # Bytes, because Python would put a str through its own codec.
    name = None if encoded is None else encoded.encode("ascii")
    # By a function of ours, so that the note is on the error before it has left the thread.
    return await run_sync(
        _noted, text, socket.getaddrinfo, name, port, family, type, proto, flags, abandon_on_cancel=True
    )


def _noted(host: str | None, function: Any, *args: Any) -> Any:
    """Call ``function``; a ``socket.gaierror`` gets a note that says which host was meant."""
    try:
        return function(*args)
    except socket.gaierror as exc:
        if host is not None:
            exc.add_note(f"while resolving {host!r}")
        raise
