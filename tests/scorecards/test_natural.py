"""How curves of copies are averaged, and turned into days of an account."""

import numpy as np
from bench.machinery.natural import A_DAY, Curve, mean, small

from caponier.emulate.campaign import exam_of
from caponier.emulate.victims.digits import DigitsSplit, Victim


def test_the_days_are_those_until_a_level_is_reached_first() -> None:
    curve = Curve("m", "scores", {A_DAY // 2: 0.8, A_DAY: 0.86, 4 * A_DAY: 0.84, 8 * A_DAY: 0.9})
    assert [curve.account_days(level) for level in (0.5, 0.85, 0.9)] == [0.5, 1.0, 8.0]
    # What is never reached takes longer than was asked.
    assert curve.account_days(0.99) == 8.0


def test_only_curves_of_one_kind_are_averaged() -> None:
    curves = [Curve("a", "scores", {1: 0.2}), Curve("b", "scores", {1: 0.9}), Curve("a", "scores", {1: 0.4})]
    assert [(one.model, round(one.reached[1], 3)) for one in mean(curves)] == [("a", 0.3), ("b", 0.9)]


def test_labels_alone_teach_a_copy_too(digits: tuple[DigitsSplit, Victim]) -> None:
    split, victim = digits
    asked = split.attackers.images[:100]
    curves = small(asked, victim.predict_proba(asked), exam_of(split.test, victim), 0)
    assert [curve.told for curve in curves] == ["scores", "labels"]
    assert all(curve.reached[100] > curve.reached[25] > 0.2 for curve in curves)
    assert [row["account_days"] for row in curves[0].rows()] == [n / A_DAY for n in curves[0].reached]
    assert np.allclose([row["agreement"] for row in curves[0].rows()], list(curves[0].reached.values()), atol=1e-3)
