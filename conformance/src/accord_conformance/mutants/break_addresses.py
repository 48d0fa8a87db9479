"""Mutants of names and addresses."""

from __future__ import annotations

import socket
import sys
from typing import Any

from accord import ConnectionFailed, connect_tcp, create_connected_udp_socket, getaddrinfo, getnameinfo
from accord.lowlevel import checkpoint
from accord.to_thread import run_sync

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

addresses: Any = sys.modules["accord.net.addresses"]


@mutant("DNS-1")
def addresses_of_ipv6_have_four_parts(_: Broken) -> None:
    """getaddrinfo() returns addresses as the system has them."""

    def public(address: Any) -> Any:
        return address

    replace(addresses, public_address=public)


@mutant("DNS-1")
def answers_are_put_in_order(_: Broken) -> None:
    """getaddrinfo() returns IPv4 before IPv6."""

    async def sorted_by_family(*args: Any, **keywords: Any) -> Any:
        return sorted(await getaddrinfo(*args, **keywords))

    replace_everywhere(getaddrinfo, sorted_by_family)


@mutant("DNS-1")
def flags_are_dropped(_: Broken) -> None:
    """The flags of getaddrinfo() don't reach the resolver."""

    async def ask(original: Any, *args: Any) -> Any:
        return await original(*args[:-1], 0)

    around(addresses, "_ask", ask)


@mutant("DNS-2")
def names_follow_the_old_standard(_: Broken) -> None:
    """Names are encoded by Python's codec, of 2003."""

    def encode(original: Any, name: str) -> Any:
        return original(name) if name.isascii() else name.encode("idna").decode()

    around(addresses, "encode_host", encode)


@mutant("DNS-2")
def every_name_is_encoded(_: Broken) -> None:
    """Names in ASCII have to follow IDNA 2008, too."""
    import idna

    def encode(original: Any, name: str) -> Any:
        return name if addresses.numeric(name) is not None else idna.encode(name, uts46=True).decode()

    around(addresses, "encode_host", encode)


@mutant("DNS-3")
def hosts_are_left_to_the_resolver(_: Broken) -> None:
    """Whether a name in ASCII can be one is the resolver's business."""

    def encode(original: Any, name: str) -> Any:
        return name if name.isascii() else original(name)

    around(addresses, "encode_host", encode)


@mutant("DNS-3")
def hosts_are_checked_after_a_checkpoint(_: Broken) -> None:
    """In a cancelled scope a wrong host isn't noticed."""

    async def late(*args: Any, **keywords: Any) -> Any:
        await checkpoint()
        return await getaddrinfo(*args, **keywords)

    replace_everywhere(getaddrinfo, late)


@mutant("DNS-4")
def scopes_are_numbers(_: Broken) -> None:
    """The scope id of an address is the number of the interface."""

    def public(address: Any) -> Any:
        return (f"{address[0]}%{address[3]}", address[1]) if len(address) == 4 and address[3] else address[:2]

    replace_everywhere(addresses.public_address, public)


@mutant("DNS-4")
def scopes_are_dropped(_: Broken) -> None:
    """The scope id of an address is left out."""

    def public(address: Any) -> Any:
        return address[:2]

    replace_everywhere(addresses.public_address, public)


@mutant("DNS-5")
def unknown_names_are_failed_connections(_: Broken) -> None:
    """A name that can't be resolved is a ConnectionFailed."""
    for connect in (connect_tcp, create_connected_udp_socket):

        def make(original: Any) -> Any:
            async def replaced(host: Any, port: Any, **keywords: Any) -> Any:
                try:
                    return await original(host, port, **keywords)
                except socket.gaierror as error:
                    raise ConnectionFailed(error.errno, f"can't resolve {host}", host, port) from error

            return replaced

        replace_everywhere(connect, make(connect))


@mutant("DNS-5")
def error_of_the_resolver_does_not_say_which_host(_: Broken) -> None:
    """The error of the resolver has no note."""

    def plain(host: Any, function: Any, *args: Any) -> Any:
        return function(*args)

    replace(addresses, _noted=plain)


@mutant("DNS-6")
def getnameinfo_resolves_names(_: Broken) -> None:
    """getnameinfo() takes names, too."""

    def check(original: Any, address: Any, name: str) -> Any:
        host, port = address
        return (socket.gethostbyname(host), port) if host == "localhost" else original(address, name)

    around(addresses, "check_sockaddr", check)


@mutant("DNS-6")
def getnameinfo_ignores_flags(_: Broken) -> None:
    """getnameinfo() gives names also where numbers are asked for."""

    async def without(address: Any, flags: int = 0) -> Any:
        return await getnameinfo(address)

    replace_everywhere(getnameinfo, without)


@mutant("DNS-7")
def resolver_blocks_the_loop(_: Broken) -> None:
    """The resolver is called in the loop's thread."""

    async def here(function: Any, *args: Any, **keywords: Any) -> Any:
        await checkpoint()
        return function(*args)

    replace(addresses, run_sync=here)


@mutant("DNS-7")
def cancelled_call_waits_for_the_resolver(_: Broken) -> None:
    """A cancelled getaddrinfo() ends when the resolver has answered."""

    async def patient(function: Any, *args: Any, **keywords: Any) -> Any:
        return await run_sync(function, *args)

    replace(addresses, run_sync=patient)


@mutant("DNS-8")
def every_host_goes_to_the_resolver(_: Broken) -> None:
    """Numeric addresses are resolved in a thread like names."""

    async def resolve(host: Any, port: int, type: int, family: int = 0, flags: int = 0) -> Any:
        text = addresses.check_host(host)
        infos = await addresses._ask(text, text, port, family, type, 0, flags)
        return [(info[0], info[1], info[2], info[4]) for info in infos]

    replace_everywhere(addresses.resolve, resolve)
