"""Mutants of the TLS arguments of connect_tcp."""

from __future__ import annotations

import ssl
import sys
from typing import Any

from accord import connect_tcp
from accord.streams.tls import TLSStream

from .making import Broken, mutant, replace
from .waiting import replace_everywhere

tcp: Any = sys.modules["accord.net.tcp"]
really: Any = connect_tcp


@mutant("NET-18")
def contradictions_are_decided_for_tls(_: Broken) -> None:
    """tls=False with a context left over starts TLS."""

    def wants(tls: Any, context: Any, hostname: Any) -> bool:
        return bool(tls) or context is not None or hostname is not None

    replace(tcp, _wants_tls=wants)


@mutant("NET-18")
def context_alone_does_not_start_tls(_: Broken) -> None:
    """Only tls=True starts TLS; else passwords go in the clear."""

    def wants(tls: Any, *_: Any) -> bool:
        return bool(tls)

    replace(tcp, _wants_tls=wants)


@mutant("NET-18")
def name_to_verify_is_ignored(_: Broken) -> None:
    """The certificate is checked against the host, whatever tls_hostname says."""

    async def connect(host: Any, port: Any, **keywords: Any) -> Any:
        if keywords.get("tls_hostname") is not None:
            keywords["tls_hostname"] = host
        return await really(host, port, **keywords)

    replace_everywhere(connect_tcp, connect)


@mutant("NET-18")
def default_context_trusts_everybody(_: Broken) -> None:
    """Without a context the certificate is not verified."""
    wrap: Any = TLSStream.wrap

    async def trusting(stream: Any, *, ssl_context: Any = None, **keywords: Any) -> Any:
        if ssl_context is None:
            ssl_context = ssl.create_default_context()
            ssl_context.check_hostname = False
            ssl_context.verify_mode = ssl.CERT_NONE
        return await wrap(stream, ssl_context=ssl_context, **keywords)

    replace(TLSStream, wrap=trusting)
