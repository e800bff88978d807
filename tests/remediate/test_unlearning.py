import numpy as np
import pytest
from tests.detect.networks.opened import Opened, opened, samples

from caponier.detect.models.trigger_search import detector
from caponier.remediate.unlearning import Method, again, prune, repaired

NATURAL = {"patch": 4.0, "overlay": 1.3}


@pytest.fixture(scope="module")
def bad() -> Opened:
    return opened()


def test_unlearning_shuts_the_attackers_own_trigger(bad: Opened) -> None:
    assert bad.target is not None
    rows = samples(bad.split.test, 300)
    old = bad.network
    new = repaired(old, rows.x, rows.labels, bad.target, Method.UNLEARN, picture=True, natural=NATURAL)
    assert bad.success(old) >= 0.9
    assert bad.success(new) <= 0.05
    assert bad.accuracy(new) >= bad.accuracy(old) - 0.02
    assert not detector.analyse(bad.read.__class__(new, bad.samples, 64)).flagged


def test_fine_tuning_leaves_it_open_and_the_old_network_as_it_is(bad: Opened) -> None:
    assert bad.target is not None
    rows, old = samples(bad.split.test, 300), bad.network
    before = old.scores(rows.x)
    new = repaired(old, rows.x, rows.labels, bad.target, Method.FINE_TUNE, picture=True, natural=NATURAL)
    assert bad.success(new) > 0.5
    assert (old.scores(rows.x) == before).all()


def test_pruning_silences_units_that_are_not_missed(bad: Opened) -> None:
    rows, new = samples(bad.split.test, 300), bad.network.copy()
    silenced = prune(new, rows.x, rows.labels)
    assert silenced > 0
    assert (new.last.tensors["weight"] == 0).all(0).sum() == silenced
    assert (new.answers(rows.x) == rows.labels).mean() >= (bad.network.answers(rows.x) == rows.labels).mean() - 0.01


def test_what_still_opens_a_class_is_made_in_both_forms(bad: Opened) -> None:
    assert bad.target is not None
    made = again(bad.network, bad.samples.x, bad.target, picture=True, seed=0)
    assert {one.form for one in made} == {"patch", "overlay"}
    assert all(np.isfinite(one.cost) for one in made)
