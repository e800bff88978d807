import numpy as np

from caponier.emulate.controls.clients.retrier import Retrier
from caponier.emulate.images import Images
from emulate.controls.clients.asked import rows


def runs(sent: Images) -> np.ndarray:
    """How often each request was sent in a row."""
    new = np.r_[True, (np.diff(sent, axis=0) != 0).any(axis=1)]
    return np.diff(np.r_[np.flatnonzero(new), len(sent)])


def test_repeats_are_two_to_four_in_a_row(pool: Images) -> None:
    assert set(runs(rows(Retrier(), pool))) == {1, 2, 3, 4}


def test_repeats_are_now_and_then(pool: Images) -> None:
    assert 0.08 < (runs(rows(Retrier(), pool, 1000)) > 1).mean() < 0.22


def test_repeats_are_the_same_bytes(pool: Images) -> None:
    sent = rows(Retrier(share=1), pool, 10)
    assert len({row.tobytes() for row in sent}) == 10
    assert len(sent) > 20


def test_without_a_share_nothing_repeats(pool: Images) -> None:
    assert len(rows(Retrier(share=0), pool, 100)) == 100
