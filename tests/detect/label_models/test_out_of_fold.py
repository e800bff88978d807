import numpy as np

from caponier.detect.label_models.out_of_fold import FOLDS, OutOfFold, _scaled


def folds(n: int) -> np.ndarray:
    return np.arange(n) % FOLDS


def two_moons(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, n)
    angle = rng.uniform(0, np.pi, n) + np.pi * y
    x = np.stack([np.cos(angle) + y, np.sin(angle) + 0.4 * y], axis=1) + rng.normal(0, 0.08, (n, 2))
    return x, y


def test_it_learns_what_no_line_divides() -> None:
    x, y = two_moons(400)
    p = OutOfFold(x, y, 2, folds(400)).probabilities(np.ones(400, bool))
    assert (p.argmax(axis=1) == y).mean() > 0.97
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)


def test_a_row_never_sees_its_own_label() -> None:
    x, y = two_moons(200)
    everyone = np.ones(200, bool)
    before = OutOfFold(x, y, 2, folds(200))
    other = y.copy()
    other[7] = 1 - y[7]
    after = OutOfFold(x, other, 2, folds(200))
    # What is chosen by likelihood may move a little; the label itself must not turn the answer.
    assert before.probabilities(everyone)[7].argmax() == after.probabilities(everyone)[7].argmax() == y[7]


def test_rows_that_are_not_trusted_teach_nothing() -> None:
    x, y = two_moons(300)
    wrong = np.random.default_rng(2).permutation(300)[:90]
    given = y.copy()
    given[wrong] = 1 - y[wrong]
    trusted = np.ones(300, bool)
    trusted[wrong] = False
    model = OutOfFold(x, given, 2, folds(300))
    sure = model.probabilities(trusted)[np.arange(300), y].mean()
    misled = model.probabilities(np.ones(300, bool))[np.arange(300), y].mean()
    assert sure > misled + 0.1
    assert (model.probabilities(trusted).argmax(axis=1) == y).mean() > 0.97


def test_ranks_do_not_mind_any_rising_scale() -> None:
    x = np.random.default_rng(3).normal(size=(100, 3))
    assert np.allclose(_scaled(x, ranked=True), _scaled(np.exp(5 * x), ranked=True))


def test_a_constant_column_says_nothing() -> None:
    x, y = two_moons(120)
    padded = np.concatenate([x, np.full((120, 2), 9.0)], axis=1)
    assert (_scaled(padded, ranked=True)[:, 2:] == 0).all()
    p = OutOfFold(padded, y, 2, folds(120)).probabilities(np.ones(120, bool))
    assert np.isfinite(p).all()


def test_equal_rows_are_no_reason_to_fail() -> None:
    x, y = np.zeros((64, 3)), np.arange(64) // 8 % 2
    assert np.isfinite(OutOfFold(x, y, 2, folds(64)).probabilities(np.ones(64, bool))).all()
