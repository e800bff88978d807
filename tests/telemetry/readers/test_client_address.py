"""The address of a client, which it cannot choose."""

from ipaddress import ip_network

import pytest

from caponier.telemetry.client_address import client_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("values", "trusted", "address"),
    [
        ([], (), None),
        (["", " , "], (), None),
        (["203.0.113.66"], (), "203.0.113.66"),
        (["198.51.100.7, 203.0.113.66"], (), "203.0.113.66"),
        (["198.51.100.7", "203.0.113.66"], (), "203.0.113.66"),
        (["198.51.100.7, 203.0.113.66, 10.0.0.1"], (), "10.0.0.1"),
        (["198.51.100.7, 203.0.113.66, 10.0.0.1"], PROXIES, "203.0.113.66"),
        (["198.51.100.7, 203.0.113.66", "10.2.0.1,10.0.0.1"], PROXIES, "203.0.113.66"),
        (["10.9.9.9, 203.0.113.66:4711, [fd00::1]:80"], PROXIES, "203.0.113.66"),
        (['"[2001:DB8::1]:443"'], (), "2001:db8::1"),
        (["::ffff:203.0.113.66, ::ffff:10.0.0.1"], PROXIES, "203.0.113.66"),
        (["10.0.0.7, 10.0.0.1"], PROXIES, "10.0.0.7"),
        (["203.0.113.66, unknown"], PROXIES, "unknown"),
    ],
)
def test_the_last_that_is_no_proxy_of_ours_counts(
    values: list[str], trusted: tuple[object, ...], address: str | None
) -> None:
    assert client_address(values, trusted) == address  # type: ignore[arg-type]


@pytest.mark.parametrize("claimed", ["198.51.100.7", "10.0.0.1", "x", "198.51.100.7, 198.51.100.8", ""])
@pytest.mark.parametrize("trusted", [(), PROXIES])
def test_nothing_that_a_client_claims_changes_it(claimed: str, trusted: tuple[object, ...]) -> None:
    seen = client_address(["203.0.113.66"], trusted)  # type: ignore[arg-type]
    assert client_address([f"{claimed}, 203.0.113.66"], trusted) == seen  # type: ignore[arg-type]
    assert client_address([claimed, "203.0.113.66"], trusted) == seen  # type: ignore[arg-type]
