from pathlib import Path

import pytest

from caponier.app.coverage.detectors import DetectorKind, detectors, emulations
from caponier.app.progress import Silent
from caponier.app.validate.lab.proving_ground import ProvingGround, Scale
from caponier.app.validate.proofs.models import prove_models
from caponier.app.validate.proofs.proof import Pair
from caponier.emulate.poison import Poisoned
from caponier.emulate.registry import poisons


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0])
def test_each_detector_of_models_is_proven_on_every_poison_that_it_names(seed: int, tmp_path: Path) -> None:
    known = {card.name: card for card in emulations()}
    pairs = [
        Pair(card, known[name]) for card in detectors() if card.kind is DetectorKind.MODEL for name in card.emulations
    ]
    runs = list(prove_models(pairs, ProvingGround(tmp_path, seed, Scale(seeds=(seed,))), Silent()))
    assert {(run.pair.detector.name, run.pair.emulation.name) for run in runs} == {
        ("trigger_search", "corner_backdoor"),
        ("trigger_search", "blended_backdoor"),
        ("weight_outlier", "blended_backdoor"),
    }
    for run in runs:
        assert run.succeeded
        assert run.detected, run.figures
        assert {check.flagged for check in run.controls.values()} == {0}


def test_a_poison_without_a_trigger_opens_nothing(tmp_path: Path) -> None:
    from caponier.app.validate.proofs.models import _success, _trained

    ground = ProvingGround(tmp_path, 0, Scale(seeds=(0,)))
    flips = poisons()["uniform_flips"].apply(ground.split.train, 0.1, 0)
    assert isinstance(flips, Poisoned)
    assert _success(_trained(ground.split.train, 0), flips, ground.split.test) == 0.0
