"""Columns are told by name: another order changes nothing, and one too few or too many is said."""

import csv
import random
from pathlib import Path
from typing import Any

import pytest

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import scan_inference

NAMES = ["age", "amount", "city", "days"]


def table(path: Path, names: list[str], n: int = 400, **changed: Any) -> Path:
    random.seed(3)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["timestamp", "user", *names, "prediction"])
        for at in range(n):
            row = {"age": random.randint(18, 90), "amount": round(random.random() * 1e4, 2), "city": "abc"[at % 3]}
            row |= {"days": random.choice([1, 2, ""]), "surplus": random.random(), **changed}
            minute, second = divmod(at, 60)
            stamp = f"2026-01-05T12:{minute:02d}:{second:02d}Z"
            out.writerow([stamp, f"u{at % 4}", *(row[name] for name in names), "yn"[at % 2]])
    return path


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return build_baseline([table(tmp_path_factory.mktemp("b") / "benign.csv", NAMES)]).baseline


def test_a_baseline_knows_its_columns_by_name(baseline: Any) -> None:
    (section,) = baseline.models
    assert [column.name for column in section.spec.columns] == NAMES
    assert section.spec.kind == "categorical"
    assert section.spec.categories == (2,)


@pytest.mark.parametrize("names", [NAMES[::-1], ["days", "age", "city", "amount"]])
def test_another_order_changes_no_finding(baseline: Any, tmp_path: Path, names: list[str]) -> None:
    straight = scan_inference([table(tmp_path / "a.csv", NAMES)], baseline)
    shuffled = scan_inference([table(tmp_path / "b.csv", names)], baseline)
    assert [one.finding_id for one in shuffled.findings] == [one.finding_id for one in straight.findings]
    assert not shuffled.rejected.count
    assert shuffled.fits.keys() == straight.fits.keys()


def test_an_extra_and_a_missing_column_are_told(baseline: Any, tmp_path: Path) -> None:
    report = scan_inference([table(tmp_path / "a.csv", ["surplus", "city", "age", "amount"])], baseline)
    said = "\n".join(report.rejected.told)
    assert "columns that the model takes and nobody logged: days" in said
    assert "columns that the model does not take are left out: surplus" in said
    assert not report.rejected.count
