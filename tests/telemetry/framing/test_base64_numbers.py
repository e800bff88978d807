"""Bytes of arrays in base64: the type of their numbers is told by what they hold, or by how many there are."""

import base64
import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caponier.telemetry.framing.base64_numbers import MOST, kind_of, numbers_of
from telemetry.conftest import reading
from telemetry.field_maps.test_guess import written

START = 1_767_614_400
DRAW = np.random.default_rng(5)


def text(held: Any, kind: str) -> str:
    return base64.b64encode(np.asarray(held).astype(kind).tobytes()).decode()


FLOATS = DRAW.normal(size=(40, 24))
WHOLE = DRAW.integers(0, 200, size=(40, 24))
PIXELS = DRAW.integers(0, 256, size=(40, 144))


@pytest.mark.parametrize("held", [FLOATS, WHOLE, np.where(WHOLE > 100, 0, FLOATS)], ids=["normal", "whole", "sparse"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_floats_are_told_by_what_they_hold(held: Any, kind: str) -> None:
    values = [text(row, kind) for row in held]
    assert kind_of(values) == kind
    assert np.allclose([numbers_of(value, kind) for value in values], held)


def test_how_many_there_are_tells_one_type_of_floats_from_the_other() -> None:
    halves = np.ones((40, 24))
    halves[:, 0] = np.arange(40)
    assert kind_of([text(row, "float32") for row in halves], [24]) == "float32"
    assert kind_of([text(row, "float64") for row in halves], [24]) == "float64"


@pytest.mark.parametrize("sizes", [[144], [12, 12], [4, 12, 3], [[12, 12]], [[1, 12, 12]], [1, 12, 12]])
def test_bytes_are_told_by_how_many_there_are(sizes: list[Any]) -> None:
    assert kind_of([text(row, "uint8") for row in PIXELS], sizes) == "uint8"


@pytest.mark.parametrize("sizes", [[], [100], [12, 11], ["12", 12], [True, 144.0], [[]], [[12, "12"]]])
def test_bytes_of_which_nothing_says_how_many_there_are_may_be_anything(sizes: list[Any]) -> None:
    assert kind_of([text(row, "uint8") for row in PIXELS], sizes) is None


def test_digests_and_packed_files_are_no_numbers() -> None:
    digests = [base64.b64encode(hashlib.sha512(bytes([at])).digest()).decode() for at in range(40)]
    packed = [base64.b64encode(gzip.compress(bytes([at]) * 40)).decode() for at in range(40)]
    assert kind_of(digests) is None
    assert kind_of(packed) is None


def test_numbers_that_are_written_as_text_are_no_bytes_of_floats() -> None:
    texts = [f"5.1,3.5,1.4,0.2,{at % 10}.{at % 7},{at}.25,1.5,2.5,3.5255" for at in range(10, 50)]
    rows = [base64.b64encode(one.encode()).decode() for one in texts]
    assert kind_of(rows, [len(base64.b64decode(rows[0]))]) is None


def test_few_arrays_others_lengths_and_what_is_the_same_in_all_tell_nothing() -> None:
    values = [text(row, "float32") for row in FLOATS]
    assert kind_of(values[:10]) is None
    assert kind_of([*values[:-1], text(FLOATS[0, :9], "float32")]) is None
    assert kind_of(values[:1] * 40) is None
    assert kind_of([*values[:-1], "no base64!"]) is None


@pytest.mark.parametrize("value", [None, 5, "", "a", "AAA=", "ÄÖ", "A" * (2 * MOST + 4)])
def test_what_is_no_array_has_no_numbers(value: Any) -> None:
    assert numbers_of(value, "float32") is None


def test_the_alphabet_of_addresses_and_addresses_of_data_are_read() -> None:
    plain = base64.b64encode(bytes([251, 255, 254, 0])).decode()
    assert numbers_of(plain, "uint8") == [251, 255, 254, 0]
    assert numbers_of(plain.replace("+", "-").replace("/", "_"), "uint8") == [251, 255, 254, 0]
    assert numbers_of(f"data:application/octet-stream;base64,{plain}", "uint8") == [251, 255, 254, 0]


@pytest.mark.parametrize(
    ("name", "beside", "kind", "held"),
    [
        ("vector", {}, "float32", FLOATS),
        ("features_b64", {"dim": 24}, "float64", FLOATS),
        ("image_bytes", {"width": 12, "height": 12}, "uint8", PIXELS),
    ],
)
def test_a_log_of_them_is_read(name: str, beside: dict[str, Any], kind: str, held: Any, tmp_path: Path) -> None:
    rows = [
        {"ts": START + at, "user": f"u{at % 3}", name: text(row, kind), **beside, "prediction": "ab"[at % 2]}
        for at, row in enumerate(held)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert np.allclose([row["input"] for row in found.rows], held)
    assert {row["label"] for row in found.rows} == {"a", "b"}


def test_what_stands_beside_bytes_that_are_not_read_is_no_feature(tmp_path: Path) -> None:
    rows = [
        {
            "ts": START + at,
            "user": f"u{at % 3}",
            "image": text(row[: 120 + at % 5], "uint8"),
            "cluster": at % 5,
            "distance": at / 7,
            "prediction": "ab"[at % 2],
        }
        for at, row in enumerate(PIXELS)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert {row["label"] for row in found.rows} == {"a", "b"}
    assert all(row["input"] is None for row in found.rows)


def test_an_id_that_looks_like_base64_hides_no_features(tmp_path: Path) -> None:
    rows = [
        {
            "ts": START + at,
            "user": f"u{at % 3}",
            "request": hashlib.sha256(bytes([at])).hexdigest(),
            "age": at,
            "mass": at % 7,
            "prediction": "ab"[at % 2],
        }
        for at in range(60)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert [row["input"] for row in found.rows[:2]] == [[0, 0], [1, 1]]
