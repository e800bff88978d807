"""From what a container, a gateway or a notebook left to the first true finding: one attacker among a hundred callers.

The commands are those of docs/how-to/field-maps.md: nothing is said of the logs but where they are.
"""

import csv
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from caponier.app.workspace.workspace import read_salt, require_workspace
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import EPOCH, trace
from caponier.telemetry.principals import principal_of
from cli.command import run

pytestmark = pytest.mark.slow

HORIZON, USERS = 50, 100
Rows = list[dict[str, Any]]
Write = Callable[[Path, Rows], list[Path]]


@pytest.fixture(scope="module")
def traffic(digits: Any) -> tuple[Rows, Rows, str]:
    """Rows of a benign week, rows of a day with an attack, and the attacker."""
    split, victim = digits
    later = EPOCH + timedelta(days=1)
    benign = simulate(assemble(split.calibration.images, USERS, 1), victim.predict_proba, HORIZON)
    today = simulate(assemble(split.test.images, USERS, 2), victim.predict_proba, HORIZON, begin=later)
    originals = victim.understood(split.attackers)
    attack = trace(
        attacks.one("boundary"),
        victim.predict_proba,
        originals.images[0],
        int(originals.labels[0]),
        seed=0,
        budget=300,
        begin=later,
    )
    mixed = pa.concat_tables([today, attack.events]).sort_by("time")
    return _numbered(benign), _numbered(mixed), str(attack.events["principal"][0])


def _numbered(table: pa.Table) -> Rows:
    return [{**row, "request_id": f"{at:032x}"} for at, row in enumerate(table.to_pylist())]


def in_docker(path: Path, rows: Rows) -> list[Path]:
    """What `docker logs` keeps of a service that logs JSON."""
    with path.with_suffix(".log").open("wb") as file:
        for row in rows:
            record = {
                "ts": row["time"].timestamp(),
                "user": row["principal"],
                "pixels": None,
                "features": row["input"],
                "prediction": row["label"],
                "probabilities": row["scores"],
            }
            text = orjson.dumps(record).decode() + "\n"
            file.write(orjson.dumps({"log": text, "stream": "stdout", "time": row["time"].isoformat()}) + b"\n")
    return [path.with_suffix(".log")]


def by_pandas(path: Path, rows: Rows) -> list[Path]:
    """A data frame with arrays in its cells, as `to_csv` writes it."""
    where = path.with_suffix(".csv")
    with where.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["", "timestamp", "user_id", "features", "prediction", "probabilities"])
        for at, row in enumerate(rows):
            arrays = (np.array(row["input"], np.float32), row["label"], np.array(row["scores"], np.float32))
            out.writerow([at, row["time"].isoformat(), row["principal"], *map(str, arrays)])
    return [where]


def behind_nginx(path: Path, rows: Rows) -> list[Path]:
    """The service knows what was asked, and its gateway who asked."""
    told, asked = path.with_suffix(".access.jsonl"), path.with_suffix(".jsonl")
    with told.open("wb") as gateway, asked.open("wb") as service:
        for row in rows:
            stamp, key = row["time"].isoformat(), row["request_id"]
            access = {"time_iso8601": stamp, "remote_user": row["principal"], "status": "200", "uri": "/predict"}
            gateway.write(orjson.dumps({**access, "remote_addr": "10.0.0.7", "request_id": key}) + b"\n")
            record = {"instances": [row["input"]]}, {"predictions": [row["scores"]]}
            service.write(
                orjson.dumps({"ts": stamp, "request_id": key, "request": record[0], "response": record[1]}) + b"\n"
            )
    return [told, asked]


@pytest.mark.parametrize("write", [in_docker, by_pandas, behind_nginx])
def test_from_a_raw_log_to_the_attacker_alone(
    traffic: tuple[Rows, Rows, str],
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    benign, today, attacker = traffic
    monkeypatch.chdir(tmp_path)
    first, second = write(tmp_path / "week", benign), write(tmp_path / "today", today)
    made = run(capsys, "init", "site", *_each("--from", first))
    assert made.code == 0, made.err
    monkeypatch.chdir("site")
    built = run(capsys, "baseline", "build", *first, "--out", "model.safetensors")
    assert built.code in (0, 3), built.err
    assert f"{USERS} callers" in built.err
    text = Path("caponier.toml").read_text()
    Path("caponier.toml").write_text(text.replace('# baseline = "model.safetensors"', 'baseline = "model.safetensors"'))
    assert run(capsys, "doctor", *first).code == 0
    scanned = run(capsys, "scan", "inference", *second, "--format", "json")
    assert scanned.code == 1, scanned.err
    found = orjson.loads(scanned.out)
    assert found["rejected"]["rows"] == 0
    assert found["events"] == len(today)
    name = principal_of(attacker, read_salt(require_workspace()))
    assert {finding["subject"]["id"] for finding in found["findings"]} == {name}
    shutil.rmtree(tmp_path / "site")


def _each(option: str, paths: Sequence[Path]) -> list[object]:
    return [word for path in paths for word in (option, path)]
