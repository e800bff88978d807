"""From a first log over stale traffic to the next version of the model, as whoever watches over a model goes."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from caponier.emulate.images import Images
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import EPOCH, trace
from caponier.emulate.victims.digits import DigitsSplit, Victim, train_victim
from cli.command import Ran, run

pytestmark = pytest.mark.slow

UNIQUE, USERS = 50, 90
LOOKS = ("--kind", "image", "--shape", "8,8", "--range", "0,1")


@pytest.fixture(scope="module")
def logs(digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a day to learn from, another one, one through a lens out of focus, and little traffic of version 2."""
    split, victim = digits
    second = train_victim(split.train, split.test, 9)
    folder = tmp_path_factory.mktemp("life")

    def day(images: Images, n: int, seed: int, model: Victim, number: int) -> pa.Table:
        users = assemble(images, n, seed)
        return simulate(users, model.predict_proba, UNIQUE, begin=EPOCH + timedelta(days=number))

    def blurred(images: Images) -> Images:
        wide = images.reshape(-1, 8, 8)
        soft = sum(np.roll(wide, (dy, dx), (1, 2)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) / 9
        return soft.reshape(len(images), -1).astype(np.float32)

    def later(events: pa.Table) -> pa.Table:
        at = events.column_names.index("model_version")
        return events.set_column(at, events.schema.field(at), pa.array(["2"] * len(events)))

    originals = victim.understood(split.attackers)
    sneaky = trace(
        attacks.one("hop_skip_jump"), second.predict_proba, originals.images[0], int(originals.labels[0]), seed=1
    )
    tables = {
        "first": day(split.calibration.images, USERS, 1, victim, 0),
        "second": day(split.calibration.images, USERS, 2, victim, 1),
        "blurred": day(blurred(split.calibration.images), USERS, 3, victim, 1),
        "little": later(day(split.calibration.images, 12, 4, second, 2)),
        "attacked": later(pa.concat_tables([day(split.test.images, 30, 5, second, 3), sneaky.events])),
    }
    for name, events in tables.items():
        pq.write_table(events.sort_by("time"), folder / f"{name}.parquet")
    return folder


@pytest.fixture
def caponier(logs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(logs)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "300")

    def command(*arguments: object) -> Ran:
        return run(capsys, *arguments)

    return command


@pytest.fixture(scope="module")
def ran(logs: Path) -> list[Ran]:
    """What was run in the folder and is not run again."""
    return []


@pytest.fixture
def first(caponier: Any, ran: list[Ran]) -> Ran:
    if not ran:
        ran.append(
            caponier(
                *("baseline", "build", "first.parquet", "--out", "one.safetensors", *LOOKS),
                *("--picture", "one.svg"),
            )
        )
    (built,) = ran
    assert built.code == 0, built.err
    return built


def test_it_says_what_it_learned_and_draws_it(first: Ran, caponier: Any, logs: Path) -> None:
    assert f"learned from {USERS - first.err.count('was set aside')} callers" in first.err
    assert "at most 1% of benign callers" in first.err
    shown = caponier("baseline", "show", "one.safetensors", "--format", "json")
    (section,) = json.loads(shown.out)
    assert section["principals"] == USERS - first.err.count("was set aside")
    drawn = ElementTree.fromstring((logs / "one.svg").read_text())
    words = " ".join(drawn.itertext())
    assert "iterative_query" in words
    assert drawn.find("{http://www.w3.org/2000/svg}title") is not None, "for those who cannot see it"


def test_another_day_fits_and_one_out_of_focus_does_not(first: Ran, caponier: Any) -> None:
    assert caponier("baseline", "check", "one.safetensors", "second.parquet").code == 0
    stale = caponier("baseline", "check", "one.safetensors", "blurred.parquet")
    assert stale.code == 1
    assert "stale" in stale.out + stale.err
    scanned = caponier("scan", "inference", "blurred.parquet", "--baseline", "one.safetensors", "--format", "json")
    document = json.loads(scanned.out)
    assert [fit["stale"] for fit in document["baselines"]] == [True]
    assert all(finding["evidence"]["facts"].get("stale_baseline") for finding in document["findings"])


def test_a_new_version_starts_warm_and_finds_an_attack(first: Ran, caponier: Any) -> None:
    warm = caponier(
        *("baseline", "build", "little.parquet", "--out", "two.safetensors", "--from", "one.safetensors"),
        *LOOKS,
    )
    assert warm.code == 0, warm.err
    scanned = caponier("scan", "inference", "attacked.parquet", "--baseline", "two.safetensors", "--format", "json")
    found = json.loads(scanned.out)["findings"]
    names = {finding["subject"]["id"] for finding in found if finding["subject"]["kind"] == "principal"}
    attacker = pc.unique(pq.read_table("attacked.parquet")["principal"]).to_pylist()
    assert names & {name for name in attacker if name.startswith("attacker") or "hop_skip_jump" in name}
    assert "promise" not in {finding["evidence"]["basis"] for finding in found}, "so few allow none"
    compared = caponier("baseline", "compare", "one.safetensors", "two.safetensors")
    assert compared.code in (0, 1)
    assert "iterative_query" in compared.out + compared.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("baseline", "check", "first.parquet", "second.parquet"),
        ("baseline", "check", "one.safetensors", "nothing.parquet"),
        ("baseline", "compare", "one.safetensors", "first.parquet"),
        ("baseline", "build", "little.parquet", "--out", "x", "--from", "first.parquet"),
    ],
)
def test_what_is_no_baseline_or_no_log_is_a_clear_error(first: Ran, arguments: tuple[str, ...], caponier: Any) -> None:
    ran = caponier(*arguments)
    assert ran.code == 2
    assert "first.parquet" in ran.err or "nothing.parquet" in ran.err
    assert "Traceback" not in ran.err
    assert not Path("x").exists()
