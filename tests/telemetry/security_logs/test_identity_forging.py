"""Who an event says it was, where a part of it was written by the one who did it."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caponier.telemetry.client_address import address_name
from caponier.telemetry.security_logs.fields import Fields, flatten
from caponier.telemetry.security_logs.identity import (
    ACCOUNT_FIELDS,
    ADDRESS_FIELDS,
    HOST_FIELDS,
    LIMIT,
    account_name,
    host_name,
    identity,
)

ANY = st.text(max_size=40)
V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address)


@given(path=st.text("abcdef", min_size=1, max_size=6), name=st.text("abc-._@", min_size=1, max_size=12))
def test_whoever_names_a_session_after_somebody_is_not_that_person(path: str, name: str) -> None:
    person = account_name(f"arn:aws:iam::1:user/{name}")
    session = account_name(f"arn:aws:sts::1:assumed-role/{path}/{name}")
    assert session != person
    assert session == f"{path}/{name}"


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::1:user/team/ml/ann", "ann"),
        ("arn:aws-cn:iam::1:user/Ann", "ann"),
        ("ARN:AWS:IAM::1:USER/ANN", "ann"),
        ("arn:aws:sts::1:federated-user/ann", "ann"),
        ("arn:aws:iam::1:role/trainer", "trainer"),
        ("arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_ab/ann@example.org", "ann@example.org"),
        # A role that only sounds like one of the single sign-on is everybody's to name.
        ("arn:aws:sts::1:assumed-role/xAWSReservedSSO_Admin_ab/ann", "xawsreservedsso_admin_ab/ann"),
        ("arn:", ""),
        ("arn:::::", ""),
    ],
)
def test_kinds_of_arns(arn: str, name: str) -> None:
    assert account_name(arn) == name


@given(seen=V4 | V6, claimed=st.lists(V4 | V6, max_size=4))
def test_only_the_last_of_forwarded_addresses_was_seen(seen: IPv4Address | IPv6Address, claimed: list[object]) -> None:
    row = {"user": {"username": "ann"}, "sourceIPs": [*map(str, claimed), str(seen)]}
    assert identity(flatten(row)[0]).address == address_name(str(seen))


@given(seen=V4 | V6, claimed=V4 | V6, field=st.sampled_from(ADDRESS_FIELDS))
def test_no_field_of_addresses_lets_the_client_choose(
    seen: IPv4Address | IPv6Address, claimed: object, field: str
) -> None:
    assert identity({field: f"{claimed}, {seen}"}).address == address_name(str(seen))


@given(address=V4)
def test_one_address_is_one_however_a_socket_writes_it(address: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    spellings = {str(address), str(mapped), str(mapped).upper(), mapped.exploded, f" {address} "}
    assert {address_name(spelling) for spelling in spellings} == {str(address)}


@given(address=V6)
def test_every_spelling_of_a_long_address_is_one(address: IPv6Address) -> None:
    names = {address_name(spelling) for spelling in (str(address), address.exploded, str(address).upper())}
    assert len(names) == 1
    (name,) = names
    assert ip_address(name) == (address.ipv4_mapped or address)


@given(text=ANY)
@example("\\\r0")
@example("CORP\\ ann")
@example("arn:aws:iam::1:user/ ann")
def test_names_are_settled_after_one_reading(text: str) -> None:
    """What was read once reads the same again: findings, context and inventory meet by it."""
    assert address_name(address_name(text)) == address_name(text)
    once = account_name(text)
    if not once.startswith("arn:"):
        assert account_name(once) == once
    assert account_name(text.upper()) == account_name(text.upper().lower())


@given(text=ANY)
@example("a..")
@example("a :22")
@example("a. ")
@example("0\x85:")
@example("a\u3000:22")
def test_hosts_are_settled_after_one_reading(text: str) -> None:
    assert host_name(host_name(text)) == host_name(text)


@given(name=st.text("abc-", min_size=1, max_size=8), port=st.integers(1, 65535))
def test_a_port_and_a_final_dot_make_no_other_host(name: str, port: int) -> None:
    assert {host_name(form) for form in (name, name.upper(), f"{name}.", f"{name}:{port}", f" {name} ")} == {name}


@given(values=st.dictionaries(st.sampled_from([*ACCOUNT_FIELDS, *HOST_FIELDS, *ADDRESS_FIELDS]), ANY, max_size=6))
def test_the_first_field_with_a_value_counts_and_nothing_is_longer_than_a_name(values: Fields) -> None:
    found = identity(values)
    for fact, names in ((found.account, ACCOUNT_FIELDS), (found.host, HOST_FIELDS), (found.address, ADDRESS_FIELDS)):
        told = [str(values[name]) for name in names if values.get(name) not in (None, "", "-")]
        assert fact is None or 0 < len(fact) <= LIMIT
        if not told:
            assert fact is None
    accounts = [str(values[name]) for name in ACCOUNT_FIELDS if values.get(name) not in (None, "", "-")]
    if accounts:
        assert found.account == (account_name(accounts[0])[:LIMIT] or None)


@given(inner=st.dictionaries(st.sampled_from(["user", "account", "host", "src_ip"]), ANY.filter(bool), min_size=1))
def test_what_a_request_carries_names_nobody(inner: dict[str, str]) -> None:
    """The parameters of a call are the caller's words: a user in them is not who called."""
    row = {"user": "ann", "host": "api", "src_ip": "10.0.0.1", "requestParameters": inner, "body": {"event": inner}}
    assert identity(flatten(row)[0]) == ("ann", "api", "10.0.0.1")


def test_two_names_that_differ_in_case_alone_cannot_take_the_place_of_the_first() -> None:
    assert identity(flatten({"user": "ann", "USER": "mallory", "User": "eve"})[0]).account == "ann"


@pytest.mark.parametrize("empty", [None, "", "-"])
def test_an_empty_field_gives_way_to_the_next(empty: str | None) -> None:
    row = {"account": empty, "user": "ann", "host": empty, "hostname": "gpu", "src_ip": empty, "c-ip": "10.0.0.1"}
    assert identity(flatten(row)[0]) == ("ann", "gpu", "10.0.0.1")
