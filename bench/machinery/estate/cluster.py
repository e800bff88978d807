"""Kubernetes audit of the estate: controllers, releases, and engineers who look for faults."""

import json
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bench.machinery.estate.people import Person, at, of, runner, where, works

Line = tuple[datetime, str]


def call(
    moment: datetime, user: str, address: str, verb: str, resource: str, place: tuple[str, str], body: Any = None,
    sub: str | None = None, code: int = 200,
) -> Line:  # fmt: skip
    """Return one entry as the API server writes it."""
    namespace, name = place
    row: dict[str, Any] = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request", "stage": "ResponseComplete",
        "auditID": f"{moment.timestamp():.6f}-{verb}-{name}", "verb": verb,
        "requestURI": f"/apis/apps/v1/namespaces/{namespace}/{resource}/{name}",
        "user": {"username": user, "groups": ["system:authenticated"]}, "sourceIPs": [address],
        "userAgent": "kubectl/v1.30", "responseStatus": {"metadata": {}, "code": code},
        "objectRef": {"resource": resource, "namespace": namespace, "name": name, "apiVersion": "v1"},
        "requestReceivedTimestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "stageTimestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }  # fmt: skip
    if sub:
        row["objectRef"]["subresource"] = sub
    if body:
        row["requestObject"] = body
    return moment, json.dumps(row)


def image(name: str) -> dict[str, Any]:
    """Return the body that sets an image."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "serve", "image": name}]}}}}


def day_of(day: int, everybody: list[Person], rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the calls of a day."""
    spaces = ("ml-serving", "ml-training", "shop", "crm", "kube-system", "monitoring")
    for _ in range(round(4600 * size)):
        who = (
            f"system:serviceaccount:kube-system:{rng.choice(('deployment-controller', 'hpa', 'replicaset-controller'))}"
        )
        verb, resource = (
            rng.choice(("get", "list", "watch", "patch", "update")),
            rng.choice(("pods", "deployments", "leases")),
        )
        place = (rng.choice(spaces), f"w-{rng.randrange(60)}")
        yield call(at(day, rng, 0, 24), who, f"10.1.0.{rng.randrange(250)}", verb, resource, place)
    if not works(day):
        return
    for _ in range(rng.randrange(5, 12)):
        place = (rng.choice(("ml-serving", "shop")), rng.choice(("vision", "vision-canary", "cart")))
        tag = f"registry.example.org/ml/serve:b{rng.randrange(10**6)}"
        yield call(at(day, rng, 8, 18), "ci-deployer", runner(rng), "patch", "deployments", place, image(tag))
    yield from _engineers(day, of(everybody, "ml"), rng)
    yield from _administrators(day, of(everybody, "cluster"), rng)


def _engineers(day: int, engineers: list[Person], rng: random.Random) -> Iterator[Line]:
    for one in engineers:
        address = where(one, day, rng)
        for _ in range(rng.randrange(25)):
            place = (rng.choice(("ml-serving", "ml-training")), f"vision-{rng.randrange(20)}")
            yield call(at(day, rng, 8, 19), one.name, address, rng.choice(("get", "list")), "pods", place)
        if rng.random() < 0.2:
            place = ("ml-training", f"try-{one.name}-{rng.randrange(30)}")
            yield call(at(day, rng, 8, 19), one.name, address, "create", "jobs", place, image("ml/serve:dev"))
            yield call(at(day, rng, 8, 19), one.name, address, "create", "pods", place, sub="exec", code=101)
        if rng.random() < 0.05:
            place = ("ml-training", f"try-{one.name}")
            scale = {"spec": {"replicas": 0}}
            yield call(at(day, rng, 8, 19), one.name, address, "patch", "deployments", place, scale, sub="scale")
        if rng.random() < 0.03:
            yield call(
                at(day, rng, 8, 19),
                one.name,
                address,
                "create",
                "pods",
                ("ml-serving", "vision-7"),
                sub="exec",
                code=101,
            )


def _administrators(day: int, admins: list[Person], rng: random.Random) -> Iterator[Line]:
    for one in admins:
        address = where(one, day, rng)
        for _ in range(rng.randrange(4)):
            place = (rng.choice(("shop", "crm", "monitoring")), f"read-{rng.randrange(20)}")
            yield call(at(day, rng, 9, 17), one.name, address, "create", "rolebindings", place)
        if rng.random() < 0.03:
            yield call(at(day, rng, 9, 17), one.name, address, "create", "rolebindings", ("ml-training", "newcomer"))
        if day % 7 == 1 and rng.random() < 0.4:
            place = ("ml-serving", "vision-old")
            yield call(at(day, rng, 18.5, 21), one.name, address, "delete", "deployments", place)
