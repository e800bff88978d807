"""The usual work in a small organisation that runs ML, as its security logs show it: the background of log stories.

Nobody here means harm: a service account copies the models every night, engineers log in by way of the VPN, a release
engineer pulls a model, a build pushes an image, a partner reads sales figures in bulk, and a model server is asked.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

Row = dict[str, Any]

MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
BUCKET: Final = "ml-models"
HOST: Final = "gpu-01.ml.example.org"
MODELS: Final = tuple(f"digits/v{version}/part-{part}.safetensors" for version in range(1, 13) for part in range(5))
"""Every model file in the bucket."""
ENGINEER: Final = "alice"
SYNC: Final = "svc-model-sync"

_ACCOUNT: Final = "111122223333"


def stamp(moment: datetime) -> str:
    """Return a moment as logs write it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def login(moment: datetime, user: str, host: str, address: str, **more: Any) -> Row:
    """Return a login that succeeded."""
    return {
        "time": stamp(moment),
        "category": "authentication",
        "user": user,
        "host": host,
        "src_ip": address,
        "outcome": "success",
        **more,
    }


def cloud(moment: datetime, arn: str, kind: str, address: str, name: str, source: str, parameters: Row) -> Row:
    """Return an entry of a cloud's audit trail."""
    return {
        "time": stamp(moment),
        "eventVersion": "1.11",
        "eventSource": source,
        "eventName": name,
        "sourceIPAddress": address,
        "userIdentity": {"type": kind, "arn": arn},
        "requestParameters": parameters,
    }


def user_arn(name: str) -> str:
    """Return how the cloud calls a person's account."""
    return f"arn:aws:iam::{_ACCOUNT}:user/{name}"


def role_arn(role: str, session: str) -> str:
    """Return how the cloud calls a service."""
    return f"arn:aws:sts::{_ACCOUNT}:assumed-role/{role}/{session}"


def read(moment: datetime, arn: str, kind: str, address: str, bucket: str, key: str) -> Row:
    """Return the read of one object."""
    return cloud(moment, arn, kind, address, "GetObject", "s3.amazonaws.com", {"bucketName": bucket, "key": key})


def usual_work(rng: np.random.Generator, days: int = 3) -> Iterator[Row]:
    """Yield the events of some days, in no order."""
    for day in range(days):
        midnight = MONDAY + timedelta(days=day)
        yield from _nightly_sync(midnight, rng)
        yield from _engineers(midnight, rng)
        yield from _build(midnight, rng)
        yield from _partner(midnight, rng)
        yield from _web(midnight, rng)


def _at(midnight: datetime, rng: np.random.Generator, first: float, last: float) -> datetime:
    """Return a moment between two hours of the day."""
    return midnight + timedelta(hours=float(rng.uniform(first, last)))


def _nightly_sync(midnight: datetime, rng: np.random.Generator) -> Iterator[Row]:
    moment, arn = _at(midnight, rng, 2, 2.2), role_arn("model-sync", SYNC)
    for key in MODELS:
        moment += timedelta(seconds=float(rng.uniform(0.5, 4)))
        yield read(moment, arn, "AssumedRole", "10.0.5.20", BUCKET, key)


def _engineers(midnight: datetime, rng: np.random.Generator) -> Iterator[Row]:
    for user in (ENGINEER, "bob", "carol"):
        desk = f"10.8.0.{rng.integers(2, 250)}"
        for _ in range(int(rng.integers(1, 4))):
            yield login(_at(midnight, rng, 8, 17), user, HOST, desk, src_country="PL")
        yield login(_at(midnight, rng, 7, 8), user, "idp.example.org", desk, src_country="PL", risk="low")
    # A release engineer pulls one model, on some days from home.
    home = ["10.8.0.77", "198.51.100.23"][int(rng.integers(2))]
    key = MODELS[int(rng.integers(len(MODELS)))]
    yield read(_at(midnight, rng, 9, 16), user_arn(ENGINEER), "IAMUser", home, BUCKET, key)
    yield {
        "time": stamp(_at(midnight, rng, 9, 16)),
        "product": "linux",
        "category": "process_creation",
        "host": HOST,
        "User": "bob",
        "Image": "/usr/bin/systemctl",
        "CommandLine": "systemctl restart tritonserver",
    }


def _build(midnight: datetime, rng: np.random.Generator) -> Iterator[Row]:
    push = {"repositoryName": "ml/serve", "imageTag": f"build-{rng.integers(1000, 9999)}"}
    arn = role_arn("ci-release", "pipeline")
    yield cloud(_at(midnight, rng, 10, 15), arn, "AssumedRole", "10.0.9.4", "PutImage", "ecr.amazonaws.com", push)


def _partner(midnight: datetime, rng: np.random.Generator) -> Iterator[Row]:
    moment, arn = _at(midnight, rng, 11, 12), user_arn("partner-sales")
    for number in range(30):
        moment += timedelta(seconds=float(rng.uniform(1, 8)))
        key = f"sales/{midnight:%Y-%m-%d}/{number:03}.parquet"
        yield read(moment, arn, "IAMUser", "192.0.2.44", "sales-lake", key)


def _web(midnight: datetime, rng: np.random.Generator) -> Iterator[Row]:
    for _ in range(200):
        yield {
            "time": stamp(_at(midnight, rng, 0, 24)),
            "category": "webserver",
            "cs-host": "models.example.org",
            "cs-method": "POST",
            "cs-uri-stem": "/v2/models/digits/infer",
            "cs-uri-query": "",
            "sc-status": 200,
            "c-ip": f"198.51.100.{rng.integers(1, 250)}",
        }
