from dataclasses import replace

import numpy as np
import pytest
from tests.detect.networks.opened import opened

from caponier.detect.model import ReadModel
from caponier.detect.models.weight_outlier import detector
from caponier.detect.networks.layers import Linear
from caponier.detect.networks.network import Network


def test_the_class_that_a_blended_trigger_opens_stands_out_without_rows() -> None:
    bad = opened()
    analysis = detector.analyse(replace(bad.read, samples=None))
    assert analysis.flagged
    assert analysis.target == bad.target
    assert 0 < analysis.confidence <= detector.max_confidence.cap


@pytest.mark.parametrize("seed", [51, 52, 53])
def test_no_class_of_a_clean_network_stands_out(seed: int) -> None:
    analysis = detector.analyse(opened(None, seed).read)
    assert not analysis.flagged
    assert analysis.silent is None


def linear(weight: np.ndarray) -> ReadModel:
    layer = Linear({"weight": weight.astype(np.float32), "bias": np.zeros(len(weight), np.float32)})
    return ReadModel(Network((layer,), {}), None, weight.shape[1])


def test_few_classes_and_numbers_that_are_none_are_told() -> None:
    assert "classes" in str(detector.analyse(linear(np.ones((3, 5)))).silent)
    assert "finite" in str(detector.analyse(linear(np.full((5, 5), np.nan))).silent)
    assert "finite" in str(detector.analyse(linear(np.full((5, 5), np.inf))).silent)


def test_classes_that_are_alike_do_not_stand_out() -> None:
    assert not detector.analyse(linear(np.ones((6, 4)))).flagged
    assert not detector.analyse(linear(np.zeros((6, 4)))).flagged


def test_one_feature_of_great_weight_stands_out() -> None:
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(6, 40))
    weight[2] *= 30
    assert detector.analyse(linear(weight)).target == 2
