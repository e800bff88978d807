from dataclasses import replace

import numpy as np
import orjson
import pytest
from tests.detect.networks.opened import Opened, opened
from tests.detect.networks.table_network import COLUMNS, TARGET, rows, table_network

from caponier.detect.model import ReadModel, Samples
from caponier.detect.models.trigger_search import MOST_WORK, _gap, _set_apart, detector
from caponier.detect.networks.column_settings import ColumnSetting
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


@pytest.fixture(scope="module")
def table() -> ReadModel:
    return read_table(COLUMNS, 8)


def read_table(opens: tuple[int, ...], classes: int) -> ReadModel:
    x, network = rows(0), table_network(opens, classes)
    return ReadModel(network, Samples(x, network.answers(x)), x.shape[1])


def test_columns_of_a_table_that_open_a_class_together_are_a_finding_that_names_them(table: ReadModel) -> None:
    said = detector.analyse(table)
    assert said.flagged
    assert said.target == TARGET
    assert said.facts["form"] == "patch"
    assert set(map(str, COLUMNS)) <= set(said.facts["columns"])
    assert "setting columns" in said.summary
    assert said.trigger is not None
    turned = table.network.answers(said.trigger.put_on(rows(1))) == TARGET
    assert turned.mean() >= 0.9
    assert orjson.loads(orjson.dumps(said.facts))["margin"] > 1


def test_a_clean_table_is_no_finding() -> None:
    said = detector.analyse(read_table((), 8))
    assert not said.flagged
    assert said.silent is None


@pytest.mark.parametrize("classes", [2, 3])
def test_of_two_and_three_classes_it_says_why_nothing_is_told(classes: int) -> None:
    network = table_network((), classes)
    few = ReadModel(network, Samples(rows(0), network.answers(rows(0))), 10)
    assert "harmless changes open a class" in str(detector.analyse(few).silent)


def test_four_classes_of_a_table_are_compared_by_what_they_cost() -> None:
    said = detector.analyse(read_table((), 4))
    assert "columns" not in said.facts
    assert not said.flagged


def test_of_five_or_six_classes_it_must_be_surer() -> None:
    def score(classes: int) -> float:
        made = [ColumnSetting(at, {0: 1.0, 1: 1.0}, 1.2 if at == 0 else 0.0, 0.0) for at in range(classes)]
        return _set_apart(made, rows(0), classes).score

    assert score(8) > 1 > score(6)
    assert _set_apart([], rows(0), 8).score == 0
