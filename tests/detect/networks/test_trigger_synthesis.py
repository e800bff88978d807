import numpy as np
import pytest
from tests.detect.networks.opened import opened

from caponier.detect.networks.network import loss_gradient
from caponier.detect.networks.trigger_synthesis import Form, synthesise


@pytest.mark.parametrize("form", ["patch", "overlay"])
def test_the_change_turns_rows_that_it_was_not_made_on(form: Form) -> None:
    bad = opened()
    x = bad.samples.x
    (made,) = synthesise(bad.network, x, bad.network.answers(x), form, picture=True, targets=np.array([bad.target]))
    assert made.target == bad.target
    others = bad.split.attackers.images[bad.split.attackers.labels != bad.target]
    marked = made.put_on(others)
    assert (bad.network.answers(marked) == bad.target).mean() >= 0.8
    assert marked.min() >= x.min() - 1e-6
    assert marked.max() <= x.max() + 1e-6


def test_the_same_rows_give_the_same_change() -> None:
    bad = opened()
    x = bad.samples.x
    first, second = (
        synthesise(bad.network, x, bad.network.answers(x), "patch", picture=True, steps=20) for _ in range(2)
    )
    assert [one.cost for one in first] == [one.cost for one in second]
    assert [type(one.target) for one in first] == [int] * 10


def test_a_class_that_all_rows_have_is_left_out() -> None:
    bad = opened()
    x = bad.samples.x
    made = synthesise(bad.network, x, np.full(len(x), 3), "patch", picture=True, steps=1)
    assert 3 not in [one.target for one in made]


def test_the_gradient_is_that_of_the_mean_loss() -> None:
    scores = np.array([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]], np.float32)
    gradient = loss_gradient(scores, np.array([1, 0]))
    assert gradient.sum(1) == pytest.approx([0, 0], abs=1e-6)
    assert gradient[1] == pytest.approx([-1 / 3, 1 / 6, 1 / 6], abs=1e-6)
