"""A certificate for 127.0.0.1 and the two contexts that go with it, made once a process."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

HOST = "127.0.0.1"


@cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's context and the client's."""
    from trustme import CA  # not sooner: only the TLS rows need it

    authority: Any = CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client
