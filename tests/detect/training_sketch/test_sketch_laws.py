"""A sketch of a training set answers one question about a row, and only to whoever has the salt."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from caponier.detect.calibration.baseline import Baseline, DetectorBaseline
from caponier.detect.training_sketch.sketch import ROWS, SEAL, fits, holds, sketch
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.digests import row_keys
from detect.calibration.test_baseline import ranks, saved, section

WIDTH = 3
finite = st.floats(-1e6, 1e6, width=32)
sets = st.integers(1, 12).flatmap(lambda n: arrays(np.float32, (n, WIDTH), elements=finite)).map(lambda rows: rows + 0)
salts = st.binary(min_size=1, max_size=40)
SPEC = FeatureSpec(kind="numeric", shape=(WIDTH,))
few = settings(max_examples=40, deadline=None)


def keys(rows: Any, salt: bytes) -> Any:
    return row_keys(np.ascontiguousarray(rows, np.float32).astype(SPEC.dtype), salt)


@few
@given(rows=sets, others=sets, salt=salts)
def test_it_holds_the_rows_of_the_set_and_no_others(rows: Any, others: Any, salt: bytes) -> None:
    made = sketch(rows, SPEC, salt)
    assert holds(made, keys(rows, salt)).all()
    own = {row.tobytes() for row in rows}
    strangers = [row.tobytes() not in own for row in others]
    assert not holds(made, keys(others, salt))[strangers].any()


@few
@given(rows=sets, salt=salts, data=st.data())
def test_order_repeats_and_shape_are_not_in_it(rows: Any, salt: bytes, data: st.DataObject) -> None:
    made = sketch(rows, SPEC, salt)
    order = data.draw(st.permutations(range(len(rows))))
    mixed = sketch(np.concatenate([rows[order], rows[:1]]).reshape(-1, WIDTH, 1), SPEC, salt)
    assert np.array_equal(made[ROWS], mixed[ROWS])
    assert np.array_equal(made[SEAL], mixed[SEAL])


@few
@given(rows=sets, salt=salts, other=salts)
def test_without_the_salt_nobody_finds_a_row(rows: Any, salt: bytes, other: bytes) -> None:
    made = sketch(rows, SPEC, salt)
    assert fits(made, salt)
    assert fits(made, other) == (salt == other)
    if salt != other:
        assert not holds(made, keys(rows, other)).any()


@few
@given(rows=sets, salt=salts)
def test_its_size_says_how_many_rows_there_are_and_its_values_nothing(rows: Any, salt: bytes) -> None:
    made = sketch(rows, SPEC, salt)
    assert made.keys() == {ROWS, SEAL}
    assert made[ROWS].shape == (len({row.tobytes() for row in rows}),)
    assert (np.diff(made[ROWS].astype(object)) > 0).all()
    assert not np.isin(made[ROWS], rows.view(np.uint32).astype(np.uint64)).any()


@few
@given(rows=sets, salt=salts)
def test_the_type_that_the_set_was_kept_in_does_not_matter(rows: Any, salt: bytes) -> None:
    assert np.array_equal(sketch(rows, SPEC, salt)[ROWS], sketch(rows.astype(np.float64), SPEC, salt)[ROWS])


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64, np.bool_])
def test_whole_numbers_are_numbers(kind: Any) -> None:
    rows = np.array([[0, 1, 1], [1, 0, 1]], kind)
    assert holds(sketch(rows, SPEC, b"s"), keys(rows, b"s")).all()


@pytest.mark.parametrize(
    "rows",
    [
        np.array([["1", "2", "3"]]),
        np.array([[1, "two", None]], dtype=object),
        np.ones((2, WIDTH), np.complex64),
        np.array([["2026-01-05"] * WIDTH], dtype="datetime64[D]"),
        np.array([(1.0, 2)], dtype=[("a", float), ("b", int)]),
    ],
    ids=["texts", "objects", "complex", "dates", "records"],
)
def test_what_holds_no_numbers_is_refused(rows: Any) -> None:
    with pytest.raises(InputError, match="no numbers"):
        sketch(rows, SPEC, b"s")


@pytest.mark.parametrize("rows", [np.float32(3.0), np.ones(WIDTH, np.float32)], ids=["a number", "a row"])
def test_what_is_no_table_is_refused(rows: Any) -> None:
    with pytest.raises(InputError, match="must be a table"):
        sketch(np.asarray(rows), SPEC, b"s")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e39])
def test_one_value_that_is_no_number_spoils_it(wrong: float) -> None:
    rows = np.ones((5, WIDTH))
    rows[3, 1] = wrong
    with pytest.raises(InputError, match="no numbers"):
        sketch(rows, SPEC, b"s")


@few
@given(
    held=st.lists(st.integers(1, 50), max_size=20, unique=True).map(sorted),
    asked=st.lists(st.integers(0, 60), max_size=30),
)
def test_looking_up_is_being_a_member(held: list[int], asked: list[int]) -> None:
    made = {ROWS: np.array(held, np.uint64)}
    found = holds(made, np.array(asked, np.uint64))
    assert found.tolist() == [key in held for key in asked]


def test_the_ends_of_the_range_are_found() -> None:
    largest = np.iinfo(np.uint64).max
    made = {ROWS: np.array([1, largest], np.uint64)}
    assert holds(made, np.array([0, 1, 2, largest - 1, largest], np.uint64)).tolist() == [
        False,
        True,
        False,
        False,
        True,
    ]


def test_it_survives_the_baseline_file(tmp_path: Any) -> None:
    rows = np.random.default_rng(0).random((20, WIDTH), dtype=np.float32)
    learned = DetectorBaseline(1, dict(sketch(rows, SPEC, b"salt")), ranks())
    file = saved(tmp_path, Baseline((_with(learned),)).to_bytes())
    (read,) = Baseline.load(file).models
    params = read.detectors["membership_probe"].params
    assert fits(params, b"salt")
    assert holds(params, keys(rows, b"salt")).all()
    assert b"salt" not in file.read_bytes().replace(SEAL.encode(), b"")


def _with(learned: DetectorBaseline) -> Any:
    from dataclasses import replace

    return replace(section(), detectors={"membership_probe": learned})
