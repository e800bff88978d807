from typing import Any

import pytest

from caponier.telemetry.security_logs.fields import Fields, flatten
from caponier.telemetry.security_logs.identity import (
    ACCOUNT_FIELDS,
    ADDRESS_FIELDS,
    HOST_FIELDS,
    LIMIT,
    EventIdentity,
    account_name,
    address_of,
    host_name,
    identity,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann", "ann"),
        ("CORP\\Ann", "ann"),
        ("arn:aws:iam::1:user/ann", "ann"),
        ("arn:aws:iam::1:root", "root"),
        ("arn:aws:sts::1:assumed-role/trainer/i-07", "trainer/i-07"),
        ("arn:aws:sts::1:assumed-role/AWSReservedSSO_ML_0a1b/Ann@example.org", "ann@example.org"),
        ("Ann@Example.org", "ann@example.org"),
    ],
)
def test_account_names(text: str, name: str) -> None:
    assert account_name(text) == name


def test_host_names() -> None:
    assert host_name("GPU-01.ml.example.org.:22") == "gpu-01.ml.example.org"
    assert host_name("gpu-01:22") == "gpu-01"
    assert host_name("fe80::1") == "fe80::1"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"user": "ann", "src_ip": "10.0.0.1", "host": "gpu"}, EventIdentity("ann", "gpu", "10.0.0.1")),
        ({"userIdentity": {"arn": "arn:aws:iam::1:user/ann"}, "sourceIPAddress": "s3.Amazonaws.com"},
         EventIdentity("ann", None, "s3.amazonaws.com")),
        ({"user": {"username": "ann"}, "sourceIPs": ["10.0.0.1", "10.0.0.2"]}, EventIdentity("ann", None, "10.0.0.2")),
        ({"user": "ann", "src_ip": "::ffff:10.0.0.1"}, EventIdentity("ann", None, "10.0.0.1")),
        ({"actor": {"user": {"name": "ann"}}, "src_endpoint": {"ip": "FD00::1"}},
         EventIdentity("ann", None, "fd00::1")),
        ({"user": "-", "userName": "ann"}, EventIdentity("ann", None, None)),
        ({"user": "", "c-ip": "not an address"}, EventIdentity(None, None, "not an address")),
        ({}, EventIdentity(None, None, None)),
        ({"user": "x" * 5000}, EventIdentity("x" * LIMIT, None, None)),
    ],
)  # fmt: skip
def test_who_where_and_from_where(row: dict[str, Any], expected: EventIdentity) -> None:
    assert identity(flatten(row)[0]) == expected


def test_fields_are_named_as_after_flattening() -> None:
    names = (*ACCOUNT_FIELDS, *HOST_FIELDS, *ADDRESS_FIELDS)
    assert all(name == name.lower() for name in names)
    assert len(set(names)) == len(names)


def test_the_first_address_field_counts_alone_only_where_it_has_a_value() -> None:
    others: Fields = {"sourceip": "192.0.2.1", "c-ip": "192.0.2.2"}
    for first, expected in (("192.0.2.9", "192.0.2.9"), ("-", "192.0.2.1"), ("", "192.0.2.1"), (7, "7")):
        fields: Fields = {"src_ip": first, **others}
        assert address_of(fields) == identity(fields).address == expected
    assert address_of(others) == identity(others).address == "192.0.2.1"
    assert address_of({"sourceip": "-"}) is identity({"sourceip": "-"}).address is None
