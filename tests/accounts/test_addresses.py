"""Where a caller is, whatever it claims."""

import pytest

from accounts.addresses import nearest, neighbourhood, networks

PROXIES, _ = networks(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # a stranger's claim
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.7, 198.51.100.1", "198.51.100.1"),  # what a client claims to the first proxy
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("fd00::1", "[2001:db8::5]:443", "2001:db8::5"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", "198.51.100.1"),  # a proxy on a Unix socket
    ],
)
def test_the_nearest_address_that_is_no_proxy_of_ours_counts(peer, forwarded, found):
    assert nearest(peer, forwarded, PROXIES) == found


def test_without_a_trusted_proxy_nobody_is_believed():
    assert nearest("10.0.0.1", "198.51.100.1", []) == "10.0.0.1"
    assert nearest("", "198.51.100.1", []) == ""


def test_a_subscriber_with_many_ipv6_addresses_is_one_caller():
    assert (
        neighbourhood("2001:db8:1:2:3::4") == neighbourhood("2001:db8:1:2:ffff::1") != neighbourhood("2001:db8:1:3::")
    )
    assert neighbourhood("198.51.100.1") == "198.51.100.1"
    assert neighbourhood("") == ""


def test_what_is_no_network_is_named():
    found, wrong = networks(["10.0.0.1/8", "proxy.example"])
    assert [str(one) for one in found] == ["10.0.0.0/8"]
    assert wrong == ["proxy.example"]
