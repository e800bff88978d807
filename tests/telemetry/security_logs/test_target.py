from typing import Any

import pytest

from caponier.telemetry.security_logs.fields import flatten
from caponier.telemetry.security_logs.target import TARGET_FIELDS, target


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"requestParameters": {"userName": "svc-train"}, "host": "h"}, "account svc-train"),
        ({"requestParameters": {"bucketName": "ml-models", "key": "a"}}, "bucket ml-models"),
        ({"requestParameters": {"repositoryName": "ml/serve"}}, "repository ml/serve"),
        ({"requestParameters": {"endpointName": "digits"}}, "endpoint digits"),
        ({"requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}]}}}, "instance i-1"),
        ({"objectRef": {"resource": "deployments", "namespace": "ml", "name": "digits"}}, "deployments ml/digits"),
        ({"objectRef": {"resource": "pods", "namespace": "ml"}}, "pods ml"),
        ({"protoPayload": {"resourceName": "projects/ml/x"}}, "resource projects/ml/x"),
        ({"host": "GPU-01.example.org.", "user": "ada"}, "host gpu-01.example.org"),
        ({"dst_ip": "10.0.0.5"}, "host 10.0.0.5"),
        ({"user": "ada", "host": "-"}, None),
    ],
)
def test_what_is_acted_on(row: dict[str, Any], expected: str | None) -> None:
    assert target(flatten(row)[0]) == expected


def test_a_name_that_somebody_may_write_as_long_as_he_likes_is_cut() -> None:
    assert len(target({"bucket": "x" * 10_000}) or "") < 300


def test_names_are_those_after_flattening() -> None:
    assert all(name == name.lower() for names in TARGET_FIELDS.values() for name in names)
