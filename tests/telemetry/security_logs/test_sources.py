from typing import Any

import pytest

from caponier.telemetry.security_logs.fields import flatten
from caponier.telemetry.security_logs.sources import (
    CLOUDTRAIL,
    KUBERNETES_AUDIT,
    OCSF_CLASSES,
    OCSF_FIELDS,
    LogSource,
    log_source,
)


def source(row: dict[str, Any]) -> LogSource | None:
    return log_source(flatten(row)[0])


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
        ({"apiVersion": "audit.k8s.io/v1", "kind": "Event"}, KUBERNETES_AUDIT),
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
    fields, _ = flatten(row)
    log_source(fields)
    assert (fields["user"], fields["src_ip"], fields["host"], fields["outcome"]) == (
        "ann",
        "203.0.113.7",
        "gpu-01",
        "success",
    )


def test_but_keeps_its_own() -> None:
    fields, _ = flatten({"class_uid": 3002, "src_ip": "10.0.0.1", "src_endpoint": {"ip": "203.0.113.7"}})
    log_source(fields)
    assert fields["src_ip"] == "10.0.0.1"


def test_the_tables_agree_with_flattening() -> None:
    names = {name for fields in OCSF_FIELDS.values() for pair in fields.items() for name in pair}
    assert all(name == name.lower() for name in names)
    assert set(OCSF_FIELDS) - {"cloudtrail"} <= set(OCSF_CLASSES.values())
