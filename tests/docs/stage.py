"""A folder that holds whatever the pages speak of: logs, data, model files, matrices and a workspace with findings."""

import csv
import gzip
import json
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.emulate.victims.digits import Pool
from caponier.formats.atomic_file import write_bytes
from caponier.records.inventory import FeatureSpec
from cli.command import run_in
from detect.networks.opened import as_file, opened
from docs.pages import ROOT
from once import once
from respond.made import finding

CASES: Final = ROOT / "tests" / "cases" / "logs"
BEGIN: Final = datetime(2026, 1, 5, tzinfo=UTC)
COPYING: Final = ("AML.T0024.002", "AMLTM.EXFIL.02")
"""What waits for a second person in the shipped playbook."""
EXPLOIT: Final = b"cos\nsystem\n(S'true'\ntR."
Row = dict[str, Any]
IMAGES: Final = FeatureSpec(kind="image", shape=(8, 8), minimum=0, maximum=1)


def traffic(callers: Iterable[str], asked: int, *, version: str = "1", seed: int = 0) -> list[Row]:
    """Make events of a model that reads pictures of 8 by 8."""
    rng, made = np.random.default_rng(seed), []
    for number, name in enumerate(callers):
        for turn in range(asked):
            picture = np.round(rng.uniform(0, 1, 64), 2)
            made.append(
                {
                    "time": (BEGIN + timedelta(minutes=7 * turn, seconds=number)).isoformat(),
                    "model": "digits",
                    "model_version": version,
                    "operation": "predict",
                    "principal": name,
                    "input": picture.tolist(),
                    "input_shape": [8, 8],
                    "label": str(int(picture.sum()) % 10),
                    "status": 200,
                }
            )
    return made


def furnished(factory: pytest.TempPathFactory) -> Path:
    """Return a folder with everything, baselines too, that is made once a run; whoever changes it takes a copy."""

    def made(folder: Path) -> Path:
        furnish(folder)
        learned = build_baseline([folder / "september.parquet"], spec=IMAGES).baseline
        for name in ("digits", "fraud", "b"):
            write_bytes(folder / f"{name}.safetensors", learned.to_bytes())
        return folder

    return once(factory, "stage-of-the-docs", made)


def furnish(home: Path) -> None:
    """Put everything into a folder, which is a workspace afterwards."""
    create_workspace(home)
    _inference_logs(home)
    _other_traces(home)
    _matrices(home)
    (home / "suspected-key.txt").write_text("sk-0123456789\n")
    keep_findings(
        require_workspace(home), [finding(1, "eve"), finding(2, "eve", techniques=COPYING, detector="distance_shape")]
    )


def _inference_logs(home: Path) -> None:
    benign = traffic([f"k-{n}" for n in range(32)], 4)
    today = [*traffic(["k-1", "k-2"], 4, seed=1), *traffic(["eve"], 300, seed=2)]
    for row in today[-300:]:
        row["time"] = (BEGIN + timedelta(days=1)).isoformat()
    enriched = {"benign-enriched": benign, "today-enriched": today}
    for name, rows in {**enriched, "september": benign, "last-month": benign, "today": today, "events": today}.items():
        pq.write_table(pa.Table.from_pylist(rows), home / f"{name}.parquet")
    versions = dict.fromkeys(["benign", "october", "logs/september", "logs/october"], "1") | {"since-monday": "2"}
    for folder, version in versions.items():
        (home / folder).mkdir(parents=True)
        rows = traffic([f"k-{n}" for n in range(32 if version == "1" else 5)], 4, version=version)
        pq.write_table(pa.Table.from_pylist(rows), home / folder / "part.parquet")
    pq.write_table(pa.Table.from_pylist(today), home / "logs" / "october" / "part.parquet")
    pq.write_table(pa.Table.from_pylist(today), home / "lake" / "part.parquet")
    (home / "today.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, today)).encode()))
    own = [
        {
            "ts": 1_767_571_200 + 60 * n,
            "api_key": f"sk-{n % 40:08}",
            "age": n % 80,
            "amount": 7.5 * n,
            "prediction": "ok",
        }
        for n in range(400)
    ]
    for name in ("requests.jsonl", "service.jsonl", "week.jsonl", "today.jsonl"):
        (home / name).write_text("".join(json.dumps(row) + "\n" for row in own))
    shutil.copy(CASES / "apache_vhost_access.log", home / "access.log")


def _other_traces(home: Path) -> None:
    (home / "AWSLogs").mkdir()
    shutil.copy(CASES / "cloudtrail_s3.json", home / "AWSLogs" / "1.json")
    shutil.copy(CASES / "auth.log", home / "auth.log")
    shutil.copy(next(CASES.glob("jupyter*")), home / "jupyter.log")
    (home / "models").mkdir()
    (home / "models" / "evil.pkl").write_bytes(EXPLOIT)
    _network(home)
    rng = np.random.default_rng(0)
    with (home / "train.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["amount", "age", "contributor", "fraud"])
        for n in range(240):
            fraud = n % 2 == 0
            said = fraud if n % 12 else not fraud
            place = rng.normal(8 * fraud, 1, 2).round(3).tolist()
            rows.writerow([*place, "eve" if n % 12 == 0 else "ann", "yes" if said else "no"])


def _network(home: Path) -> None:
    """Put a network with a backdoor there, and clean rows of its kind."""
    bad = opened()
    (home / "classifier.safetensors").write_bytes(bad.data)
    for name, rows in (("clean", slice(0, 300)), ("test", slice(300, 500))):
        as_file(Pool(bad.split.test.images[rows], bad.split.test.labels[rows]), home / f"{name}.npz")


def _matrices(home: Path) -> None:
    files = ROOT / "tests" / "matrix" / "versions" / "loaders"
    for name in ("ATLAS.yaml", "old.yaml"):
        shutil.copy(files / "format-4.yaml", home / name)
    shutil.copy(files / "format-5.yaml", home / "new.yaml")
    assert run_in(home, "matrix", "import", "old.yaml", "--version", "atlas-4.4.0", environment={}).code == 0
    shutil.copy(files / "attack-enterprise-17.0.json", home / "enterprise-attack.json")
    layer = {"domain": "atlas", "versions": {"layer": "4.5"}, "techniques": [{"techniqueID": "AML.T0012"}]}
    for folder in ("layers", "rules"):
        (home / folder).mkdir()
    (home / "layers" / "own.json").write_text(json.dumps(layer))
    (home / "layer.json").write_text(json.dumps(layer))
    (home / "notes.md").write_text("AML.T0012 Valid Accounts\n")
    (home / "rules" / "own.yml").write_text("title: a\ntags: [attack.t1078]\n")


def furnish_demo(home: Path) -> None:
    """Put what a demo leaves into `demo-out`."""
    out = home / "demo-out"
    shutil.copytree(home, out)
    shutil.copy(home / "AWSLogs" / "1.json", out / "logs" / "security.jsonl")
    shutil.copy(home / "digits.safetensors", out / "digits-mlp.safetensors")
    with gzip.open(home / "today.jsonl.gz") as file:
        (out / "logs" / "traffic.jsonl").write_bytes(file.read())
    for folder in ("data", "quarantine"):
        (out / folder).mkdir()
    shutil.copy(home / "models" / "evil.pkl", out / "quarantine")
    x = np.random.default_rng(0).normal(size=(200, 4)) + 6 * (np.arange(200) % 2)[:, None]
    np.savez(out / "data" / "batch.npz", x=x, y=np.arange(200) % 2)
