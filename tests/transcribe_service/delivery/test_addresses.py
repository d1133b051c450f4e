import ipaddress
import socket
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_service.delivery.addresses import UrlRefused, addresses_of, is_public, target_of

PRIVATE = [
    "0.0.0.0",  # noqa: S104 -- refused, not bound
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.9.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:0:0:0:0:0:1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_only_we_can_reach_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_what_everybody_has_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_in_another_s_clothes_is_as_public_as_it_is(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    assert is_public(mapped) == is_public(address)
    translated = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))
    assert not is_public(translated) or is_public(address)


def answering(*addresses: str) -> Any:
    return lambda _host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


def test_one_private_address_among_others_is_enough_to_refuse() -> None:
    target = target_of("https://example.org/x", plain=False)
    assert addresses_of(target, allow_private=False, lookup=answering("1.1.1.1", "1.1.1.1", "1.0.0.1")) == [
        "1.1.1.1",
        "1.0.0.1",
    ]
    with pytest.raises(UrlRefused) as refused:
        addresses_of(target, allow_private=False, lookup=answering("1.1.1.1", "10.0.0.1"))
    assert refused.value.reason == "private_address"
    assert addresses_of(target, allow_private=True, lookup=answering("10.0.0.1")) == ["10.0.0.1"]


def test_a_host_that_nobody_knows_is_told() -> None:
    target = target_of("https://example.org/x", plain=False)

    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror

    for lookup in (unknown, answering()):
        with pytest.raises(UrlRefused) as refused:
            addresses_of(target, allow_private=False, lookup=lookup)
        assert refused.value.reason == "unknown_host"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost", "[::ffff:7f00:1]"])
def test_every_way_to_write_this_machine_is_refused(host: str) -> None:
    with pytest.raises(UrlRefused):
        addresses_of(target_of(f"https://{host}/", plain=False), allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "http://example.org/",
        "ftp://example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: other",
        "https://example.org\\@other/",
        "https://exämple.org/",
        "https://[::1/",
        "https://example.org/" + "x" * 2100,
    ],
)
def test_a_url_that_no_webhook_may_have_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        target_of(url, plain=False)


def test_a_url_is_taken_apart() -> None:
    target = target_of("https://Example.org:8443?a=b", plain=False)
    assert (target.host, target.port, target.path, target.authority, target.tls) == (
        "example.org",
        8443,
        "/?a=b",
        "Example.org:8443",
        True,
    )
    assert target_of("http://127.0.0.1/", plain=True).port == 80


@given(st.text(max_size=60).map("https://".__add__) | st.text(max_size=60))
def test_no_text_is_anything_but_a_target_or_refused(url: str) -> None:
    with suppress(UrlRefused):
        assert target_of(url, plain=True).host
