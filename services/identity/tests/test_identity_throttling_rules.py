"""Whom an address stands for, and how far apart guesses are answered."""

import pytest
from identity.throttling.rules import apart_s, network, source


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.20", "198.51.100.20"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("<script>", "unknown"),
    ],
)
def test_one_ipv6_network_is_one_client(address: str, counted: str) -> None:
    assert source(address) == counted


@pytest.mark.parametrize(
    ("address", "counted"),
    [("198.51.100.20", "198.51.100.0/24"), ("2001:db8:1:2::1", "2001:db8:1::/48"), ("<script>", "unknown")],
)
def test_a_strangers_network_is_wider_than_a_client(address: str, counted: str) -> None:
    assert network(source(address)) == counted


@pytest.mark.parametrize(("wrong", "seconds"), [(0, 0), (10, 0), (11, 0.5), (20, 5), (10_000, 5)])
def test_the_tenth_guess_costs_no_time_and_the_twentieth_five_seconds(wrong: int, seconds: float) -> None:
    assert apart_s(wrong, 5.0) == seconds
