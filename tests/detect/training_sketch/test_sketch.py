import numpy as np
import pytest

from caponier.detect.training_sketch.sketch import CANARIES, ROWS, SEAL, fits, holds, plain_rows, sketch
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.digests import row_keys

SPEC = FeatureSpec(kind="image", shape=(2, 2))
SALT = b"a salt of thirty-two bytes, no less"[:32]
SET = np.arange(40, dtype=np.float64).reshape(10, 2, 2) / 7


def keys(rows: np.ndarray, salt: bytes = SALT) -> np.ndarray:
    """Return the digests that the engine gives logged inputs: of float32, in the model's dtype."""
    return row_keys(rows.reshape(len(rows), -1).astype(np.float32).astype(SPEC.dtype), salt)


def test_every_row_is_found_and_no_other() -> None:
    made = sketch(SET, SPEC, SALT)
    assert holds(made, keys(SET)).all()
    assert not holds(made, keys(SET + 0.01)).any()


def test_float64_rows_are_those_of_a_log_in_float32() -> None:
    assert holds(sketch(SET, SPEC, SALT), keys(SET.astype(np.float32))).all()


def test_rows_count_once_and_lie_in_order() -> None:
    made = sketch(np.concatenate([SET, SET]), SPEC, SALT)
    assert len(made[ROWS]) == len(SET)
    assert (np.diff(made[ROWS].astype(object)) > 0).all()


def test_no_key_is_no_input() -> None:
    assert not holds({ROWS: np.zeros(1, np.uint64)}, np.zeros(3, np.uint64)).any()


def test_without_a_sketch_nothing_is_held() -> None:
    assert not holds({}, keys(SET)).any()
    assert not holds({ROWS: np.zeros(0, np.uint64)}, keys(SET)).any()


def test_another_salt_is_noticed_and_finds_nothing() -> None:
    made = sketch(SET, SPEC, SALT)
    assert fits(made, SALT)
    assert not fits(made, b"another salt")
    assert not fits({}, SALT)
    assert not holds(made, keys(SET, b"another salt")).any()


def test_it_holds_digests_alone() -> None:
    made = sketch(SET, SPEC, SALT)
    assert set(made) == {ROWS, SEAL}
    assert {array.dtype for array in made.values()} == {np.dtype(np.uint64)}


def test_without_a_salt_there_is_none() -> None:
    with pytest.raises(InputError, match="needs a salt"):
        sketch(SET, SPEC, b"")


def test_an_empty_training_set_is_refused() -> None:
    with pytest.raises(InputError, match="no values"):
        sketch(SET[:0], SPEC, SALT)


def test_rows_of_another_size_are_refused() -> None:
    with pytest.raises(InputError, match="have 3 values, and the model takes 4"):
        sketch(np.zeros((5, 3)), SPEC, SALT)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e300])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="no numbers"):
        sketch(np.full((1, 4), wrong), SPEC, SALT)


def test_canaries_are_held_apart() -> None:
    made = sketch(SET[:6], SPEC, SALT, SET[6:])
    assert holds(made, keys(SET)).tolist() == [True] * 6 + [False] * 4
    assert holds(made, keys(SET), CANARIES).tolist() == [False] * 6 + [True] * 4
    assert CANARIES not in sketch(SET, SPEC, SALT)


def test_canaries_alone_make_a_sketch() -> None:
    made = sketch(None, SPEC, SALT, SET)
    assert fits(made, SALT)
    assert not holds(made, keys(SET)).any()
    assert holds(made, keys(SET), CANARIES).all()


def test_a_canary_that_is_a_training_row_is_refused() -> None:
    with pytest.raises(InputError, match="2 of 4 canaries are rows of the training set"):
        sketch(SET[:8], SPEC, SALT, SET[6:])


@pytest.mark.parametrize("wrong", [np.zeros((3, 5)), np.zeros((0, 4)), np.full((2, 4), np.nan)])
def test_what_is_no_canary_is_refused_by_name(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="file of canaries"):
        sketch(SET, SPEC, SALT, wrong)


def test_plain_rows_are_inputs_of_a_log() -> None:
    rows = plain_rows(SET, SPEC)
    assert rows.shape == (10, 4)
    assert rows.dtype == np.float32
