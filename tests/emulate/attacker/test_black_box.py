import numpy as np

from caponier.emulate.attacker.black_box import classifier, evasion, picture_classifier, seeded
from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import Images


def test_the_toolbox_loads_in_silence() -> None:
    """Warnings are errors in this suite, and the toolbox has many."""
    assert evasion().HopSkipJump.__name__ == "HopSkipJump"


def test_rows_go_one_at_a_time_in_float32() -> None:
    seen = []

    def predict(rows: Images) -> Images:
        seen.append((rows.shape, rows.dtype))
        return np.eye(10, dtype=np.float32)[:1]

    oracle = Oracle(predict, np.zeros(64, np.float32), 0, budget=4)
    oracle.answer(oracle.original)
    classifier(oracle).predict(np.zeros((3, 64), np.float32), batch_size=1)
    assert seen == [((1, 64), np.float32)] * 4


def test_nobody_pays_twice_for_the_same_picture() -> None:
    def predict(rows: Images) -> Images:
        return np.eye(10, dtype=np.float32)[[int(rows[0, 0] * 9)]]

    oracle = Oracle(predict, np.zeros(64, np.float32), 0, budget=10)
    oracle.answer(oracle.original)
    pictures = np.zeros((4, 8, 8, 1), np.float32)
    pictures[1::2] = 1.0
    estimator = picture_classifier(oracle, (8, 8, 1))
    for _ in range(2):
        assert estimator.predict(pictures, batch_size=4).argmax(axis=1).tolist() == [0, 9, 0, 9]
    assert oracle.queries == 3


def test_a_seed_fixes_the_global_generator_and_gives_it_back() -> None:
    np.random.seed(1)
    expected = np.random.random(2)
    np.random.seed(1)
    first = np.random.random()
    with seeded(5):
        inside = np.random.random()
    with seeded(5):
        again = np.random.random()
    assert inside == again
    assert np.array_equal([first, np.random.random()], expected)


def test_a_seed_may_be_large() -> None:
    with seeded(2**40 + 3):
        pass
