from typing import Any

import pytest

from caponier.telemetry.security_logs.fields import Fields, flatten
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.sources import (
    CLOUDTRAIL,
    KUBERNETES_AUDIT,
    OCSF_CLASSES,
    OCSF_FIELDS,
    LogSource,
    said_source,
    stands_for,
)


def record(row: dict[str, Any]) -> Record | str:
    (found,) = NativeReading().read({"time": 1_772_442_000_000, "eventTime": "2026-03-02T09:00:00Z", **row}, 1)
    return found


def source(row: dict[str, Any]) -> LogSource | None:
    found = record(row)
    return None if isinstance(found, str) else found.origin


def fields_of(row: dict[str, Any]) -> Fields:
    found = record(row)
    assert isinstance(found, Record)
    return found.fields


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"product": "Linux", "service": "sshd"}, LogSource("linux", None, "sshd")),
        ({"logsource": {"category": "webserver"}}, LogSource(None, "webserver", None)),
        ({"class_uid": 3002}, LogSource(None, "authentication", None)),
        ({"class_uid": 6003, "cloud": {"provider": "AWS"}}, CLOUDTRAIL),
        ({"class_uid": 6003}, LogSource(None, "api_activity", None)),
        ({"class_uid": 999}, None),
        ({"class_uid": "3002"}, None),
        ({"eventVersion": "1", "eventSource": "s3", "eventName": "GetObject"}, CLOUDTRAIL),
        (
            {"apiVersion": "audit.k8s.io/v1", "kind": "Event", "stageTimestamp": "2026-03-02T09:00:00Z"},
            KUBERNETES_AUDIT,
        ),
        ({"category": "SignInLogs"}, LogSource("azure", "authentication", "signinlogs")),
        ({"category": "Payments"}, None),
        ({"category": "FileEvent", "service": "shop"}, LogSource(None, None, "shop")),
        ({"logsource": {"category": "till"}}, LogSource(None, "till", None)),
        ({"message": "hello"}, None),
        ({"product": 5, "category": "  "}, None),
    ],
)
def test_what_an_event_is_of(row: dict[str, Any], expected: LogSource | None) -> None:
    assert source(row) == expected


def test_what_it_says_wins() -> None:
    assert source({"class_uid": 3002, "product": "okta"}) == LogSource("okta", None, None)


def test_an_ocsf_event_gets_the_names_that_rules_use() -> None:
    row = {
        "class_uid": 3002,
        "status_id": 1,
        "user": {"name": "ann"},
        "src_endpoint": {"ip": "203.0.113.7"},
        "dst_endpoint": {"hostname": "gpu-01"},
    }
    fields = fields_of(row)
    assert (fields["user"], fields["src_ip"], fields["host"], fields["outcome"]) == (
        "ann",
        "203.0.113.7",
        "gpu-01",
        "success",
    )


def test_but_keeps_its_own() -> None:
    fields = fields_of({"class_uid": 3002, "src_ip": "10.0.0.1", "src_endpoint": {"ip": "203.0.113.7"}})
    assert fields["src_ip"] == "10.0.0.1"


def test_the_tables_agree_with_flattening() -> None:
    names = {name for fields in OCSF_FIELDS.values() for pair in fields.items() for name in pair}
    assert all(name == name.lower() for name in names)
    assert set(OCSF_FIELDS) - {"cloudtrail"} <= set(OCSF_CLASSES.values())


def test_a_category_counts_if_sigma_or_a_rule_knows_it() -> None:
    fields, _ = flatten({"category": "Till"})
    assert said_source(fields) is None
    assert said_source(fields, frozenset(["till"])) == LogSource(None, "till", None)


@pytest.mark.parametrize(
    ("category", "origin", "told"),
    [
        ("management", LogSource("aws", None, "cloudtrail"), True),
        ("management", LogSource("kubernetes", "application", "audit"), True),
        ("management", LogSource("huggingface", None, "audit"), True),
        ("management", LogSource("linux", None, "sshd"), False),
        ("management", LogSource("aws", None, "vpcflow"), False),
        ("management", LogSource(), False),
        ("registry_event", LogSource("windows", "registry_set", "sysmon"), True),
        ("registry_set", LogSource("windows", "registry_set", "sysmon"), True),
        ("registry_set", LogSource("windows", "registry_event", "sysmon"), False),
        ("application", LogSource("kubernetes", "application", "audit"), True),
        ("dns", LogSource("zeek", None, "dns"), False),
    ],
)
def test_a_category_stands_for_those_below_it(category: str, origin: LogSource, told: bool) -> None:
    assert stands_for(category, origin) is told
