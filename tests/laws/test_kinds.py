"""The laws that hold for detectors of every kind; what is special to events and data sets stands beside this file."""

from pathlib import Path

import pytest

from caponier.app.coverage.detectors import DetectorCard, DetectorKind, detectors
from caponier.detect.artifact import ArtifactDetector, Limits, Verdict
from caponier.detect.registry import artifact_detectors
from caponier.emulate.registry import files
from caponier.matrix.versions.catalogue import harms_of, resolve

ARTIFACTS = list(artifact_detectors().values())
PROOFS = [(detector, name) for detector in ARTIFACTS for name in detector.emulations]
CONTROLS = [(detector, name) for detector in ARTIFACTS for name in detector.controls]


def verdicts(detector: ArtifactDetector, name: str, folder: Path) -> set[Verdict]:
    """Judge all files of an emulation, and prove that none of them was loaded."""
    canary = folder / "canary"
    (folder / "files").mkdir()
    written = files()[name].write(folder / "files", canary)
    found = {detector.judge(memoryview(file.read_bytes()), Limits()).verdict for file in written}
    assert written
    assert not canary.exists()
    return found


@pytest.mark.parametrize("card", detectors(), ids=lambda card: card.name)
def test_id_every_technique_exists_and_the_2020_matrix_comes_last(card: DetectorCard) -> None:
    assert all(resolve(technique).name for technique in card.techniques)
    order = [technique.matrix == "amltm-2020" for technique in card.techniques]
    assert any(order)
    assert order == sorted(order)
    assert harms_of(card.techniques)


def test_id_there_are_detectors_of_every_kind() -> None:
    assert {card.kind for card in detectors()} == set(DetectorKind)


@pytest.mark.parametrize(("detector", "name"), PROOFS, ids=lambda value: getattr(value, "name", value))
def test_proof_every_harmful_file_is_unsafe(detector: ArtifactDetector, name: str, tmp_path: Path) -> None:
    assert files()[name].harmful
    assert verdicts(detector, name, tmp_path) == {Verdict.UNSAFE}


@pytest.mark.parametrize(("detector", "name"), CONTROLS, ids=lambda value: getattr(value, "name", value))
def test_proof_every_benign_file_is_clean(detector: ArtifactDetector, name: str, tmp_path: Path) -> None:
    assert not files()[name].harmful
    assert verdicts(detector, name, tmp_path) == {Verdict.CLEAN}
