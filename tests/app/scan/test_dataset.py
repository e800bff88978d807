import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from caponier.app.scan.dataset import judge, rows_digest, scan_dataset
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.poison import as_npz, flip, others
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import Pool, load_digits_split
from caponier.records.finding import Finding, Severity
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.rejections import RejectedRows


@pytest.fixture(scope="module")
def pool() -> Pool:
    return load_digits_split(51).train


def poisoned(pool: Pool, folder: Path) -> tuple[Path, np.ndarray]:
    bad = poisons()["uniform_flips"].apply(pool, 0.1, 51)
    (folder / "train.npz").write_bytes(as_npz(bad.pool))
    return folder / "train.npz", bad.changed


def test_a_finding_names_the_rows_and_the_label_that_they_should_have(pool: Pool, tmp_path: Path) -> None:
    path, changed = poisoned(pool, tmp_path)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    report = scan_dataset(path)
    (found,) = report.findings
    assert found.subject.kind == "row"
    assert found.subject.sha256 == report.sha256
    assert {row.id for row in report.suspicious} == set(found.subject.ids)
    assert np.mean([changed[int(row.id)] for row in report.suspicious]) >= 0.8
    right = [str(pool.labels[int(row.id)]) == row.suggested for row in report.suspicious if changed[int(row.id)]]
    assert np.mean(right) > 0.9
    assert all(row.given != row.suggested for row in report.suspicious)
    assert [row.score for row in report.suspicious] == sorted((row.score for row in report.suspicious), reverse=True)
    assert {technique.id for technique in found.techniques} >= {"AML.T0020", "AMLTM.EVADE.03.01", "AMLTM.EVADE.03.04"}
    assert "integrity" in found.harms
    assert found.first_time == datetime.fromtimestamp(1_700_000_000, UTC)
    assert Finding.from_dict(found.to_dict()) == found


def test_right_labels_are_no_finding(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "clean.npz").write_bytes(as_npz(pool))
    report = scan_dataset(tmp_path / "clean.npz")
    assert report.findings == []
    assert len(report.suspicious) <= 0.02 * len(pool)
    assert not report.skipped


def test_a_bad_source_has_a_finding_of_its_own(pool: Pool, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    sources = rng.integers(0, 5, len(pool))
    rows = np.flatnonzero(sources == 2)[::3]
    bad = flip(pool, rows, others(pool.labels[rows], rng))
    (tmp_path / "train.npz").write_bytes(as_npz(bad.pool, sources))
    kinds = [(found.subject.kind, found.subject.id) for found in scan_dataset(tmp_path / "train.npz").findings]
    assert kinds == [("row", "train.npz"), ("source", "2")]


def test_the_inventory_gives_system_and_severity_and_can_disable(pool: Pool, tmp_path: Path) -> None:
    path, _ = poisoned(pool, tmp_path)
    file = create_workspace(tmp_path / "home")
    text = file.read_text() + '\n[[system]]\nname = "post"\ncriticality = "critical"\ndatasets = ["train.npz"]\n'
    file.write_text(text)
    (found,) = scan_dataset(path, workspace=load_workspace(file)).findings
    assert (found.system, found.severity) == ("post", Severity.HIGH)
    file.write_text(text.replace("[detect]", '[detect]\ndisabled = ["label_noise"]'))
    assert scan_dataset(path, workspace=load_workspace(file)).findings == []


def test_the_id_of_a_finding_depends_on_the_rows_and_not_on_their_order(pool: Pool, tmp_path: Path) -> None:
    path, _ = poisoned(pool, tmp_path)
    one = read_dataset(path)
    other = one.rows(np.random.default_rng(0).permutation(len(one)))
    assert rows_digest(one) == rows_digest(other)
    assert rows_digest(one) != rows_digest(replace(one, y=np.roll(one.y, 1)))
    first, second = judge(one)[0].findings[0], judge(other)[0].findings[0]
    assert first.finding_id == second.finding_id
    assert set(first.subject.ids) == set(second.subject.ids)


def test_what_cannot_be_judged_is_listed(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[3] = np.nan
    np.savez(tmp_path / "few.npz", x=x, y=["a"] * 40)
    rejected = RejectedRows()
    report = scan_dataset(tmp_path / "few.npz", rejected=rejected)
    assert report.findings == []
    assert [skip.what for skip in report.skipped] == ["chaff_rows", "label_noise", "trigger_rows"]
    assert rejected.count == 1
    assert "only one class" in report.skipped[1].reason
