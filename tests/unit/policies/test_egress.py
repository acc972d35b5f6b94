from ipaddress import ip_address

import pytest

from cepd.policies.egress import Allowance, Reach, reach_of

REACH: dict[Reach, list[str]] = {
    "public": ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2606:4700::1111"],
    "private": [
        "127.0.0.1",
        "127.255.255.254",
        "::1",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
    ],
    "special": [
        "169.254.169.254",
        "169.254.0.1",
        "::ffff:169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "2002:7f00:1::",
        "2001:0:1::1",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "2001:db8::1",
    ],
}


@pytest.mark.parametrize(("reach", "text"), [(reach, text) for reach, texts in REACH.items() for text in texts])
def test_how_far_an_address_is(reach: Reach, text: str) -> None:
    assert reach_of(ip_address(text)) == reach


@pytest.mark.parametrize(
    ("allowance", "address", "admitted"),
    [
        (Allowance(), "8.8.8.8", True),
        (Allowance(), "10.0.0.1", False),
        (Allowance(private=True), "10.0.0.1", True),
        (Allowance(private=True), "::1", True),
        (Allowance(private=True), "169.254.169.254", False),
        (Allowance(private=True), "::ffff:169.254.169.254", False),
        (Allowance(private=True), "fd00:ec2::254", False),
        (Allowance(("hook.example",)), "10.0.0.1", True),
        (Allowance(("HOOK.example.",)), "10.0.0.1", True),
        (Allowance(("hook.example:8443",)), "10.0.0.1", True),
        (Allowance(("hook.example:443",)), "10.0.0.1", False),
        (Allowance(("*.example",)), "10.0.0.1", True),
        (Allowance(("*.example:8443",)), "10.0.0.1", True),
        (Allowance(("*.example",)), "169.254.169.254", False),
        (Allowance(("*.hook.example", "*.ook.example", "*ook.example")), "10.0.0.1", False),
        (Allowance(("example",)), "10.0.0.1", False),
        (Allowance(("hook.example",)), "169.254.169.254", False),
        (Allowance(("10.0.0.0/8",)), "10.0.0.1", True),
        (Allowance(("10.0.0.1",)), "10.0.0.1", True),
        (Allowance(("10.0.0.1:8443",)), "10.0.0.1", True),
        (Allowance(("10.0.0.1:80",)), "10.0.0.1", False),
        (Allowance(("10.0.0.7/8",)), "10.0.0.1", True),
        (Allowance(("10.0.0.0/8",)), "192.168.0.1", False),
        (Allowance(("10.0.0.0/8",)), "::ffff:10.0.0.1", True),
        (Allowance(("169.254.0.0/16",)), "169.254.169.254", True),
        (Allowance(("169.254.169.254",)), "169.254.169.254", True),
        (Allowance(("[fd00::1]:8443",)), "fd00::1", True),
        (Allowance(("[fd00::1]:80",)), "fd00::1", False),
        (Allowance(("fd00::1",)), "fd00::1", True),
        (Allowance(("fe80::/10",)), "fe80::1%eth0", True),
        (Allowance(("", ":", "/", "[]", ":8443")), "10.0.0.1", False),
    ],
)
def test_what_an_allowance_admits(allowance: Allowance, address: str, admitted: bool) -> None:
    assert allowance.admits("hook.example", 8443, ip_address(address)) is admitted
