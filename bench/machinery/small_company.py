"""A benign month of a company of thirty, written as an enemy of the rules: what looks like an attack and is work.

People work from home and travel, one of their VPNs leaves abroad, a bastion stands open to the net and is scanned, a
vendor backs the models up from its own cloud and encrypts them, Terraform runs on hosted runners, data scientists pull
and load models all day, notebooks and `kubectl exec` are daily work, and testers come for two days that were agreed.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import (
    Row,
    aws,
    entra,
    google,
    kubernetes,
    line,
    okta,
    process,
    requested,
    sshd,
    timed,
    written,
)

DAYS: Final = 30
START: Final = datetime(2026, 3, 2, tzinfo=UTC)
_TESTERS: Final = "198.18.7.7"
_TEST_DAYS: Final = (16, 17)
_VENDOR: Final = "192.0.2.200"
_WEB: Final = 1_500
"""Requests to the model server a day, at full size."""

INVENTORY: Final = """
[[system]]
name = "digits"
criticality = "high"
hosts = ["gpu-01", "gpu-02", "mlflow"]
accounts = ["svc-model-sync", "svc-train"]
buckets = ["ml-models", "open-weights"]
registries = ["ml/serve"]
endpoints = ["models.example.org", "digits"]
models = ["digits"]
namespaces = ["ml"]
"""
INSIDE: Final = """
[inside]
addresses = ["203.0.113.10", "192.0.2.200", "198.18.7.7"]
accounts = ["ci-release", "terraform*", "svc-train", "svc-backup"]

[[inside.changes]]
start = 2026-03-18T00:00:00Z
end = 2026-03-20T00:00:00Z
"""


class _Person:
    """Somebody who works there.

    Args:
        name: Of the account.
        rng: Where homes and habits come from.
    """

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name, self.mail = name, f"{name}@example.org"
        self._homes = [f"{rng.choice((81, 89, 93))}.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(2)]
        self.office = rng.random() < 0.4
        self.away = rng.randrange(4, 26)
        """The first of four days abroad, for those who travel."""
        self.travels = rng.random() < 0.3

    def place(self, day: int) -> tuple[str, str]:
        """Return from which address and country they work on a day."""
        chance = random.Random(f"{self.name} {day}")
        if self.travels and self.away <= day < self.away + 4:
            return f"176.{self.away}.7.{chance.randrange(1, 250)}", "PT"
        if self.office and chance.random() < 0.7:
            return f"10.8.0.{chance.randrange(2, 250)}", "PL"
        # Providers hand out an address for some days, and mostly from one neighbourhood.
        return f"{self._homes[day // 20 % 2]}.{1 + day // 3 * 7 % 250}", "PL"


def describe(file: Path, *, inside: bool) -> None:
    """Write the inventory into a workspace's file."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text + INVENTORY + (INSIDE if inside else ""), encoding="utf-8")


def write(folder: Path, seed: int, size: float) -> int:
    """Write the month's log, in order of time; return how many events it has."""
    folder.mkdir(parents=True)
    rng = random.Random(seed)
    rows = sorted(_month(rng, size), key=lambda row: row["time"])
    with (folder / "month.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return len(rows)


def _month(rng: random.Random, size: float) -> Iterator[Row]:
    scientists = [_Person(name, rng) for name in ("ada", "bo", "cem", "dee", "eli", "fay", "gus", "hal")]
    engineers = [_Person(name, rng) for name in ("ida", "jon", "kim", "lea")]
    others = [_Person(f"user{number}", rng) for number in range(18)]
    for day in range(DAYS):
        midnight = START + timedelta(days=day)
        weekend = midnight.weekday() >= 5
        work = [_machines(day, rng), _strangers(rng), _web(rng, round(_WEB * size))]
        if not weekend:
            work += [_logins(one, day, rng) for one in (*scientists, *engineers, *others)]
            work += [_science(one, day, rng) for one in scientists]
            work += [_operations(one, day, rng) for one in engineers]
        if day in _TEST_DAYS:
            work.append(_testers())
        for rows in work:
            for hour, made in rows:
                yield from timed(made, midnight + timedelta(hours=hour))


Work = Iterator[tuple[float, list[Row]]]


def _logins(one: _Person, day: int, rng: random.Random) -> Work:
    address, country = one.place(day)
    for _ in range(rng.randrange(1, 5)):
        kind = okta(one.mail, address, "user.session.start")
        kind["client"]["geographicalContext"] = {"country": country}
        kind["debugContext"] = {"debugData": {"risk": "{level=LOW}"}}
        yield rng.uniform(7, 17), [kind]
    if rng.random() < 0.05:
        # The privacy feature of a browser leaves in another country for an hour.
        elsewhere = okta(one.mail, f"146.70.{rng.randrange(256)}.9", "user.session.start")
        elsewhere["client"]["geographicalContext"] = {"country": "SE"}
        yield rng.uniform(8, 16), [elsewhere]


def _science(one: _Person, day: int, rng: random.Random) -> Work:
    address, _ = one.place(day)
    host = rng.choice(("gpu-01", "gpu-02"))
    yield rng.uniform(7, 9), [sshd(one.name, address, host=host)]
    for _ in range(rng.randrange(1, 6)):
        start = rng.uniform(8, 18)
        for verb, target, status in (("POST", "/api/kernels", 201), ("GET", "/api/kernels/1/channels", 101),
                                     ("PUT", "/api/contents/a.ipynb", 200)):  # fmt: skip
            yield start, [line(f"[I <stamp> ServerApp] {status} {verb} {target} ({one.name}@{address}) 12.34ms")]
    for _ in range(rng.randrange(0, 4)):
        pull = rng.choice((
            "hf download org/model pytorch_model.bin", "wget https://example.net/w.pt",
            "python -c from huggingface_hub import snapshot_download",
            "pip install torch", "conda install -y pandas", "huggingface-cli download org/model model.safetensors",
            "scp gpu-02:/srv/models/w.pt .",
        ))  # fmt: skip
        yield (
            rng.uniform(9, 17),
            [
                process(pull, user=one.name, host=host),
                process("python -c torch.load('w.pt')", "/usr/bin/python3", one.name, host) | {"pause": 300},
            ],
        )
    for number in range(rng.choice((0, 0, 3, 12))):
        read = aws(f"user {one.name}", address, "s3", "GetObject",
                   {"bucketName": "ml-models", "key": f"digits/{day}/{number}.safetensors"})  # fmt: skip
        yield 13 + number / 60, [read]
    if rng.random() < 0.2:
        for number in range(70):
            old = aws(f"user {one.name}", address, "s3", "DeleteObject",
                      {"bucketName": "ml-models", "key": f"scratch/{one.name}/{day}-{number}.ckpt"})  # fmt: skip
            yield 16 + number / 600, [old]
    if rng.random() < 0.3:
        job = {"trainingJobName": f"digits-{day}"}
        yield rng.uniform(9, 18), [aws(f"user {one.name}", address, "sagemaker", "StopTrainingJob", job)]
    yield rng.uniform(9, 18), [requested("10.8.0.9", "POST", "/api/2.0/mlflow/runs/create")]


def _operations(one: _Person, day: int, rng: random.Random) -> Work:
    address, _ = one.place(day)
    for _ in range(rng.randrange(0, 3)):
        yield rng.uniform(8, 22), [kubernetes(one.mail, address, "create", "pods", name="serve-0", subresource="exec",
                                              code=101)]  # fmt: skip
    if rng.random() < 0.3:
        image = {"spec": {"template": {"spec": {"containers": [{"image": f"registry.example.org/ml/serve:{day}"}]}}}}
        yield rng.uniform(9, 18), [kubernetes(one.mail, address, "patch", "deployments", image)]
    if rng.random() < 0.2:
        push = {"repositoryName": "ml/serve", "imageTag": f"hotfix-{day}"}
        yield rng.uniform(9, 18), [aws(f"user {one.name}", address, "ecr", "PutImage", push)]
    if rng.random() < 0.15:
        yield rng.uniform(9, 18), [okta(one.mail, address, "user.mfa.factor.reset_all", target="user3@example.org")]
        yield rng.uniform(9, 18), [entra(one.mail, address, "Add member to role")]
    if rng.random() < 0.15:
        yield rng.uniform(9, 18), [process("systemctl stop tritonserver", user=one.name, host="gpu-01"),
                                   process("systemctl start tritonserver", user=one.name, host="gpu-01")]  # fmt: skip
    if rng.random() < 0.1:
        yield rng.uniform(9, 18), [requested(address, "POST", "/api/2.0/mlflow/users/create")]
    if rng.random() < 0.1:
        yield rng.uniform(9, 18), [kubernetes(one.mail, address, "create", "rolebindings", name=f"u{day}", code=201)]
    if day % 7 == 1 and one.name == "ida":
        yield 20.0, [process("shutdown -r +1", "/usr/sbin/shutdown", one.name, "gpu-02")]
        yield 11.0, [aws("user ida", address, "iam", "CreateAccessKey", {"userName": "svc-model-sync"})]


def _machines(day: int, rng: random.Random) -> Work:
    for number in range(60):
        name = {"bucketName": "ml-models", "key": f"digits/v{number}.safetensors"}
        yield 2 + number / 400, [aws("role svc-backup/nightly", _VENDOR, "s3", "GetObject", name)]
        kept = {**name, "key": f"backup/{day}/{number}.safetensors",
                "x-amz-server-side-encryption-customer-algorithm": "AES256"}  # fmt: skip
        yield 3 + number / 400, [aws("role svc-backup/nightly", _VENDOR, "s3", "PutObject", kept)]
        sealed = f"D:\\backup\\{day}\\v{number}.safetensors.enc"
        yield 4 + number / 400, [written(sealed, "gpu-02", "CORP\\svc-backup")]
    for number in range(rng.randrange(20, 60)):
        read = aws("nobody", f"{rng.randrange(1, 220)}.{rng.randrange(256)}.7.7", "s3", "GetObject",
                   {"bucketName": "open-weights", "key": f"digits-{number % 5}.safetensors"})  # fmt: skip
        yield rng.uniform(0, 24), [read]
    runner = f"20.{rng.randrange(40, 120)}.{rng.randrange(256)}.{rng.randrange(256)}"
    if day % 2:
        own = '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}]}'
        yield 10.0, [aws("role terraform-apply/gh", runner, "s3", "PutBucketPolicy",
                         {"bucketName": "ml-models", "bucketPolicy": own})]  # fmt: skip
        granted = google("terraform@ml.iam.gserviceaccount.com", runner, "storage", "storage.setIamPermissions",
                         "projects/_/buckets/ml-models")  # fmt: skip
        yield 10.1, [granted | {"resource": {"labels": {"bucket_name": "ml-models"}}}]
    yield 12.0, [aws("role ci-release/run", "10.0.9.4", "ecr", "PutImage", {"repositoryName": "ml/serve"})]
    yield 12.1, [requested("10.0.9.4", "POST", "/v2/repository/models/digits/load")]
    yield 22.0, [aws("role night-saver/lambda", "10.0.9.5", "sagemaker", "DeleteEndpoint", {"endpointName": "digits"})]
    yield 22.1, [kubernetes("night-saver@example.org", "10.0.9.5", "patch", "deployments", {"spec": {"replicas": 0}})]
    for number in range(100):
        old = {"bucketName": "ml-models", "key": f"tmp/{day}/{number}.tmp"}
        yield 5 + number / 900, [aws("role svc-train/clean", "10.0.9.6", "s3", "DeleteObject", old)]


def _strangers(rng: random.Random) -> Work:
    for _ in range(40):
        flow: dict[str, Any] = {
            "TimeGenerated": None, "Type": "CommonSecurityLog", "DeviceAction": "allow", "DestinationPort": 22,
            "SourceIP": f"{rng.randrange(1, 220)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
            "DestinationIP": "10.0.0.5", "DestinationHostName": "gpu-01",
        }  # fmt: skip
        yield rng.uniform(0, 24), [flow, sshd("root", flow["SourceIP"], good=False)]
    for target, status in (("/get-artifact?path=../../etc/passwd", 404), ("/api/kernels", 401), ("/api/jobs/", 404)):
        yield rng.uniform(0, 24), [requested(f"45.{rng.randrange(256)}.1.1", "GET", target, status)]


def _web(rng: random.Random, count: int) -> Work:
    for _ in range(count):
        caller = f"10.5.{rng.randrange(200)}.{rng.randrange(250)}"
        yield rng.uniform(0, 24), [requested(caller, "POST", "/v2/models/digits/infer")]


def _testers() -> Work:
    for number in range(30):
        yield 10 + number / 10, [requested(_TESTERS, "GET", "/get-artifact?path=../../etc/passwd", 403)]
        yield 10 + number / 10, [sshd("root", _TESTERS, good=False)]
    yield 14.0, [requested(_TESTERS, "POST", "/api/kernels", 201)]
    yield 15.0, [sshd("tester", _TESTERS, host="gpu-02")]
