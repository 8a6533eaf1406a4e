"""Which addresses we may connect to: public ones, and what the operator's allow-list names. Pure.

Addresses to connect to come from people, so an address inside our own network must never be reached through us.
Python's `is_private` and `is_global` miss several (carrier-grade NAT, NAT64, 6to4) and change between versions: the
networks stand here, from the IANA registries of special-purpose addresses and of multicast.
"""

import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from alerts.transports.message import DeliveryError

Network = IPv4Network | IPv6Network
SECONDS_TO_RESOLVE = 3.0
LABEL = re.compile(r"[a-z0-9_-]+")
PUBLIC_IPV6 = ip_network("2000::/3")  # all that is handed out; outside are loopback, private, mapped, NAT64, multicast
CLOSED = [
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a public address by which machines in Azure reach their host
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # Teredo and protocols, documentation, 6to4
    )
]


@dataclass(frozen=True)
class AllowList:
    """What the operator opens: names and networks, each for one port or (None) for all."""

    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: frozenset[tuple[Network, int | None]] = frozenset()

    @classmethod
    def read(cls, entries: Sequence[str]) -> "AllowList":
        """From "host", "host:port", "CIDR", "CIDR:port"; IPv6 with a port in brackets. ValueError names the entry."""
        names, networks = set(), set()
        for entry in entries:
            host, port = _split(entry)
            try:
                networks.add((ip_network(host), port))
            except ValueError:
                if "/" in host or not _is_name(host):
                    raise ValueError(entry) from None
                names.add((plain(host), port))
        return cls(frozenset(names), frozenset(networks))

    def names_host(self, host: str, port: int) -> bool:
        return bool({(plain(host), port), (plain(host), None)} & self.names)

    def names_address(self, address: str, port: int) -> bool:
        parsed = ip_address(address)
        return any(parsed in network and at in (port, None) for network, at in self.networks)

    def resolved(self, text: str) -> "AllowList":
        """With the addresses of the names that occur in a text, for where only addresses are seen."""
        found: set[tuple[Network, int | None]] = set()
        for name, port in self.names:
            if name in text.lower():
                with suppress(DeliveryError):  # a name that is only part of a longer one, and is nothing by itself
                    found |= {(ip_network(address[0]), port) for _, address in _ask(name, port or 0)}
        return AllowList(self.names, self.networks | found)


def allowed(address: str) -> bool:
    """Whether an IP address (as getaddrinfo writes it) is public."""
    parsed = ip_address(address)
    if parsed.version == 6 and (parsed not in PUBLIC_IPV6 or parsed.scope_id):
        return False
    return not any(parsed in network for network in CLOSED)


def resolve(host: str, port: int, allow: AllowList) -> list[tuple[int, Any]]:
    """All (family, address) of a host, resolved once, each of them checked; connect to these and to nothing else.

    Raises DeliveryError: permanent where one of them is closed to us, for a while where there is no answer.
    """
    found = _ask(host, port)
    if not allow.names_host(host, port):
        refuse(host, port, [address[0] for _, address in found], allow)
    return found


def refuse(host: str, port: int, addresses: Sequence[str], allow: AllowList) -> None:
    """Raise DeliveryError if one of the addresses of a host is neither public nor allowed."""
    for address in addresses:
        if not (allow.names_address(address, port) or allowed(address)):
            raise DeliveryError(
                f"{host} is an address inside a network ({address}), and messages go to public addresses only. "
                f"If it is meant, the operator names it in OUTGOING_ALLOWED: {_entry(host, port)}",
                permanent=True,
            )


def refuse_literal(host: str, port: int, allow: AllowList) -> None:
    """The same for a host that is written as a number, in whatever spelling, or "localhost"; asks no name server."""
    if plain(host) == "localhost":
        addresses = ["127.0.0.1"]
    else:
        try:
            addresses = [address[0] for _, address in _getaddrinfo(host, port, socket.AI_NUMERICHOST)]
        except OSError:
            return
    if not allow.names_host(host, port):
        refuse(host, port, addresses, allow)


def plain(host: str) -> str:
    """A host's name in one spelling: lower case, in ASCII, without the dot at its end. ValueError if it is none."""
    return host.encode("idna").decode("ascii").lower().removesuffix(".")


def _ask(host: str, port: int) -> list[tuple[int, Any]]:
    """getaddrinfo in a thread of its own, because nothing else bounds the time that it takes."""
    answer: SimpleQueue[list[tuple[int, Any]]] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put(_getaddrinfo(host, port))
        except (OSError, ValueError):
            answer.put([])

    Thread(target=ask, daemon=True).start()
    try:
        found = answer.get(timeout=SECONDS_TO_RESOLVE)
    except Empty:
        found = []
    if not found:
        raise DeliveryError(f"The name {host} could not be resolved. Check its spelling and the name server.")
    return found


def _getaddrinfo(host: str, port: int, flags: int = 0) -> list[tuple[int, Any]]:
    found = socket.getaddrinfo(plain(host), port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


def _split(entry: str) -> tuple[str, int | None]:
    host, separator, port = entry.rpartition(":")
    if not separator or (":" in host and not host.startswith("[")):  # no port: a host, or IPv6 as it is
        host, port = entry, ""
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(entry)
    return host.removeprefix("[").removesuffix("]"), int(port) if port else None


def _is_name(host: str) -> bool:
    try:
        labels = plain(host).split(".")
    except ValueError:
        return False
    return not labels[-1].isdigit() and all(LABEL.fullmatch(label) for label in labels)


def _entry(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
