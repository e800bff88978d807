"""What somebody wrote who had not run the rules on it: which attacks are found, which are not, and what stays quiet.

The first figure, before anything was mended for it, was 49 of 64 attacks found and 2 of 40 look-alikes told.
"""

from pathlib import Path

import pytest

from caponier.detect.assets.inside import Inside
from caponier.detect.assets.scope import Scope
from caponier.detect.sigma.sigma import Sigma
from caponier.records.inside import InsideSettings
from caponier.records.inventory import System
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs
from detect.strangers import attacks_on_clouds, attacks_on_hosts
from detect.strangers.look_alikes import LOOK_ALIKES

SYSTEM = System(
    name="fraud",
    hosts=(
        *("gpu-01", "gpu-02", "gpu-az-01", "gpu-win-01.acme.io", "db-ml-01", "mlflow.acme.io", "jupyter.acme.io"),
        *("label.acme.io", "infer.acme.io", "10.20.0.15"),
    ),
    accounts=(
        *("svc-train", "svc-train@acme-ml.iam.gserviceaccount.com", "sagemaker-exec-role", "ml-deployer"),
        "ada@acme.io",
    ),
    buckets=("acme-ml-models", "acme-training-data", "acme-vertex-models", "acmemlstore"),
    registries=("fraud/serve", "acme/fraud-model", "harbor.acme.io/ml", "acme/fraud-bert"),
    endpoints=("https://mlflow.acme.io", "https://infer.acme.io"),
    models=("fraud-scorer", "fraud-llm", "ml.prod.fraud_scorer"),
    datasets=("/srv/training", "/srv/models", "ML_FEATURES"),
    namespaces=("ml-serving",),
    clusters=("ml-prod",),
    instances=(
        *("i-0f4a0d01", "snap-0f4a0d01", "fraud-nb", "fraud-scorer", "fraud-preproc", "mlflow-db", "ml-ws"),
        *("gr-fraud01", "1a2b3c4d-1111-2222-3333-444455556666", "serving"),
    ),
)
INSIDE = InsideSettings.model_validate(
    {
        "networks": ["10.0.0.0/8", "192.168.0.0/16"],
        "addresses": ["198.51.100.7"],
        "accounts": [
            *("ci-*", "terraform", "arn:aws:iam::444455556666:role/ci-deploy", "system:serviceaccount:kube-system:*"),
            *("system:serviceaccount:argocd:*", "ci-robot@acme-ml.iam.gserviceaccount.com"),
        ],
    }
)
ATTACKS = attacks_on_clouds.ATTACKS + attacks_on_hosts.ATTACKS
MISSED = {
    # What is told of the registry, the project or the share as a whole, and names nothing of the inventory.
    *("ecr_replication", "ecr_scan_off", "dbx_share"),
    # One file read with the rights of a role that services use from addresses of the cloud, too.
    "stolen_role_home",
    # Results fetched to a file, as everybody does who works with a warehouse.
    "snow_get",
    # What a host sends and asks for: whoever calls from an ML system's address touches nothing of it.
    *("zeek_ssh_out", "dns_pool"),
}


@pytest.fixture(scope="module")
def sigma() -> Sigma:
    return Sigma()


def told(sigma: Sigma, text: str, path: Path) -> list[str]:
    path.write_text(text)
    with RejectedRows() as rejected, sigma.start(Scope([SYSTEM]), inside=Inside(INSIDE)) as run:
        for read in read_logs([path], rejected):
            run.feed(read.events)
        assert rejected.count == 0, rejected.first
        return [match.rule.name for match in run.matches() if match.systems and not match.routine]


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack[0] for attack in ATTACKS])
def test_an_attack_is_found_unless_it_is_listed_as_missed(
    sigma: Sigma, attack: tuple[str, ...], tmp_path: Path
) -> None:
    name, technique, right, text = attack
    assert technique
    assert right
    assert bool(told(sigma, text, tmp_path / "log")) is (name not in MISSED)


@pytest.mark.parametrize("alike", LOOK_ALIKES, ids=[alike[0] for alike in LOOK_ALIKES])
def test_what_only_looks_like_one_is_quiet(sigma: Sigma, alike: tuple[str, ...], tmp_path: Path) -> None:
    assert told(sigma, alike[-1], tmp_path / "log") == []


def test_none_is_there_twice_and_every_miss_is_there() -> None:
    names = [case[0] for case in (*ATTACKS, *LOOK_ALIKES)]
    assert len(set(names)) == len(names)
    assert set(names) > MISSED
    assert len(MISSED) / len(ATTACKS) < 0.15


def test_every_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"{case[-1].rstrip()}\n" for case in (*ATTACKS, *LOOK_ALIKES)))
    with RejectedRows() as rejected:
        formats = {name for read in read_logs([path], rejected) for name in read.formats}
        assert rejected.count == 0, rejected.first
    assert len(formats) > 15
