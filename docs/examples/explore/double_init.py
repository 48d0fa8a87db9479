"""Initialisation that is not atomic: two tasks find nothing, and both make it."""

from __future__ import annotations

import accord


class Server:
    """Counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self._busy = accord.Lock()

    async def connect(self) -> int:
        """Return the number of a new connection."""
        async with self._busy:
            self.connections += 1
            return self.connections


class Client:
    """Connects when it is used for the first time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: int | None = None

    async def connection(self) -> int:
        """Return the connection, which is made at the first call."""
        if self._connection is None:
            self._connection = await self._server.connect()  # another task may be just here
        return self._connection


class SafeClient(Client):
    """Who comes second waits for the first."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._lock = accord.Lock()

    async def connection(self) -> int:
        """Return the connection, which is made at the first call."""
        async with self._lock:
            if self._connection is None:
                self._connection = await self._server.connect()
            return self._connection


async def use(server: Server, client: Client) -> None:
    """Two tasks share one connection."""
    async with accord.create_task_group() as group:
        group.start_soon(client.connection)
        group.start_soon(client.connection)
    assert server.connections == 1, f"{server.connections} connections"


async def test_client() -> None:
    """Connects twice in some orders."""
    server = Server()
    await use(server, Client(server))


async def test_safe_client() -> None:
    """Connects once."""
    server = Server()
    await use(server, SafeClient(server))
