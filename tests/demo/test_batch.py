"""The poisoned batch of a demo: only the account's rows are changed, and changed for real."""

import io

import numpy as np
import pytest

from caponier.demo.batch import SHARE_FLIPPED, SHARE_OF_ROWS, poisoned_batch
from caponier.demo.batch import test_set as pinned
from caponier.demo.theft import ACCOUNT
from caponier.emulate.victims.digits import DigitsSplit, load_digits_split


@pytest.fixture(scope="module")
def split() -> DigitsSplit:
    return load_digits_split(0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_only_rows_of_the_account_are_flipped(split: DigitsSplit, seed: int) -> None:
    batch = poisoned_batch(split, seed)
    mine = batch.sources == ACCOUNT
    assert mine.sum() == round(SHARE_OF_ROWS * len(batch.clean))
    assert batch.changed.sum() == round(SHARE_FLIPPED * mine.sum())
    assert not batch.changed[~mine].any()
    np.testing.assert_array_equal(batch.changed, batch.clean.labels != batch.poisoned.labels)
    np.testing.assert_array_equal(batch.clean.images, batch.poisoned.images)


def test_a_seed_fixes_the_batch(split: DigitsSplit) -> None:
    one, same, other = (poisoned_batch(split, seed) for seed in (3, 3, 4))
    assert one.after() == same.after()
    assert one.after() != other.after()


def test_the_files_hold_rows_labels_and_sources(split: DigitsSplit) -> None:
    batch = poisoned_batch(split, 0)
    for content, pool in ((batch.before(), batch.clean), (batch.after(), batch.poisoned)):
        file = np.load(io.BytesIO(content))
        np.testing.assert_array_equal(file["y"], pool.labels)
        np.testing.assert_array_equal(file["source"], batch.sources)


def test_no_row_of_the_test_set_is_in_the_batch(split: DigitsSplit) -> None:
    known = {row.tobytes() for row in poisoned_batch(split, 0).clean.images}
    assert not known & {row.tobytes() for row in np.load(io.BytesIO(pinned(split)))["x"]}
