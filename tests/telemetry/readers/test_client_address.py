"""The address of a client, which it cannot choose."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.client_address import address_name, client_address

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


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
writings = st.sampled_from(["{}", " {} ", '"{}"', "[{}]", "[{}]:443", '"[{}]:443"'])


@given(addresses, writings, st.lists(addresses | st.text(max_size=9), max_size=4))
def test_an_address_is_the_same_however_a_proxy_writes_it_and_whatever_stands_before(
    address: str, writing: str, claimed: list[str]
) -> None:
    written = writing.format(address)
    assert client_address([*claimed, written]) == client_address([", ".join([*claimed, written])])
    assert client_address([written]) == address_name(address)


@given(st.ip_addresses(v=4).map(str), st.integers(1, 65_535))
def test_a_port_is_no_part_of_it(address: str, port: int) -> None:
    assert client_address([f"{address}:{port}"]) == client_address([f"[::ffff:{address}]:{port}"]) == address


@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_text_is_an_address_or_none_and_is_read_in_one_way(values: list[str]) -> None:
    found = client_address(values, PROXIES)
    assert found is None or (found and found == address_name(found))


@given(st.lists(addresses, min_size=1, max_size=5))
def test_what_is_found_is_no_proxy_unless_all_are(values: list[str]) -> None:
    found = client_address(values, PROXIES)
    ours = [any(ip_address(address_name(one)) in network for network in PROXIES) for one in values]
    assert found is not None
    assert any(ip_address(found) in network for network in PROXIES) == all(ours)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::FFFF:10.0.0.1", "10.0.0.1"),
        ("Events.AmazonAWS.com", "events.amazonaws.com"),
        (" 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("010.0.0.1", "010.0.0.1"),
        ("", ""),
    ],
)
def test_one_address_has_one_name(text: str, name: str) -> None:
    assert address_name(text) == name
