"""Three attacks on the estate's ML system, as its logs would tell them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from bench.machinery.estate import cloud, cluster, logins, machines
from bench.machinery.estate.people import START, Person, of

Rows = dict[str, list[tuple[datetime, str]]]


class Story(NamedTuple):
    """An attack, and what an incident about it has to say."""

    tell: Callable[[list[Person]], Rows]
    actor: Callable[[list[Person]], str]
    """Who it was, as incidents name actors."""
    detectors: tuple[str, ...]
    """Rules whose findings the incident consists of, in order of their first event."""


def _stolen(everybody: list[Person]) -> Rows:
    """A phished engineer's account carries the models away, stays with a key of its own and opens the store."""
    who, address = of(everybody, "ml")[3].name, "203.0.113.66"
    moment = START + timedelta(days=15, hours=1)
    trail = [cloud.call(moment + timedelta(minutes=4), cloud.user(who), address, "signin", "ConsoleLogin", None,
                        additionalEventData={"MFAUsed": "No"},
                        responseElements={"ConsoleLogin": "Success"})]  # fmt: skip
    moment += timedelta(minutes=20)
    trail.append(cloud.call(moment, cloud.user(who), address, "iam", "CreateAccessKey", {"userName": "svc-model-sync"},
                            responseElements={"accessKey": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE",
                                                            "userName": "svc-model-sync"}}))  # fmt: skip
    moment += timedelta(minutes=20)
    for number in range(40):
        moment += timedelta(seconds=5)
        key = {"bucketName": "ml-models", "key": f"vision/v{number // 6}/part-{number % 6}.safetensors"}
        trail.append(cloud.call(moment, cloud.user(who), address, "s3", "GetObject", key))
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
    opened = {"bucketName": "ml-models", "bucketPolicy": policy}
    trail.append(cloud.call(moment + timedelta(minutes=9), cloud.user(who), address, "s3", "PutBucketPolicy", opened))
    begun = START + timedelta(days=15, hours=1)
    return {
        "okta.jsonl": [logins.okta(begun, who, address, "Kosovo", "user.session.start", "HIGH")],
        "cloudtrail.jsonl": trail,
    }


def _deployer(everybody: list[Person]) -> Rows:
    """The token of the deployment robot, leaked: commands in a pod, rights of its own, and the service is gone."""
    who, address, moment = "ci-deployer", "203.0.113.77", START + timedelta(days=20, hours=2)
    minutes, zero = timedelta(minutes=1), {"spec": {"replicas": 0}}
    return {
        "kubernetes.log": [
            cluster.call(moment, who, address, "create", "pods", ("ml-serving", "vision-3"), sub="exec", code=101),
            cluster.call(moment + 9 * minutes, who, address, "create", "rolebindings", ("ml-serving", "debug")),
            cluster.call(
                moment + 30 * minutes, who, address, "patch", "deployments", ("ml-serving", "vision"), zero, sub="scale"
            ),
        ]
    }


def _ransom(everybody: list[Person]) -> Rows:
    """Through MLflow and the notebooks onto a host, where the model files are encrypted."""
    address, moment = "203.0.113.88", START + timedelta(days=26, hours=3)
    path = "/model-versions/get-artifact?path=../../../../home/ml/.ssh/id_ed25519"
    later = moment + timedelta(minutes=30)
    disk: list[tuple[datetime, str]] = [machines.login(later, 77, "gpu-02", "root", address)]
    for number in range(15):
        later += timedelta(seconds=7)
        serial, name = 900 + number, f"/srv/models/part-{number}.safetensors.locked"
        head = f"node=gpu-02 type={{}} msg=audit({later.timestamp():.3f}:{serial}): "
        call = (
            "arch=c000003e syscall=82 success=yes exit=0 items=2 ppid=1 pid=9 auid=0 uid=0 tty=pts0 ses=9 "
            'comm="x" exe="/tmp/x" key="models"\x1dARCH=x86_64 SYSCALL=rename AUID="root" UID="root"'
        )
        disk += [
            (later, head.format("SYSCALL") + call),
            (later, head.format("PATH") + f'item=1 name="{name}" inode=9 mode=0100644 nametype=CREATE'),
            (later, head.format("EOE")),
        ]
    return {
        "mlflow.log": [machines.mlflow(moment, address, "GET", path)],
        "jupyter.log": [
            machines.jupyter(moment + timedelta(minutes=12), "svc-nb", address, "POST", "/api/terminals", 200)
        ],
        "auditd.log": disk,
    }


STORIES: Final = {
    "stolen account": Story(
        _stolen,
        lambda everybody: f"account:{of(everybody, 'ml')[3].name}",
        ("sigma:ml_account_manipulation", "sigma:model_bulk_read", "sigma:store_made_public"),
    ),
    "leaked token": Story(
        _deployer,
        lambda _: "account:ci-deployer",
        ("sigma:workload_exec", "sigma:cluster_rights_bound", "sigma:workload_scaled_to_zero"),
    ),
    "ransom": Story(
        _ransom,
        lambda _: "address:203.0.113.88",
        (
            "sigma:mlflow_file_read",
            "sigma:ml_console_code",
            "sigma:ml_host_login_outside",
            "sigma:model_files_encrypted",
        ),
    ),
}


def plant(everybody: list[Person]) -> dict[str, list[tuple[Any, str]]]:
    """Return the lines of all attacks by file."""
    rows: dict[str, list[tuple[Any, str]]] = {}
    for story in STORIES.values():
        for name, lines in story.tell(everybody).items():
            rows.setdefault(name, []).extend(lines)
    return rows
