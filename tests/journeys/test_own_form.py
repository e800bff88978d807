"""From a service's own log to the first true finding, in six commands, and nobody else is flagged.

Two logs of one and the same traffic: nested JSON lines as a web service writes them, and a table with a column a
feature, German dates and decimal commas. Both are read without being told how.
"""

import csv
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

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

HORIZON, USERS, OTHERS = 50, 160, 20
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def traffic(digits: Any) -> tuple[Rows, Rows, str]:
    """Benign rows, rows of a day with an attack, and the attacker."""
    split, victim = digits
    later = EPOCH + timedelta(days=1)
    benign = simulate(assemble(split.calibration.images, USERS, 1), victim.predict_proba, HORIZON)
    today = simulate(assemble(split.test.images, OTHERS, 2), victim.predict_proba, HORIZON, begin=later)
    originals = victim.understood(split.attackers)
    attack = trace(
        attacks.one("boundary"),
        victim.predict_proba,
        originals.images[0],
        int(originals.labels[0]),
        seed=0,
        budget=150,
        begin=later,
    )
    mixed = pa.concat_tables([today, attack.events]).sort_by("time")
    return benign.to_pylist(), mixed.to_pylist(), str(attack.events["principal"][0])


def json_lines(path: Path, rows: Rows) -> Path:
    """Write what a FastAPI service writes."""
    with path.open("wb") as file:
        for row in rows:
            record = {
                "timestamp": row["time"].isoformat(),
                "level": "INFO",
                "request": {"id": row["request_id"], "user": row["principal"], "features": row["input"]},
                "response": {"label": row["label"], "probabilities": row["scores"]},
            }
            file.write(orjson.dumps(record) + b"\n")
    return path


def table(path: Path, rows: Rows) -> Path:
    """Write what a spreadsheet in German writes."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, delimiter=";")
        size, classes = len(rows[0]["input"]), len(rows[0]["scores"])
        out.writerow(
            [
                "Zeitpunkt",
                "Kunde",
                *(f"x{at:02d}" for at in range(size)),
                "Vorhersage",
                *(f"prob_{c}" for c in range(classes)),
            ]
        )
        for row in rows:
            numbers = [str(value).replace(".", ",") for value in (*row["input"], row["label"], *row["scores"])]
            out.writerow([row["time"].strftime("%d.%m.%Y %H:%M:%S.%f"), row["principal"], *numbers])
    return path


@pytest.mark.parametrize(("write", "ending"), [(json_lines, "jsonl"), (table, "csv")])
def test_from_nothing_to_the_attacker(
    traffic: tuple[Rows, Rows, str],
    write: Callable[[Path, Rows], Path],
    ending: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    benign, today, attacker = traffic
    monkeypatch.chdir(tmp_path)
    first, second = write(tmp_path / f"week.{ending}", benign), write(tmp_path / f"today.{ending}", today)
    assert run(capsys, "init", "site", "--from", first).code == 0
    monkeypatch.chdir("site")
    built = run(capsys, "baseline", "build", first, "--out", "model.safetensors")
    assert built.code in (0, 3), built.err
    assert f"{USERS} callers" in built.err
    text = Path("caponier.toml").read_text()
    Path("caponier.toml").write_text(text.replace('# baseline = "model.safetensors"', 'baseline = "model.safetensors"'))
    assert run(capsys, "doctor").code == 0
    scanned = run(capsys, "scan", "inference", second, "--format", "json")
    assert scanned.code == 1, scanned.err
    found = orjson.loads(scanned.out)
    assert found["rejected"]["rows"] == 0
    assert found["events"] == len(today)
    name = principal_of(attacker, read_salt(require_workspace()))
    assert {finding["subject"]["id"] for finding in found["findings"]} == {name}
    assert run(capsys, "key-hash", stdin=attacker.encode()).out.strip() == name
    shutil.rmtree(tmp_path / "site")
