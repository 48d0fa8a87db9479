"""What a TLS connection is begun with: which side we are, whom we expect, and the context (TLS-2 to TLS-4).

All of it is decided, and refused, before anything is sent. A host name that was forgotten never turns a client into a
server, and never turns verification off: whoever wants that says so in a context of their own.
"""

from __future__ import annotations

import ssl

from ..net.addresses import encode_host, numeric
from ..toolkit.checks import _check_real


def check_timeout(value: object, name: str) -> float:
    """Return a number of seconds of at least 0 as float; ``TypeError`` or ``ValueError`` naming it otherwise."""
    seconds = _check_real(value, name)
    if seconds < 0:
        raise ValueError(f"{name} must be at least 0, got {value}")
    return seconds


def check_standard_compatible(value: object) -> None:
    """Refuse what is no bool: ``TypeError``."""
    if not isinstance(value, bool):
        raise TypeError(f"standard_compatible must be a bool, not {type(value).__name__}")


def check_server_context(ssl_context: object) -> None:
    """Refuse what can't be the context of a server: ``TypeError`` or ``ValueError``."""
    if not isinstance(ssl_context, ssl.SSLContext):
        raise TypeError(f"ssl_context must be an ssl.SSLContext, not {type(ssl_context).__name__}")
    if ssl_context.protocol is ssl.PROTOCOL_TLS_CLIENT:
        raise ValueError("ssl_context is a client's (PROTOCOL_TLS_CLIENT), and this is the server's side")


def make_ssl_object(
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    server_side: bool | None,
    hostname: str | None,
    ssl_context: ssl.SSLContext | None,
) -> ssl.SSLObject:
    """Return what speaks TLS between two buffers; ``TypeError`` or ``ValueError`` for arguments that don't fit."""
    if server_side is not None and not isinstance(server_side, bool):
        raise TypeError(f"server_side must be a bool or None, not {type(server_side).__name__}")
    if hostname is not None and not isinstance(hostname, str):
        raise TypeError(f"hostname must be a str or None, not {type(hostname).__name__}")
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        raise TypeError(f"ssl_context must be an ssl.SSLContext or None, not {type(ssl_context).__name__}")
    protocol = None if ssl_context is None else ssl_context.protocol
    if server_side is None:
        server_side = hostname is None and protocol is ssl.PROTOCOL_TLS_SERVER
    if server_side:
        if ssl_context is None:
            raise ValueError("ssl_context must be given on the server's side: it holds the certificate")
        if hostname is not None:
            raise ValueError("hostname is the name of the server that a client expects; a server must not pass one")
        check_server_context(ssl_context)
        return ssl_context.wrap_bio(incoming, outgoing, server_side=True)
    if protocol is ssl.PROTOCOL_TLS_SERVER:
        raise ValueError("ssl_context is a server's (PROTOCOL_TLS_SERVER), and this is the client's side")
    if not hostname and (ssl_context is None or ssl_context.check_hostname):
        raise ValueError(
            "hostname must be given on the client's side, because the server's certificate is checked for it; "
            "to be a server pass server_side=True, to do without a check a context whose check_hostname is off"
        )
    name = encode_server_name(hostname) if hostname else None
    return (ssl_context or default_context()).wrap_bio(incoming, outgoing, server_hostname=name)


def default_context() -> ssl.SSLContext:
    """Return a new context for clients: the system's certificates, host names checked, TLS 1.2 or newer."""
    context = ssl.create_default_context()
    # OpenSSL may be configured for less; where it asks for more, it stays so.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def encode_server_name(hostname: str) -> str:
    """Return a name as certificates and the SNI extension have it; ``ValueError`` for what can't be a host (TLS-4).

    Names are put into ASCII by IDNA 2008. A dot at the end, which makes a name absolute for the resolver, is no part of
    it in TLS; the scope id of an IPv6 address is nobody's business but ours.
    """
    try:
        name = encode_host(hostname)
    except ValueError as exc:
        raise ValueError(f"hostname: {exc}") from exc.__cause__
    if numeric(name) is not None:
        return name.partition("%")[0]
    return name.removesuffix(".")
