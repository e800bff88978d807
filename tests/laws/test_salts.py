"""What a detector learns and finds is the same in every workspace: a salt hides inputs, and it decides nothing."""

from dataclasses import replace

import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params, Signal
from caponier.detect.rarity import dependence_tree
from caponier.detect.registry import event_detectors
from caponier.detect.training_sketch.sketch import ROWS
from caponier.engines.subjects import SubjectPass
from laws.bad_detectors import Counter
from laws.runs import BENIGN
from laws.streams import ENCODER, TYPICAL

DETECTORS = [*event_detectors().values(), Counter()]
SALTS = (b"", b"one", b"another")


def keyed(batch: EventBatch, salt: bytes) -> EventBatch:
    """Return the same events as they are in a workspace with another salt."""
    shift = np.random.default_rng(list(salt)).integers(1, 2**63, dtype=np.uint64)
    return replace(batch, key=np.where(batch.key == 0, batch.key, (batch.key ^ shift) | np.uint64(1)))


def learned_under_salts(detector: EventDetector) -> list[Params]:
    return [detector.fit(keyed(BENIGN, salt)) for salt in SALTS]


def check_salts(detector: EventDetector) -> None:
    first, *others = learned_under_salts(detector)
    for other in others:
        assert first.keys() == other.keys()
        assert all(np.array_equal(first[name], other[name]) for name in first)


class Choosy(Counter):
    """Bad on purpose: learns from the query with the least digest."""

    def fit(self, benign: EventBatch) -> Params:
        queries, _ = benign.queries()
        return {"chosen": queries.query[np.argmin(queries.key)]}


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_what_is_learned_does_not_depend_on_the_salt(detector: EventDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    # Few learners, so that they are chosen out of many.
    monkeypatch.setattr(dependence_tree, "LEARNERS", 100)
    check_salts(detector)


def test_a_detector_that_chooses_by_digests_is_caught() -> None:
    with pytest.raises(AssertionError):
        check_salts(Choosy())


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_scores_do_not_depend_on_the_salt(detector: EventDetector) -> None:
    found = []
    for salt in SALTS:
        # A sketch of a training set is made with the salt of its workspace. So are the planes that tell near rows, and
        # where they lie does depend on it.
        (plain,) = SubjectPass(ENCODER, [], salt).run(TYPICAL.batches([]))
        trained = {ROWS: np.unique(plain.batch.key[plain.rows[::2]])} if Signal.TRAINING_SET in detector.needs else {}
        params = {**detector.fit(BENIGN), **trained}
        (part,) = SubjectPass(ENCODER, [(detector, params)], salt).run(TYPICAL.batches([]))
        found.append(part.scores[detector.name].tolist())
    assert found[0] == found[1] == found[2]
