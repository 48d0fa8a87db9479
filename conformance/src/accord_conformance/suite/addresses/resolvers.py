"""Resolvers that stand in for the operating system's: what the tests of this area ask."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from accord_conformance.helpers import PATIENCE


def is_numeric(host: Any) -> bool:
    """Whether a host is an address that any resolver understands without asking."""
    text = host.decode() if isinstance(host, bytes) else str(host)
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text.partition("%")[0])
        except OSError:
            continue
        return True
    return False


class Resolver:
    """Takes the place of ``socket.getaddrinfo`` for names; asks the real one about numeric addresses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[Any, ...]] = []
        """What it was asked: host (as text), port, family, type, protocol, flags."""
        self.answer: list[tuple[Any, ...]] | Exception = []
        self.threads: list[int] = []
        """In which thread each answer was given."""
        self.busy = threading.Event()
        """Set when it has been asked."""
        self.go = threading.Event()
        """It answers when this is set."""
        self.go.set()
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        """Answer as ``socket.getaddrinfo`` would."""
        if flags & socket.AI_NUMERICHOST:
            return self._real(host, port, family, type, proto, flags)
        text = host.decode("ascii") if isinstance(host, bytes) else host
        self.asked.append((text, port, int(family), int(type), int(proto), int(flags)))
        self.threads.append(threading.get_ident())
        self.busy.set()
        self.go.wait(PATIENCE)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
