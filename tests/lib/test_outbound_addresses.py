"""Whom we call and whom never: an address typed by a stranger must not reach inside (SSRF)."""

import ipaddress

import pytest

from portal.lib.outbound import OutboundRefused, is_public, request

REFUSED = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://0.0.0.0/",
    "http://0/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f000001/",
    "http://0x7F.1/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://192.0.0.8/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127.0.0.1./",
    "http://localhost/",
    "http://LOCALHOST:8000/",
    "http://localhost./",
    "http://inside.example/",
    "http://both.example/",
    "http://mapped.example/",
    "http://scoped.example/",
    "http://ana:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1:80\\@example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/_x",
    "javascript:alert(1)",
    "//example.com/",
    "example.com",
    "http:///",
    "http://",
]
NAMES = {
    "localhost": ["127.0.0.1"],
    "localhost.": ["::1", "127.0.0.1"],
    "inside.example": ["10.1.2.3"],
    "both.example": ["93.184.216.34", "10.1.2.3"],
    "mapped.example": ["::ffff:10.1.2.3"],
    "scoped.example": ["fe80::1%eth0"],
}


async def fake_resolver(host: str, port: int) -> list[str]:
    return NAMES[host]


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_that_leads_inside_is_never_called(url: str) -> None:
    with pytest.raises(OutboundRefused):
        await request("GET", url, resolve=fake_resolver, timeout=2)


def test_there_are_about_forty_ways_in_on_the_table() -> None:
    assert len(REFUSED) >= 40


@pytest.mark.parametrize(
    "url", ["http://example.com/\r\nX: y", "http://exa mple.com/", "http://example.com/\x00", "http://e\tx/"]
)
async def test_an_address_with_control_characters_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefused):
        await request("GET", url, resolve=fake_resolver)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "223.255.255.1", "2606:4700:4700::1111", "2a00:1450::1", "64:ff9b::808:808"]
)
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


def test_no_ipv4_address_passes_that_the_standard_library_calls_private() -> None:
    for first in range(256):
        for second in range(0, 256, 3):
            address = ipaddress.IPv4Address(f"{first}.{second}.77.1")
            assert not (is_public(address) and (address.is_private or address.is_loopback or address.is_multicast))
