"""Mutants of open_url: what is sent, where, and what is done with the answer's head."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import accord
import accord.http.exchanges
import accord.http.headers
import accord.http.opening
import accord.http.urls
from accord import HttpRedirectError, sleep
from accord.http.exchanges import Exchange
from accord.http.headers import Headers
from accord.http.responses import UrlResponse

from .making import Broken, around, mutant, replace

Opening: Any = accord.http.opening
Request: Any = Opening.__dict__["_Request"]
Response: Any = UrlResponse
Talk: Any = Exchange
H11: Any = accord.http.exchanges.__dict__["h11"]


@mutant("HTTP-1")
def connections_are_kept(_: Broken) -> None:
    """A connection whose body was not read to its end stays open."""
    kept: list[Any] = []

    async def abort(original: Any, exchange: Any) -> None:
        if exchange._connection.their_state is H11.DONE:
            await original(exchange)
        kept.append(exchange)

    around(Talk, "abort", abort)


@mutant("HTTP-1")
def interim_answers_count(_: Broken) -> None:
    """The first answer is taken, whatever it is."""

    async def receive_head(exchange: Any) -> Any:
        return await exchange._next_event()

    replace(Talk, _receive_head=receive_head)


@mutant("HTTP-2")
def line_breaks_vanish_from_urls(_: Broken) -> None:
    """Line breaks and tabs are taken out of URLs without a word."""

    def parse(original: Any, url: Any) -> Any:
        return original(url.translate({9: None, 10: None, 13: None}) if isinstance(url, str) else url)

    around(Opening, "parse_url", parse)


@mutant("HTTP-2")
def errors_repeat_passwords(_: Broken) -> None:
    """The error about a password in a URL shows it."""

    def parse(original: Any, url: Any) -> Any:
        try:
            return original(url)
        except ValueError as error:
            raise ValueError(f"{url}: {error}") from None

    around(Opening, "parse_url", parse)


@mutant("HTTP-2")
def fragments_are_sent(_: Broken) -> None:
    """The fragment of a URL stands in the request."""

    def parse(original: Any, url: Any) -> Any:
        target = original(url)
        _, _, fragment = url.partition("#")
        return target._replace(path=target.path + "%23" + fragment) if fragment.isascii() and fragment else target

    def parse_with_quotes(original: Any, url: Any) -> Any:
        return original(url.replace("#ü", "%23%C3%BC") if isinstance(url, str) else url)

    around(Opening, "parse_url", parse)
    around(Opening, "parse_url", parse_with_quotes)


@mutant("HTTP-3")
def line_breaks_in_values_pass(_: Broken) -> None:
    """A value of a field may go on in the next line."""

    def check(original: Any, headers: Any) -> Any:
        if hasattr(headers, "items"):
            headers = {name: str(value).replace("\r\n", " ") for name, value in headers.items()}
        return original(headers)

    around(Opening, "check_headers", check)


@mutant("HTTP-3")
def carrying_fields_can_be_set(_: Broken) -> None:
    """The caller may say that the body comes in chunks."""
    replace(accord.http.headers, OURS=frozenset({"connection"}))


@mutant("HTTP-3")
def default_fields_come_twice(_: Broken) -> None:
    """The fields that are always sent are sent beside the caller's."""

    def fields(original: Any, request: Any) -> Any:
        return [*original(request), ("Accept", "*/*")]

    around(Request, "all_headers", fields)


@mutant("HTTP-4")
def the_case_of_names_counts(_: Broken) -> None:
    """A field is found only by its name in small letters."""

    def contains(headers: Any, name: object) -> bool:
        return name in set(headers)

    replace(Headers, __contains__=contains)


@mutant("HTTP-4")
def the_last_value_wins(_: Broken) -> None:
    """Of a field that came several times only the last value counts."""

    def value(headers: Any, name: str) -> Any:
        return headers._fields[name.lower()][-1]

    replace(Headers, __getitem__=value)


@mutant("HTTP-7")
def errors_of_bodies_come_in_groups(_: Broken) -> None:
    """What a body raises comes out in an exception group."""

    async def request(original: Any, exchange: Any, *args: Any) -> Any:
        try:
            return await original(exchange, *args)
        except Exception as error:
            raise ExceptionGroup("errors of the request", [error]) from None

    around(Talk, "request", request)


@mutant("HTTP-7")
def bodies_are_sent_first(_: Broken) -> None:
    """The answer is waited for only when the whole body is sent."""

    async def receive_head(original: Any, exchange: Any) -> Any:
        state = exchange._connection
        while state.our_state is not H11.DONE:
            if state.our_state is H11.ERROR:
                break
            await sleep(0.001)
        return await original(exchange)

    around(Talk, "_receive_head", receive_head)


@mutant("HTTP-7")
def generators_are_left_open(_: Broken) -> None:
    """The generator of a body that is refused is not closed."""

    class Hidden:
        def __init__(self, body: Any) -> None:
            self.body = body
            left_open.append(body)

        def __aiter__(self) -> Any:
            return self.body.__aiter__()

    async def send_body(original: Any, exchange: Any, body: Any) -> None:
        await original(exchange, body if isinstance(body, bytes) else Hidden(body))

    left_open: list[Any] = []
    around(Talk, "_send_body", send_body)


@mutant("HTTP-8")
def heads_have_no_limit(_: Broken) -> None:
    """A head is read however long it is."""

    def init(original: Any, connection: Any, role: Any, **options: Any) -> None:
        original(connection, role, max_incomplete_event_size=1 << 40)

    around(H11.Connection, "__init__", init)


@mutant("HTTP-8")
def interim_answers_have_no_limit(_: Broken) -> None:
    """Interim answers are skipped for ever."""
    replace(accord.http.exchanges, _MOST_INTERIM=1 << 60)


@mutant("HTTP-8")
def large_bodies_are_cut(_: Broken) -> None:
    """A body that is too large ends at the limit."""

    async def fetch(original: Any, response: Any) -> None:
        try:
            await original(response)
        except accord.HttpBodyTooLarge:
            response._failure = None
            response._ended = True

    around(Response, "_fetch", fetch)


@mutant("HTTP-9")
def one_redirection_too_many(_: Broken) -> None:
    """One redirection more is followed than is allowed."""

    def opened(original: Any, request: Any, number: int) -> Any:
        return original(request, number and number + 1)

    around(Opening, "_opened", opened)


@mutant("HTTP-9")
def methods_are_kept(_: Broken) -> None:
    """A redirection of a POST is a POST, whatever its status."""

    def redirected(original: Any, request: Any, status: int, headers: Any) -> Any:
        return original(request, 307, headers)

    around(Request, "redirected", redirected)


@mutant("HTTP-9")
def redirections_need_whole_urls(_: Broken) -> None:
    """A relative URL can't be followed."""

    def follow(target: Any, location: str) -> Any:
        return accord.http.urls.parse_url(location)

    replace(Opening, follow=follow)


@mutant("HTTP-10")
def secrets_follow(_: Broken) -> None:
    """Credentials are sent to wherever a redirection leads."""
    replace(Opening, _SECRETS=set[str]())


@mutant("HTTP-10")
def ports_are_no_origins(_: Broken) -> None:
    """Another port of the same host is the same origin."""
    replace(accord.http.urls.Target, origin=property(lambda target: (target.scheme, target.host)))


@mutant("HTTP-10")
def https_may_be_left(_: Broken) -> None:
    """A redirection from https to http is followed."""

    def redirected(original: Any, request: Any, status: int, headers: Any) -> Any:
        try:
            return original(request, status, headers)
        except HttpRedirectError as error:
            if "from https" not in str(error):
                raise
            return request

    around(Request, "redirected", redirected)


@mutant("HTTP-12")
def wrong_answers_leak(_: Broken) -> None:
    """A connection whose answer is wrong, or that is cancelled before, stays open."""
    kept: list[Any] = []

    async def close(original: Any, resource: Any) -> None:
        if isinstance(resource, UrlResponse):
            await original(resource)
        kept.append(resource)

    around(Opening, "aclose_forcefully", close)


@mutant("HTTP-13")
def names_in_certificates_are_not_checked(_: Broken) -> None:
    """Any certificate of a known authority will do."""

    def connecting(original: Any, request: Any) -> Any:
        place = original(request)
        if getattr(place, "ssl_context", None) is not None:
            place.ssl_context.check_hostname = False
        return place

    around(Request, "connecting", connecting)


@mutant("HTTP-13")
def farewells_are_needed(_: Broken) -> None:
    """A connection that ends without TLS's farewell is broken, whatever its body says."""

    def connecting(original: Any, request: Any) -> Any:
        place = original(request)
        return dataclasses.replace(place, standard_compatible=True) if hasattr(place, "ssl_context") else place

    around(Request, "connecting", connecting)


@mutant("HTTP-14")
def the_missing_extra_is_not_explained(_: Broken) -> None:
    """Without h11 the import fails somewhere inside."""

    def find(name: str) -> Any:
        return sys

    replace(Opening, find_spec=find)


@mutant("HTTP-15")
def only_connectables_work(_: Broken) -> None:
    """Without a connectable the port of the URL is not used."""

    def connecting(original: Any, request: Any) -> Any:
        place = original(request)
        return place if request.connectable is not None else accord.TCPConnectable(request.target.host, 80)

    around(Request, "connecting", connecting)
