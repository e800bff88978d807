from dataclasses import replace

import numpy as np
import orjson
import pytest
from tests.detect.networks.opened import Opened, opened

from caponier.detect.model import ReadModel, Samples
from caponier.detect.models.trigger_search import MOST_WORK, _gap, detector
from caponier.detect.networks.layers import Linear
from caponier.detect.networks.network import Network
from caponier.detect.networks.trigger_synthesis import Synthesised


@pytest.fixture(scope="module")
def bad() -> Opened:
    return opened()


def test_the_backdoor_is_found_and_its_trigger_works_on_other_rows(bad: Opened) -> None:
    analysis = detector.analyse(bad.read)
    assert analysis.flagged
    assert analysis.target == bad.target
    assert analysis.trigger is not None
    others = bad.split.attackers.images[bad.split.attackers.labels != bad.target]
    assert (bad.network.answers(analysis.trigger.put_on(others)) == bad.target).mean() >= 0.6
    assert orjson.loads(orjson.dumps(analysis.facts))["class"] == bad.target


@pytest.mark.parametrize("seed", [51, 52, 53])
def test_nothing_is_found_in_a_clean_network(seed: int) -> None:
    assert not detector.analyse(opened(None, seed).read).flagged


def test_the_same_answer_every_time_and_the_network_stays_as_it_is(bad: Opened) -> None:
    read = bad.read
    before = [layer.tensors["weight"].copy() for layer in read.network.layers if layer.tensors]
    assert detector.analyse(read).score == detector.analyse(read).score
    after = [layer.tensors["weight"] for layer in read.network.layers if layer.tensors]
    assert all((one == other).all() for one, other in zip(before, after, strict=True))


def test_without_rows_or_with_few_it_says_so(bad: Opened) -> None:
    read = bad.read
    assert "--samples" in str(detector.analyse(replace(read, samples=None)).silent)
    few = Samples(bad.samples.x[:12], bad.samples.labels[:12], (8, 8))
    assert "20 samples" in str(detector.analyse(replace(read, samples=few)).silent)


def test_of_few_classes_more_is_asked() -> None:
    costs = [2.0, *np.linspace(9.0, 12.0, 9)]
    made = [Synthesised(at, "patch", *(np.zeros(4, np.float32),) * 4, cost, 1.0) for at, cost in enumerate(costs)]
    assert _gap(made, "patch").score > 1 > _gap(made[:5], "patch").score
    assert _gap(made[:3], "patch").score == 0


def test_a_wide_gap_makes_up_for_classes_that_lie_far_apart_and_not_the_other_way_round() -> None:
    def gap(costs: list[float]) -> float:
        made = [Synthesised(at, "patch", *(np.zeros(4, np.float32),) * 4, cost, 1.0) for at, cost in enumerate(costs)]
        return _gap(made, "patch").score

    assert gap([4.0, *np.geomspace(14, 50, 9)]) > 1
    assert gap([4.0, *np.geomspace(7, 50, 9)]) < 1
    assert gap([4.0, *np.linspace(7, 7.1, 9)]) < 1


def test_numbers_that_are_none_are_no_clean_network(bad: Opened) -> None:
    weight = np.full((10, 64), np.nan, np.float32)
    broken = Network((Linear({"weight": weight, "bias": np.zeros(10, np.float32)}),), {})
    assert "finite" in str(detector.analyse(ReadModel(broken, bad.samples, 64)).silent)


def test_a_network_that_would_take_hours_is_left_out(bad: Opened) -> None:
    width = round((MOST_WORK / 64) ** 0.5) + 1
    weight = np.zeros((width, 64), np.float32)
    large = Network((Linear({"weight": weight, "bias": np.zeros(width, np.float32)}),), {})
    assert "take too long" in str(detector.analyse(ReadModel(large, bad.samples, 64)).silent)
