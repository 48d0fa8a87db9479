"""Mutants of TLS: the handshake, and attributes."""

from __future__ import annotations

import ssl
import sys
from typing import Any

from accord import BrokenResourceError, EndOfStream, TypedAttributeProvider
from accord.streams.tls import TLSAttribute, TLSStream

from .making import Broken, around, mutant, replace

Stream: Any = TLSStream
Records: Any = TLSStream.__mro__[1]
stream_module: Any = sys.modules["accord.streams._tls_stream"]
records: Any = sys.modules["accord.streams._tls_records"]
setup: Any = sys.modules["accord.streams._tls_setup"]
checking: Any = sys.modules["accord.streams.checking"]


def _wraps(**changes: Any) -> None:
    """Change what ``wrap`` is called with: functions of the arguments."""
    original = Stream.wrap.__func__

    async def wrap(cls: Any, transport: Any, /, **options: Any) -> Any:
        for name, change in changes.items():
            options[name] = change(options)
        return await original(cls, transport, **options)

    Stream.wrap = classmethod(wrap)


def _ssl_objects(change: Any) -> None:
    """Change how the SSL object is made; ``change`` is called with the original first."""
    around(stream_module, "make_ssl_object", change)


class _Proxy:
    """An SSL object of which some methods are others."""

    def __init__(self, tls: Any, **methods: Any) -> None:
        self.__dict__.update(methods)
        self._tls = tls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tls, name)


@mutant("TLS-1")
def messages_come_in_one_piece(_: Broken) -> None:
    """The handshake takes what the transport returns for whole messages."""

    def fed_once(stream: Any) -> None:
        handshake, given = stream._ssl.do_handshake, False

        def step() -> None:
            nonlocal given
            try:
                handshake()
            except ssl.SSLWantReadError:
                if given and not stream._outgoing.pending:
                    raise ssl.SSLError("the message is too short") from None
                given = True
                raise

        stream._ssl = _Proxy(stream._ssl, do_handshake=step)

    async def shake_hands(original: Any, stream: Any) -> None:
        tls = stream._ssl
        fed_once(stream)
        await original(stream)
        stream._ssl = tls

    around(Records, "_shake_hands", shake_hands)


@mutant("TLS-1")
def nothing_is_encrypted(_: Broken) -> None:
    """Data is sent as it is, after a handshake that only looks good."""

    async def send(stream: Any, item: Any) -> None:
        await stream.transport_stream.send(item)

    replace(Stream, send=send)


@mutant("TLS-1")
def data_after_the_handshake_is_lost(_: Broken) -> None:
    """What came together with the end of the handshake is thrown away."""

    async def shake_hands(original: Any, stream: Any) -> None:
        await original(stream)
        stream._incoming.read()

    around(Records, "_shake_hands", shake_hands)


@mutant("TLS-2")
def no_name_makes_a_server(_: Broken) -> None:
    """Without a host name it is the server's side."""

    def side(options: dict[str, Any]) -> Any:
        return options.get("server_side") or not options.get("hostname")

    _wraps(server_side=side)


@mutant("TLS-2")
def a_name_is_optional(_: Broken) -> None:
    """A client without a host name does not check any."""

    def make(original: Any, incoming: Any, outgoing: Any, server_side: Any, hostname: Any, context: Any) -> Any:
        if not hostname and not server_side and (context is None or context.protocol != ssl.PROTOCOL_TLS_SERVER):
            context = ssl.create_default_context()
            context.check_hostname = False
        return original(incoming, outgoing, server_side, hostname, context)

    _ssl_objects(make)


@mutant("TLS-2")
def servers_pass_over_a_name(_: Broken) -> None:
    """A server that passes a host name is not told that this makes no sense."""

    def name(options: dict[str, Any]) -> Any:
        return None if options.get("server_side") else options.get("hostname")

    _wraps(hostname=name)


@mutant("TLS-2")
def anything_is_a_flag(_: Broken) -> None:
    """standard_compatible may be anything."""

    def check(value: object) -> None:
        pass

    replace(stream_module, check_standard_compatible=check)


@mutant("TLS-2")
def wrong_arguments_close_the_transport(_: Broken) -> None:
    """Wrong arguments close the transport, as a failed handshake does."""
    original = Stream.wrap.__func__

    async def wrap(cls: Any, transport: Any, /, **options: Any) -> Any:
        try:
            return await original(cls, transport, **options)
        except (TypeError, ValueError):
            await transport.aclose()
            raise

    Stream.wrap = classmethod(wrap)


@mutant("TLS-2")
def contexts_of_the_other_side_are_the_business_of_ssl(_: Broken) -> None:
    """A context of the other side is an SSLError, or works by accident."""

    def make(original: Any, incoming: Any, outgoing: Any, server_side: Any, hostname: Any, context: Any) -> Any:
        if context is not None and context.protocol == ssl.PROTOCOL_TLS_SERVER and hostname:
            return context.wrap_bio(incoming, outgoing, server_hostname=hostname)
        return original(incoming, outgoing, server_side, hostname, context)

    _ssl_objects(make)


@mutant("TLS-3")
def own_context_verifies_nothing(_: Broken) -> None:
    """A client's own context accepts any certificate."""

    def context() -> ssl.SSLContext:
        made = ssl.create_default_context()
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
        return made

    replace(setup, default_context=context)


@mutant("TLS-3")
def own_context_speaks_any_version(_: Broken) -> None:
    """A client's own context takes what OpenSSL takes."""
    replace(setup, default_context=ssl.create_default_context)


@mutant("TLS-3")
def names_are_not_checked(_: Broken) -> None:
    """The certificate may be for another host."""

    def make(original: Any, incoming: Any, outgoing: Any, server_side: Any, hostname: Any, context: Any) -> Any:
        if hostname and context is not None and context.check_hostname:
            context.check_hostname = False
        return original(incoming, outgoing, server_side, hostname, context)

    _ssl_objects(make)


@mutant("TLS-3")
def options_of_the_context_are_set_right(_: Broken) -> None:
    """The caller's context loses the option to ignore an unexpected end."""

    def make(original: Any, *args: Any) -> Any:
        if args[-1] is not None:
            args[-1].options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        return original(*args)

    _ssl_objects(make)


@mutant("TLS-4")
def names_by_the_old_idna(_: Broken) -> None:
    """Names are encoded by Python's codec."""

    def encode(name: str) -> str:
        return name.rstrip(".").partition("%")[0].encode("idna").decode("ascii")

    replace(setup, encode_server_name=encode)


@mutant("TLS-4")
def names_may_be_absolute(_: Broken) -> None:
    """A dot at the end of a name stays there."""

    def encode(original: Any, name: str) -> str:
        return str(original(name)) + ("." if name.endswith(".") else "")

    around(setup, "encode_server_name", encode)


@mutant("TLS-4")
def scopes_are_part_of_the_name(_: Broken) -> None:
    """The scope id of an address is left in it."""

    def encode(original: Any, name: str) -> str:
        return name if "%" in name else str(original(name))

    around(setup, "encode_server_name", encode)


@mutant("TLS-4")
def wrong_names_are_sent(_: Broken) -> None:
    """What can't be the name of a host is left to the server."""

    def encode(original: Any, name: str) -> str:
        try:
            return str(original(name))
        except ValueError:
            return "localhost"

    around(setup, "encode_server_name", encode)


@mutant("TLS-5")
def failed_handshakes_leave_the_transport_open(_: Broken) -> None:
    """A failed handshake closes nothing."""

    async def leave(resource: Any) -> None:
        pass

    replace(stream_module, aclose_forcefully=leave)


@mutant("TLS-5")
def cancelled_handshakes_leave_the_transport_open(_: Broken) -> None:
    """A handshake that is cancelled closes nothing."""

    async def close(resource: Any) -> None:
        if isinstance(sys.exception(), Exception):
            await resource.aclose()

    replace(stream_module, aclose_forcefully=close)


@mutant("TLS-5")
def alerts_are_not_sent(_: Broken) -> None:
    """The peer is not told what was wrong."""

    async def send_alert(stream: Any) -> None:
        pass

    replace(Records, _send_alert=send_alert)


@mutant("TLS-5")
def alerts_are_sent_with_all_the_patience(_: Broken) -> None:
    """A peer that takes no alert keeps the handshake from failing."""
    replace(records, ALERT_PATIENCE=1000.0)


@mutant("TLS-5")
def end_in_the_handshake_is_an_end(_: Broken) -> None:
    """A connection that ends in the handshake raises EndOfStream."""
    around_handshake(BrokenResourceError, EndOfStream)


@mutant("TLS-5")
def certificates_are_just_broken(_: Broken) -> None:
    """A certificate that isn't accepted is a BrokenResourceError."""
    around_handshake(ssl.SSLError, BrokenResourceError)


def around_handshake(kind: type[BaseException], other: Any) -> None:
    """Let the handshake raise another exception than it does."""

    async def shake_hands(original: Any, stream: Any) -> None:
        try:
            await original(stream)
        except kind as error:
            raise other(str(error)) from None

    around(Records, "_shake_hands", shake_hands)


@mutant("TLS-22")
def attributes_of_the_transport_are_hidden(_: Broken) -> None:
    """A TLS stream has the attributes of TLS only."""

    def none(*providers: object) -> dict[Any, Any]:
        return {}

    replace(stream_module, attributes_of=none)


@mutant("TLS-22")
def transports_must_have_attributes(_: Broken) -> None:
    """A transport without typed attributes is an AttributeError."""

    def all_of(stream: Any) -> Any:
        return stream.extra_attributes

    replace(stream_module, attributes_of=all_of)


@mutant("TLS-22")
def certificates_are_mixed_up(_: Broken) -> None:
    """The binary form of the certificate is no binary form."""
    getter: Any = TypedAttributeProvider.extra

    def extra(stream: Any, attribute: Any, *default: Any) -> Any:
        if attribute is TLSAttribute.peer_certificate_binary:
            attribute = TLSAttribute.peer_certificate
        return getter(stream, attribute, *default)

    replace(Stream, extra=extra)


@mutant("TLS-22")
def attributes_outlive_the_stream(_: Broken) -> None:
    """Attributes of a closed stream can still be asked for."""
    known: dict[int, Any] = {}
    getter: Any = TypedAttributeProvider.extra

    def extra(stream: Any, attribute: Any, *default: Any) -> Any:
        if stream._closed:
            return known[id(attribute)]
        value = known[id(attribute)] = getter(stream, attribute, *default)
        return value

    replace(Stream, extra=extra)
