"""Whom a policy lets in, and what cloud records name as their targets."""

import json
from typing import Any

import pytest

from caponier.detect.assets.scope import Scope
from caponier.records.inventory import System
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.clouds.policies import opens, stays_inside
from caponier.telemetry.security_logs.native.ray import reader
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record

OWN = "111122223333"
AT = "2026-03-02T09:00:00Z"
ROLE = {"AWS": f"arn:aws:iam::{OWN}:role/train"}
ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


def statement(principal: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": "*", **more}


def record(row: dict[str, Any]) -> Record:
    (found,) = NativeReading().read(row, 1)
    assert isinstance(found, Record), found
    return found


def fields(row: dict[str, Any]) -> Fields:
    return record(row).fields


@pytest.mark.parametrize(
    ("statements", "stays"),
    [
        ([statement(ROLE)], True),
        (statement({"AWS": OWN}), True),
        ([statement({"AWS": [f"arn:aws:iam::{OWN}:root", ROLE["AWS"]]})], True),
        ([statement({"Service": "cloudtrail.amazonaws.com"})], True),
        ([statement("*", "Deny"), statement(ROLE)], True),
        ([statement("*", Condition=ORGANISATION)], True),
        ([], False),
        ([statement("*")], False),
        ([statement({"AWS": "arn:aws:iam::999988887777:root"})], False),
        ([statement(ROLE), statement({"AWS": "999988887777"})], False),
        ([statement({"AWS": f"arn:aws:iam::999988887777:user/{OWN}"})], False),
        ([statement({"Federated": "accounts.example.org"})], False),
        ([{"Effect": "Allow", "NotPrincipal": ROLE}], False),
        ([{"Principal": ROLE}], False),
        ("text", False),
        (None, False),
    ],
)
def test_who_stays_inside(statements: Any, stays: bool) -> None:
    policy = {"Statement": statements} if statements is not None else None
    assert stays_inside(policy, OWN) is (stays or statements == [])
    assert not (stays_inside(policy, OWN) and opens(policy)), "nothing is both"


def test_without_a_number_of_ones_own_nobody_is_ones_own() -> None:
    assert not stays_inside({"Statement": [statement({"AWS": ""})]}, "")
    assert not stays_inside({"Statement": [statement({"AWS": "arn:aws:iam:::root"})]}, "")


def put_policy(policy: Any, *, as_text: bool = False) -> dict[str, Any]:
    return {
        "eventVersion": "1.10", "eventTime": AT, "eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy",
        "awsRegion": "eu-west-1", "userIdentity": {"type": "IAMUser", "userName": "ada"}, "recipientAccountId": OWN,
        "requestParameters": {"bucketName": "ml-models", "bucketPolicy": json.dumps(policy) if as_text else policy},
    }  # fmt: skip


@pytest.mark.parametrize("as_text", [True, False])
def test_a_call_says_whom_it_lets_in(as_text: bool) -> None:
    own, foreign, public = ({"Statement": [statement(one)]} for one in (ROLE, {"AWS": "999988887777"}, "*"))
    said = [fields(put_policy(one, as_text=as_text)).get("access") for one in (own, foreign, public)]
    assert said == ["own", None, "public"]


def test_a_key_of_a_service_account_is_about_that_account() -> None:
    row = {
        "timestamp": AT, "logName": "projects/ml/logs/cloudaudit.googleapis.com%2Factivity",
        "protoPayload": {
            "methodName": "google.iam.admin.v1.CreateServiceAccountKey", "serviceName": "iam.googleapis.com",
            "resourceName": "projects/-/serviceAccounts/1122",
        },
        "resource": {"type": "service_account", "labels": {"email_id": "serve@ml.iam.gserviceaccount.com"}},
    }  # fmt: skip
    scope = Scope([System(name="digits", accounts=("serve@ml.iam.gserviceaccount.com",))])
    assert [asset.kind for asset in scope.assets(fields(row))] == ["account"]


def test_an_image_of_artifact_registry_bears_the_name_that_docker_gives_it() -> None:
    place = "projects/ml/locations/europe/repositories/serving/dockerImages/fraud@sha256:00"
    row = {
        "timestamp": AT, "logName": "projects/ml/logs/cloudaudit.googleapis.com%2Fdata_access",
        "protoPayload": {"methodName": "Docker-PutManifest", "serviceName": "x", "resourceName": place},
    }  # fmt: skip
    scope = Scope([System(name="digits", registries=("europe-docker.pkg.dev/ml/serving",))])
    assert [asset.kind for asset in scope.assets(fields(row))] == ["registry"]


@pytest.mark.parametrize(
    "asked",
    [
        {"api": {"operation": "DeleteBucketPolicy", "service": {"name": "s3.amazonaws.com"},
                 "request": {"data": '{"bucketName": "ml-models"}'}}},
        {"unmapped": {"requestParameters.bucketName": "ml-models"}},
        {"unmapped": {"requestParameters": '{"bucketName": "ml-models"}'}},
        {"resources": [{"uid": "arn:aws:s3:::ml-models/digits/m.pt"}]},
    ],
)  # fmt: skip
def test_what_a_call_asks_for_is_found_in_ocsf(asked: dict[str, Any]) -> None:
    row = {
        "class_uid": 6003, "time": 1_772_442_000_000, "cloud": {"provider": "AWS"}, "metadata": {"version": "1.1.0"},
        "api": {"operation": "DeleteBucketPolicy", "service": {"name": "s3.amazonaws.com"}}, **asked,
    }  # fmt: skip
    scope = Scope([System(name="digits", buckets=("ml-models",))])
    assert scope.assets(fields(row)), fields(row)


def test_hostile_requests_in_ocsf_are_only_text() -> None:
    row = {
        "class_uid": 6003, "time": 1_772_442_000_000, "cloud": {"provider": "AWS"},
        "api": {"operation": "X", "service": {"name": "s3.amazonaws.com"}, "request": {"data": "{" * 50}},
        "unmapped": {"requestParameters": "[1, 2]"},
    }  # fmt: skip
    assert fields(row)["eventname"] == "X"


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("size", ["331", "331 bytes 12221 us"])
def test_rays_dashboard_quotes_its_requests_either_way(quote: str, size: str) -> None:
    said = f"{quote}POST /api/jobs/ HTTP/1.1{quote} 200 {size} {quote}-{quote} {quote}curl/8{quote}"
    found = reader().read(f"2026-03-02 09:00:00,120\tINFO web_log.py:206 -- 203.0.113.66 [x] {said}", 1)
    assert found is not None
    told = found[0].fields
    assert (told["cs-method"], told["cs-uri-stem"], told["c-ip"], told["sc-status"]) == (
        "POST", "/api/jobs/", "203.0.113.66", 200,
    )  # fmt: skip
    assert told["cs-user-agent"] == "curl/8"


@pytest.mark.parametrize(
    ("told", "outcome", "access"),
    [
        ({"statusCode": 200, "identity": {"type": "Anonymous"}}, "success", "anonymous"),
        ({"statusCode": 404, "identity": {"type": "Anonymous"}}, "failure", "anonymous"),
        ({"statusCode": "200", "identity": {"type": "OAuth"}}, "success", None),
    ],
)
def test_reads_of_a_store_of_azure_say_who_read(told: dict[str, Any], outcome: str, access: str | None) -> None:
    row = {
        "time": AT, "category": "StorageRead", "operationName": "GetBlob", "callerIpAddress": "203.0.113.66:4512",
        "properties": {"accountName": "mlmodels", "objectKey": "/mlmodels/c/m.pt"}, **told,
    }  # fmt: skip
    read = fields(row)
    assert (read["outcome"], read.get("access"), read["bucket"]) == (outcome, access, "mlmodels")


def test_a_version_of_a_package_of_models_is_of_that_package() -> None:
    scope = Scope([System(name="digits", models=("fraud",), instances=("i-0gpu",))])
    arn = "arn:aws:sagemaker:eu-west-1:1:model-package/{}/7"
    assert scope.assets({"requestparameters.modelpackagearn": arn.format("fraud")})
    assert not scope.assets({"requestparameters.modelpackagearn": arn.format("fraud-2")})
    assert scope.assets({"useridentity.arn": "arn:aws:sts::1:assumed-role/node/i-0gpu"})
    assert not scope.assets({"useridentity.arn": "arn:aws:sts::1:assumed-role/node/i-0other"})


@pytest.mark.parametrize(
    ("caller", "access"),
    [
        ({"type": "IAMUser", "accountId": "999988887777"}, "foreign"),
        ({"type": "AWSAccount", "accountId": "999988887777", "principalId": "AIDA"}, "foreign"),
        ({"type": "IAMUser", "accountId": OWN}, None),
        ({"type": "AWSService", "invokedBy": "sagemaker.amazonaws.com"}, None),
        ({"type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL"}, "anonymous"),
        ({"type": "IAMUser", "accountId": "nobody"}, None),
    ],
)
def test_an_account_of_somebody_else_is_foreign(caller: dict[str, Any], access: str | None) -> None:
    row = {
        "eventVersion": "1.11", "eventTime": AT, "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
        "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.66", "userIdentity": caller,
        "recipientAccountId": OWN,
    }  # fmt: skip
    assert fields(row).get("access") == access
    del row["recipientAccountId"]
    assert fields(row).get("access") in (None, "anonymous")


@pytest.mark.parametrize(
    ("who", "members", "access"),
    [
        ("ada@example.org", ["group:ml@example.org"], "own"),
        ("ada@example.org", ["serviceAccount:train@ml.iam.gserviceaccount.com"], "own"),
        ("ada@example.org", ["user:Bob@Example.org", "serviceAccount:train@ml.iam.gserviceaccount.com"], "own"),
        ("ada@example.org", ["user:eve@gmail.com"], None),
        ("ada@example.org", ["group:ml@example.org", "user:eve@example.net"], None),
        ("ada@example.org", ["serviceAccount:x@others.iam.gserviceaccount.com"], None),
        ("ada@example.org", ["group:ml@example.org", "allUsers"], "public"),
        ("eve@gmail.com", ["user:mallory@gmail.com"], None),
        ("ci@ml.iam.gserviceaccount.com", ["serviceAccount:train@ml.iam.gserviceaccount.com"], None),
        ("", ["user:eve@example.org"], None),
    ],
)
def test_a_grant_within_the_organisation_of_who_gives_it(who: str, members: list[str], access: str | None) -> None:
    deltas = [{"action": "ADD", "role": "roles/storage.objectViewer", "member": member} for member in members]
    row = {
        "timestamp": AT,
        "logName": "projects/ml/logs/cloudaudit.googleapis.com%2Factivity",
        "resource": {"type": "gcs_bucket", "labels": {"bucket_name": "models", "project_id": "ml"}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "storage.googleapis.com",
            "methodName": "storage.setIamPermissions",
            "resourceName": "projects/_/buckets/models",
            "authenticationInfo": {"principalEmail": who},
            "serviceData": {"policyDelta": {"bindingDeltas": deltas}},
        },
    }
    assert fields(row).get("access") == access
