"""Which addresses may be reached, and by whom: the one judgement of the check before a merge and of each connection.

Pure: it judges addresses. Looking names up and connecting is `cepd.net_guard`'s.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

Reach: TypeAlias = Literal["public", "private", "special"]
"""private: loopback and the networks people run. special: what no receiver of alerts has any business to be at:
link-local, metadata services, multicast, reserved, and IPv6 that wraps an IPv4 address in a tunnel."""

SPECIAL = "link-local, metadata and reserved addresses"
"""The special ones, in words for people."""

_PRIVATE = [
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
    )
]

_SPECIAL = [
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local, and metadata of most clouds
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # metadata of Azure
        "192.0.0.0/24",  # protocol assignments, metadata of Oracle Cloud
        "192.88.99.0/24",  # 6to4 relays
        "fd00:ec2::254/128",  # metadata of AWS
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, withdrawn
        "::/96",  # unspecified, IPv4-compatible
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
    )
]


class Allowance(msgspec.Struct, frozen=True):
    """What a caller may reach beside the public internet: `host`, `host:port`, `*.host` for all names below
    one, or CIDR each; or all private ones.

    A host name opens private addresses only. A special address opens to an entry that is that address or a network
    around it.
    """

    entries: tuple[str, ...] = ()
    private: bool = False

    def admits(self, host: str, port: int, address: Address) -> bool:
        """Whether a connection to `address`, which is what `host` means, may be made."""
        reach = reach_of(address)
        if reach == "public" or (reach == "private" and self.private):
            return True
        return any(_opens(entry, host, port, plain_address(address), reach) for entry in map(_read_entry, self.entries))


class _Entry(msgspec.Struct, frozen=True):
    network: Network | None
    host: str
    port: int | None


@lru_cache(maxsize=4096)
def _read_entry(text: str) -> _Entry:
    """An entry as written. What is no address and no network is a name, which opens nothing that it does not match."""
    network = _network(text)
    if network is not None:
        return _Entry(network, "", None)
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal():
        host, port = text, ""
    host = host.removeprefix("[").removesuffix("]")
    return _Entry(_network(host) if "/" not in host else None, _plain_name(host), int(port) if port else None)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _opens(entry: _Entry, host: str, port: int, address: Address, reach: Reach) -> bool:
    if entry.port is not None and entry.port != port:
        return False
    if entry.network is not None:
        return address.version == entry.network.version and address in entry.network
    name = _plain_name(host)
    below = entry.host.startswith("*.") and name.endswith(entry.host[1:])
    return reach == "private" and (below or name == entry.host)


def _plain_name(host: str) -> str:
    return host.lower().removesuffix(".")


def plain_address(address: Address) -> Address:
    """The IPv4 address in `::ffff:0:0/96`: connecting to one is connecting to the other. Without a zone."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address


def reach_of(address: Address) -> Reach:
    """How far an address is from the public internet."""
    address = plain_address(address)
    if address.is_loopback:
        return "private"
    if _within(address, _SPECIAL):
        return "special"
    if _within(address, _PRIVATE):
        return "private"
    return "public" if address.is_global and not address.is_multicast else "special"


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
