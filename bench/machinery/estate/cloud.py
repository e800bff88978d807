"""AWS CloudTrail of the estate: training jobs, releases, administration, engineers, a partner and a backup."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bench.machinery.estate.people import (
    ACCOUNT,
    BACKUP,
    PARTNER,
    Person,
    at,
    of,
    public,
    runner,
    where,
    works,
)  # fmt: skip

Line = tuple[datetime, str]
SUFFIX = "safetensors"


def call(
    moment: datetime, who: dict[str, Any], address: str, source: str, name: str, parameters: Any, **more: Any
) -> Line:
    """Return one record as CloudTrail writes it."""
    row = {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": address,
        "userAgent": "aws-cli/2.17",
        "requestParameters": parameters,
        "responseElements": None,
        "eventID": f"{moment.timestamp():.3f}-{name}-{address}-{hash_of(parameters)}",
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    }
    return moment, json.dumps(row | more)


def hash_of(parameters: Any) -> str:
    """Return something of the parameters that makes ids differ."""
    return str(sum(map(ord, json.dumps(parameters))))


def user(name: str) -> dict[str, Any]:
    """Return how the cloud calls a person."""
    return {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "accountId": ACCOUNT, "userName": name}


def role(name: str, session: str) -> dict[str, Any]:
    """Return how the cloud calls a service."""
    return {
        "type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}", "accountId": ACCOUNT,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}},
    }  # fmt: skip


def day_of(day: int, everybody: list[Person], rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the calls of a day."""
    yield from _background(day, rng, round(3000 * size))
    yield from _training(day, rng, round(1200 * size))
    yield from _sync(day, rng)
    if works(day):
        yield from _releases(day, rng)
        yield from _engineers(day, of(everybody, "ml"), rng)
        yield from _logins(day, everybody, rng)
        yield from _administration(day, of(everybody, "cloud"), rng)
    if day % 7 == 2:
        yield from _partner(day, rng)


def _background(day: int, rng: random.Random, count: int) -> Iterator[Line]:
    names = (("ec2", "DescribeInstances"), ("sts", "AssumeRole"), ("kms", "Decrypt"), ("s3", "GetObject"),
             ("logs", "CreateLogStream"), ("lambda", "ListFunctions20150331"), ("s3", "PutObject"))  # fmt: skip
    for _ in range(count):
        source, name = rng.choice(names)
        key = (
            {"bucketName": f"app-{rng.randrange(12)}", "key": f"d/{rng.randrange(10**6)}.json"}
            if source == "s3"
            else None
        )
        who = role(f"app-{rng.randrange(20)}", f"i-{rng.randrange(40):04x}")
        yield call(at(day, rng, 0, 24), who, f"10.0.{rng.randrange(8)}.{rng.randrange(250)}", source, name, key)


def _training(day: int, rng: random.Random, count: int) -> Iterator[Line]:
    moment = at(day, rng, 1, 3)
    for number in range(count):
        moment += timedelta(seconds=rng.uniform(0.1, 20))
        parameters = {"bucketName": "ml-training", "key": f"images/part-{number:05}.parquet"}
        yield call(moment, role("train-job", f"job-{day}"), f"10.0.5.{rng.randrange(20)}", "s3", "GetObject",
                   parameters,
                   vpcEndpointId="vpce-1")  # fmt: skip
    for number in range(12):
        parameters = {"bucketName": "ml-models", "key": f"vision/{day}/part-{number}.{SUFFIX}"}
        yield call(moment, role("train-job", f"job-{day}"), "10.0.5.3", "s3", "PutObject", parameters)


def _sync(day: int, rng: random.Random) -> Iterator[Line]:
    moment = at(day, rng, 3, 3.5)
    for number in range(60):
        moment += timedelta(seconds=rng.uniform(0.5, 4))
        key = {"bucketName": "ml-models", "key": f"vision/v{number // 6}/part-{number % 6}.{SUFFIX}"}
        yield call(moment, user("svc-model-sync"), "10.0.5.20", "s3", "GetObject", key)
    moment = at(day, rng, 4, 4.5)
    for number in range(80):
        moment += timedelta(seconds=rng.uniform(0.5, 3))
        key = {"bucketName": "ml-models", "key": f"vision/v{number // 8}/part-{number % 8}.{SUFFIX}"}
        yield call(moment, user("backup-vendor"), BACKUP, "s3", "GetObject", key)
    moment = at(day, rng, 5, 5.2)
    for number in range(30):
        moment += timedelta(seconds=1)
        key = {"bucketName": "ml-training", "key": f"tmp/{day}/{number}.parquet"}
        yield call(moment, role("janitor", "nightly"), "10.0.9.8", "s3", "DeleteObject", key)
    yield call(at(day, rng, 20, 20.2), role("janitor", "nightly"), "10.0.9.8", "sagemaker", "StopNotebookInstance",
               {"notebookInstanceName": f"nb-{day % 4}"})  # fmt: skip


def _releases(day: int, rng: random.Random) -> Iterator[Line]:
    for _ in range(rng.randrange(4, 10)):
        moment, address, build = at(day, rng, 8, 18), runner(rng), rng.randrange(10**6)
        who = role("ci-release", f"run-{build}")
        yield call(moment, who, address, "ecr", "PutImage", {"repositoryName": "ml/serve", "imageTag": f"b{build}"})
        canary = {"endpointName": f"vision-canary-{build}"}
        yield call(moment + timedelta(minutes=9), who, address, "sagemaker", "CreateEndpoint", canary)
        yield call(moment + timedelta(minutes=39), who, address, "sagemaker", "DeleteEndpoint", canary)
    for _ in range(rng.randrange(3)):
        moment, address = at(day, rng, 9, 17), runner(rng)
        who, policy = role("terraform", "apply"), {"bucketName": "ml-models", "bucketPolicy": {"Statement": []}}
        yield call(moment, who, address, "s3", "PutBucketPolicy", policy)
        yield call(
            moment, who, address, "iam", "AttachRolePolicy", {"roleName": f"app-{rng.randrange(20)}", "policyArn": "p"}
        )


def _engineers(day: int, engineers: list[Person], rng: random.Random) -> Iterator[Line]:
    for one in engineers:
        address = where(one, day, rng)
        for _ in range(rng.randrange(6)):
            key = {"bucketName": "ml-models", "key": f"vision/v{rng.randrange(10)}/part-0.{SUFFIX}"}
            yield call(at(day, rng, 8, 19), user(one.name), address, "s3", "GetObject", key)
        if rng.random() < 0.08:
            moment = at(day, rng, 9, 17)
            for number in range(rng.randrange(25, 70)):
                moment += timedelta(seconds=rng.uniform(0.3, 3))
                key = {"bucketName": "ml-training", "key": f"images/part-{number:05}.parquet"}
                yield call(moment, user(one.name), address, "s3", "GetObject", key)
        if rng.random() < 0.05:
            moment = at(day, rng, 9, 17)
            for number in range(rng.randrange(20, 50)):
                moment += timedelta(seconds=rng.uniform(0.1, 2))
                key = {"bucketName": "ml-training", "key": f"experiments/{one.name}/{number}.npz"}
                yield call(moment, user(one.name), address, "s3", "DeleteObject", key)
        if rng.random() < 0.06:
            name = rng.choice(("StopTrainingJob", "StopNotebookInstance"))
            own = (
                {"notebookInstanceName": f"nb-{one.name}"} if "Note" in name else {"trainingJobName": f"try-{one.name}"}
            )
            yield call(at(day, rng, 9, 19), user(one.name), address, "sagemaker", name, own)


def _logins(day: int, everybody: list[Person], rng: random.Random) -> Iterator[Line]:
    for one in everybody[:60]:
        if rng.random() < 0.7:
            told = {
                "additionalEventData": {"MFAUsed": rng.choice(("Yes", "No"))},
                "responseElements": {"ConsoleLogin": "Success"},
            }
            address = where(one, day, rng)
            yield call(at(day, rng, 7.5, 10), user(one.name), address, "signin", "ConsoleLogin", None, **told)


def _administration(day: int, admins: list[Person], rng: random.Random) -> Iterator[Line]:
    for one in admins:
        address = where(one, day, rng)
        for _ in range(rng.randrange(4)):
            name = rng.choice(("AddUserToGroup", "AttachUserPolicy", "CreateAccessKey", "UpdateLoginProfile"))
            someone = {"userName": f"app-user-{rng.randrange(80)}"}
            yield call(at(day, rng, 9, 17), user(one.name), address, "iam", name, someone)
        if rng.random() < 0.04:
            yield call(
                at(day, rng, 9, 17), user(one.name), address, "iam", "CreateAccessKey", {"userName": "svc-model-sync"}
            )
        if rng.random() < 0.04:
            policy = {"bucketName": "ml-training", "bucketPolicy": {"Statement": []}}
            yield call(at(day, rng, 9, 17), user(one.name), address, "s3", "PutBucketPolicy", policy)


def _partner(day: int, rng: random.Random) -> Iterator[Line]:
    moment = at(day, rng, 10, 12)
    for number in range(30):
        moment += timedelta(seconds=rng.uniform(1, 8))
        key = {"bucketName": "ml-models", "key": f"vision/v{number // 6}/part-{number % 6}.{SUFFIX}"}
        yield call(moment, user("partner-optics"), PARTNER, "s3", "GetObject", key)
    for _ in range(20):
        nobody = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
        key = {"bucketName": "open-weights", "key": f"v{rng.randrange(9)}.{SUFFIX}"}
        yield call(at(day, rng, 0, 24), nobody, public(rng), "s3", "GetObject", key)
