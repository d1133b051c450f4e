"""Which addresses a webhook may have: those of the public Internet. Looked up once, so that what was checked is what is connected to."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

MAX_URL_LENGTH: Final = 2_048
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *(
                "0.0.0.0/8",
                "10.0.0.0/8",
                "100.64.0.0/10",
                "127.0.0.0/8",
                "169.254.0.0/16",
                "172.16.0.0/12",
                "192.168.0.0/16",
            ),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # public by its number, and yet the host's own: Azure's wire server
        ),
    )
)
"""IANA's special-purpose addresses, multicast, and what is reserved. The metadata servers of clouds lie in them."""
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_THERE: Final = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Of IPv6's: Teredo and other protocols' own, examples, 6to4."""
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[..., Any]
"""`socket.getaddrinfo`."""


class UrlRefused(Exception):
    """A URL that no webhook may have. The message is for its owner; `reason` is a slug."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Target(msgspec.Struct, frozen=True):
    """A URL, taken apart."""

    tls: bool
    host: str
    port: int
    path: str
    """With the query."""
    authority: str
    """What the Host header says."""


def target_of(url: str, *, plain: bool) -> Target:
    """`url` taken apart; `plain` lets `http` pass. Raises `UrlRefused`. Pure."""
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise UrlRefused(f"has at most {MAX_URL_LENGTH} printable ASCII characters, and no space", "invalid_url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlRefused(f"is not valid: {error}", "invalid_url") from None
    if parts.scheme not in ({"https", "http"} if plain else {"https"}):
        raise UrlRefused("must begin with https://", "not_https")
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise UrlRefused("needs a host, and has neither user, password nor fragment", "invalid_url")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(tls, parts.hostname, port or (443 if tls else 80), path, parts.netloc)


def addresses_of(target: Target, *, allow_private: bool, lookup: Lookup = socket.getaddrinfo) -> list[str]:
    """The addresses of the target's host, each once. Raises `UrlRefused` where there is none, or where one of them is not public."""
    try:
        found = lookup(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UrlRefused("has a host that nobody knows", "unknown_host") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise UrlRefused("has a host that nobody knows", "unknown_host")
    if not allow_private and not all(is_public(ipaddress.ip_address(each)) for each in addresses):
        raise UrlRefused("has a host that is not on the public Internet", "private_address")
    return addresses


def is_public(address: IpAddress) -> bool:
    """True for an address that anybody on the Internet has, in whatever form it is written. Pure.

    By lists of our own: what `ipaddress` calls global differs between Pythons.
    """
    meant = _meant(address)
    if isinstance(meant, ipaddress.IPv4Address):
        return not any(meant in each for each in _NOT_PUBLIC)
    return meant in _GLOBAL_UNICAST and not any(meant in each for each in _NOT_PUBLIC_THERE)


def _meant(address: IpAddress) -> IpAddress:
    """The address without a zone, or the IPv4 one that it stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    plain = ipaddress.IPv6Address(int(address))
    if plain in _NAT64:
        return ipaddress.IPv4Address(int(plain) & 0xFFFF_FFFF)
    return plain.ipv4_mapped or plain
