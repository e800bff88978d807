"""From a user's log to what would have been caught in it: the whole command on digits, with and without their model."""

import json
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from caponier.emulate.event_log import ServerLog
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.server import serve
from cli.command import run

pytestmark = pytest.mark.slow

LOOKS = ("--kind", "image", "--shape", "8,8", "--range", "0,1")


@pytest.fixture(scope="module")
def log(digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> Path:
    split, victim = digits
    users = simulate(assemble(split.calibration.images, 120, 5), victim.predict_proba, 200)
    path = tmp_path_factory.mktemp("own") / "log.parquet"
    pq.write_table(users, path)
    return path


def test_a_log_alone_is_enough(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = log.read_bytes()
    attacks = ("--only", "simba", "--only", "knockoff", "--only", "natural_extraction", "--only", "flood")
    attacks += ("--attackers", "3")
    done = run(capsys, "validate", "--log", log, *LOOKS, *attacks, "--format", "json")
    shown = json.loads(done.out)
    assert done.code == 1
    assert shown["attacked"]["what"] == "a surrogate"
    assert shown["attacked"]["agreement"] > 0.85
    caught = {one["kind"]: one["caught"] for one in shown["kinds"]}
    assert caught["knockoff"] == caught["flood"] == 3
    assert caught["simba"] >= 2
    assert caught["natural_extraction"] <= 1
    # A flood is seen by its rate alone, and everything else by what is asked.
    without = shown["without"]["inputs"]["caught"]
    assert (without["flood"], without["simba"], without["knockoff"]) == (3, 0, 0)
    assert shown["callers"]["learned"] + shown["callers"]["scanned"] == 120
    assert log.read_bytes() == before
    assert list((tmp_path / "temporary").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["temporary"]


def test_a_served_copy_is_asked(
    log: Path,
    digits: tuple[DigitsSplit, Victim],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ServerLog()
    with serve(digits[1].predict_proba, record=asked.record, principal_of=lambda _: "tester") as server:
        arguments = ("--url", server.url, "--only", "hop_skip_jump", "--attackers", 2, "--quick", "--format", "json")
        done = run(capsys, "validate", "--log", log, *LOOKS, *arguments)
    shown = json.loads(done.out)
    assert shown["attacked"] == {"what": server.url, "agreement": 1.0}
    assert shown["kinds"][0]["planted"] == 2
    assert shown["kinds"][0]["caught"] == 2
    assert len(asked.rows()) >= 2 * 200
    assert done.code in (0, 3)
