import numpy as np

from caponier.detect.dataset import DatasetDetector, lots
from caponier.detect.datasets import label_noise
from caponier.detect.registry import dataset_detectors
from caponier.emulate.registry import harmless_sets, poisons
from caponier.matrix.versions.catalogue import resolve


def test_every_detector_is_found_under_the_name_of_its_file() -> None:
    found = dataset_detectors()
    assert found["label_noise"] is label_noise.detector
    assert all(isinstance(detector, DatasetDetector) for detector in found.values())


def test_what_detectors_name_exists() -> None:
    for detector in dataset_detectors().values():
        assert all(resolve(technique).name for technique in detector.techniques)
        assert set(detector.emulations) <= set(poisons())
        assert set(detector.controls) <= set(harmless_sets())


def test_lots_follow_the_row_and_not_its_place() -> None:
    ids = tuple(f"row-{n}" for n in range(500))
    drawn = lots(ids, "folds")
    order = np.random.default_rng(0).permutation(500)
    assert np.array_equal(lots(tuple(ids[n] for n in order), "folds"), drawn[order])
    assert len(np.unique(drawn)) == 500


def test_lots_of_two_purposes_are_independent() -> None:
    ids = tuple(str(n) for n in range(4000))
    same = (lots(ids, "one") % np.uint64(4)) == (lots(ids, "two") % np.uint64(4))
    assert 0.2 < same.mean() < 0.3
