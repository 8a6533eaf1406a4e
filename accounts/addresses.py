"""Where a request really comes from, behind proxies of ours and beside liars."""

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
NEIGHBOURS = 64  # bits of an IPv6 address that one subscriber cannot choose


def nearest(peer: str, forwarded: str, trusted: Collection[Network]) -> str:
    """The first address, seen from here, that is no proxy of ours; empty when there is none.

    `forwarded` is X-Forwarded-For: each proxy appends whom it was called by, so what stands left of a stranger is
    that stranger's own invention. A peer without an address is a proxy on a Unix socket, trusted if any is.
    """
    if not peer and not trusted:
        return ""
    found = ""
    for text in _backwards(peer, forwarded):
        address = parse(text)
        if address is None:
            break
        found = str(address)
        if not any(address in network for network in trusted):
            break
    return found


def _backwards(peer: str, forwarded: str) -> Iterator[str]:
    if peer:
        yield peer
    yield from reversed(forwarded.split(","))


def parse(text: str) -> Address | None:
    """An address, also with a port and brackets as some proxies write it; IPv4 in IPv6 as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def neighbourhood(address: str) -> str:
    """What one caller can make use of at will: an IPv4 address, or a network of IPv6 addresses."""
    known = parse(address)
    if isinstance(known, IPv6Address):
        return str(ip_network((known, NEIGHBOURS), strict=False))
    return address


def networks(given: Collection[str]) -> tuple[list[Network], list[str]]:
    """Addresses and networks in CIDR notation, and what was neither."""
    found: list[Network] = []
    wrong: list[str] = []
    for text in given:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            wrong.append(text)
    return found, wrong
