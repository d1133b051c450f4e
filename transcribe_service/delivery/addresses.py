"""Which addresses a webhook may have: those of the public Internet. Looked up once, so that what was checked is what is connected to."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

MAX_URL_LENGTH: Final = 2_048
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA: Final = frozenset({ipaddress.ip_address("168.63.129.16")})
"""Public by its number, and yet the host's own: Azure's wire server. The others' are link-local, private or shared already."""
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
    """True for an address that anybody on the Internet has, in whatever form it is written. Pure."""
    return all(
        each.is_global
        and not (each.is_multicast or each.is_reserved or each.is_unspecified or each.is_loopback or each.is_link_local)
        and each not in _METADATA
        for each in _meant(address)
    )


def _meant(address: IpAddress) -> Iterator[IpAddress]:
    """The address, or the IPv4 one that it stands for; where it carries one beside itself, both."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    yield ipaddress.IPv6Address(int(address))  # without a zone
    if address.sixtofour is not None:
        yield address.sixtofour
    if address in _NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo is not None:
        yield from address.teredo
