from pathlib import Path

import pytest

from caponier.detect.artifact import ArtifactDetector, Limits, Verdict
from caponier.detect.artifacts.unsafe_code import detector
from caponier.detect.registry import artifact_detectors
from caponier.emulate.registry import files
from caponier.matrix.versions.catalogue import resolve


def test_the_registry_finds_it() -> None:
    assert artifact_detectors()["unsafe_code"] is detector
    assert isinstance(detector, ArtifactDetector)


def test_every_technique_exists_atlas_first() -> None:
    refs = [resolve(technique) for technique in detector.techniques]
    assert refs[0].matrix == "atlas"
    assert {"Pickle Embedding", "ML Models from Compromised Sources"} <= {ref.name for ref in refs}


def test_emulations_and_controls_are_all_there_are() -> None:
    harmful = {name for name, emulation in files().items() if emulation.harmful}
    assert set(detector.emulations) == harmful
    assert set(detector.controls) == set(files()) - harmful


@pytest.mark.parametrize("name", [*detector.emulations, *detector.controls])
def test_it_calls_attacks_unsafe_and_controls_clean(name: str, tmp_path: Path) -> None:
    if name == "torch_checkpoints":
        pytest.importorskip("torch")
    canary = tmp_path / "canary"
    (tmp_path / "files").mkdir()
    paths = files()[name].write(tmp_path / "files", canary)
    wanted = Verdict.UNSAFE if files()[name].harmful else Verdict.CLEAN
    for path in paths:
        judgement = detector.judge(memoryview(path.read_bytes()), Limits())
        assert judgement.verdict is wanted, (path.name, judgement.reason)
    assert not canary.exists()


@pytest.mark.parametrize("name", [*detector.emulations])
def test_no_beginning_of_an_attack_is_judged_with_an_error(name: str, tmp_path: Path) -> None:
    for path in files()[name].write(tmp_path, tmp_path / "canary"):
        content = path.read_bytes()
        for end in range(0, len(content), max(1, len(content) // 25)):
            detector.judge(memoryview(content[:end]), Limits())
