"""URLs: taken apart, checked and put into ASCII before anything is connected (HTTP-2)."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from ..net.addresses import encode_host, numeric

_PORTS = {"http": 80, "https": 443}
# What may stand in a path or query as it is, the percent sign of what was quoted before included.
_SAFE = "%/:?#[]@!$&'()*+,;=-._~"


class Target(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query; what stands in the request line."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What must be the same for credentials to be sent on."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """What stands in the header field Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_url(url: object) -> Target:
    """Take a URL apart; ``TypeError`` or ``ValueError`` for what is none that may be opened.

    The error does not repeat credentials.
    """
    if not isinstance(url, str):
        raise TypeError(f"url must be a str, not {type(url).__name__}")
    # urlsplit() would take some of these out silently.
    if any(character <= " " or character in "\x7f\\" for character in url):
        raise ValueError("url must not have blanks, backslashes or control characters in it")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"url must begin with http:// or https://, not {parts.scheme or 'nothing'}:")
    if "@" in parts.netloc:
        raise ValueError("url must not have a user name or password in it: pass a header field Authorization")
    if not parts.hostname:
        raise ValueError(f"url has no host: {url}")
    if "%" in parts.hostname:
        raise ValueError(f"url has a host that can't be asked for: {parts.hostname}")
    try:
        port = parts.port
    except ValueError as exc:
        raise ValueError(f"url has a wrong port: {exc}") from None
    if port == 0:
        raise ValueError("url has a wrong port: 0")
    host = encode_host(parts.hostname)
    if ":" in host and numeric(host) is None:
        raise ValueError(f"url has a host that can't be asked for: {host}")
    path = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=_SAFE)
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def follow(target: Target, location: str) -> Target:
    """Return where a redirection leads; ``ValueError`` as ``parse_url``.

    :param location: as it came: the bytes of the field as Latin-1, though most mean UTF-8.
    """
    raw = location.encode("latin-1")
    try:
        location = raw.decode()
    except UnicodeDecodeError:
        pass  # then it is Latin-1
    if any(character < " " for character in location):
        raise ValueError("url must not have control characters in it")
    return parse_url(urljoin(target.url, location.strip().replace(" ", "%20")))
