from dataclasses import replace
from pathlib import Path

import pytest

from app.planting.own_logs import inputs, table, written
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.plan import DetectionSettings
from caponier.app.inference.scan import scan_inference
from caponier.app.planting.scan import learn, scan_planted
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="numeric", shape=(3,))
STRICT, LAX = 1e-6, 0.02


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scan")


@pytest.fixture(scope="module")
def benign(folder: Path) -> Path:
    return written(folder, table(60, 210), "benign.parquet")


@pytest.fixture(scope="module")
def strange(folder: Path) -> Path:
    """Callers who ask what nobody asks."""
    far = list(inputs(400, 5) * [9, 90, 9] - [4, 0, 4])
    names = [f"stranger-{at % 2}" for at in range(400)]
    return written(folder, table(2, 200, input=far, principal=names), "strange.parquet")


def test_a_scan_says_what_scans_at_each_share_say(benign: Path, strange: Path) -> None:
    terms = DetectionSettings.of(None, build_baseline([benign], spec=SPEC).baseline)
    seen = scan_planted([benign, strange], terms, [STRICT, LAX])
    (section,) = terms.baseline.models if terms.baseline else ()
    for alpha, alarms in zip([STRICT, LAX], seen.alarms, strict=True):
        findings = scan_inference([benign, strange], Baseline((replace(section, alpha=alpha),))).findings
        own = {(one.detector, one.subject.id, one.last_time) for one in findings if one.subject.kind == "principal"}
        mine = {(one.detector, name) for one in alarms for name in one.accused}
        assert {(detector, subject) for detector, subject, _ in own} <= mine
        assert len(alarms) == len(findings)
        moments = sorted(one.moment for one in alarms)
        assert moments == sorted(round(one.last_time.timestamp() * 1e6) for one in findings)
    assert len(seen.alarms[1]) > 0
    assert set(seen.detectors) >= {one.detector for one in seen.alarms[1]}


def test_what_cannot_speak_is_told_once(benign: Path, strange: Path) -> None:
    terms = DetectionSettings.of(None, build_baseline([benign], spec=SPEC).baseline)
    seen = scan_planted([strange], terms, [STRICT, LAX])
    assert len([note for note in seen.notes if "sponge" in note]) == 1
    assert "sponge" not in seen.detectors


def test_what_is_learned_keeps_the_share_of_the_workspace(benign: Path, tmp_path: Path) -> None:
    file = create_workspace(tmp_path)
    file.write_text("[detect]\nalpha = 0.03\n")
    baseline, _ = learn(benign, SPEC, DetectionSettings.of(require_workspace(file)))
    assert [section.alpha for section in baseline.models] == [0.03]


def test_a_baseline_of_another_model_is_refused(strange: Path) -> None:
    with pytest.raises(InputError, match="knows nothing of the model"):
        scan_planted([strange], DetectionSettings.of(None, Baseline()), [LAX])
