"""Fields whose values are of several kinds: what one caller writes in the place of a text or a list ends no reading."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.telemetry.field_maps.paths import Records, steps_of
from caponier.telemetry.field_maps.places import DEEPEST, WIDEST, keys_of, nodes_of, path_of
from caponier.telemetry.field_maps.value_kinds import (
    alike,
    are_shares,
    feature_of,
    features_of,
    is_number,
    named_values,
)
from telemetry.conftest import Reading, reading

START = 1_767_605_400_000
Row = dict[str, Any]
ODD: list[Any] = [5, True, 1.5, [], [1], ["x"], {}, {"a": 1}, None, "", "[1 2", "nan", [[1.5], "x"], [None]]


def log(tmp_path: Path, row: Callable[[int], Row]) -> Reading:
    path = tmp_path / "log.jsonl"
    path.write_bytes(
        b"".join(orjson.dumps({"ts": START + at, "user": f"u{at % 3}", **row(at)}) + b"\n" for at in range(60))
    )
    return reading(path)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("at", [0, 30])
def test_an_odd_prompt_leaves_the_others_as_they_are(odd: Any, at: int, tmp_path: Path) -> None:
    found = log(tmp_path, lambda one: {"prompt": odd if one == at else f"what is {one} and one?", "answer": "x"})
    texts = [row["input_raw"] for row in found.rows if row["input_raw"] and row["input_raw"].startswith("what is")]
    assert len(texts) == 59
    assert len(found.rows) + len(found.rejected) == 60


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("at", [0, 30])
def test_an_odd_list_leaves_the_others_as_they_are(odd: Any, at: int, tmp_path: Path) -> None:
    found = log(tmp_path, lambda one: {"features": odd if one == at else [1.5, float(one)], "prediction": "x"})
    assert sum(row["input"] is not None and len(row["input"]) == 2 for row in found.rows) == 59
    # The odd one is its caller's event all the same.
    assert len(found.rows) == 60


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("at", [0, 30, 59])
def test_odd_answers_to_several_examples_end_no_reading(odd: Any, at: int, tmp_path: Path) -> None:
    def row(one: int) -> Row:
        said = [{"label": "a", "score": 0.5}, {"label": "b", "score": 0.25}]
        return {"instances": [[1.5, float(one)], [2.5, 0.5]], "predictions": odd if one == at else said}

    found = log(tmp_path, row)
    assert sum(reading_row["input"] is not None for reading_row in found.rows) >= 2 * 59
    assert {row["label"] for row in found.rows} >= {"a", "b"}


@pytest.mark.parametrize("odd", [5, "x", True, None])
def test_fewer_questions_than_answers_end_no_reading(odd: Any, tmp_path: Path) -> None:
    """Where a question is missing, answers stand behind those that are looked at."""

    def row(one: int) -> Row:
        asked: Row = {"instances": [[1.5, float(one)], [2.5]]} if one % 2 else {}
        return {**asked, "outputs": odd if one > 40 else [{"label": "a"}, {"label": "b"}]}

    assert len(log(tmp_path, row).rows) > 30


NAMES = [
    "ts",
    "user",
    "features",
    "prompt",
    "data",
    "instances",
    "predictions",
    "label",
    "scores",
    "row",
    "body",
    "output",
]
VALUES = st.recursive(
    st.sampled_from(
        [None, True, 0, 1.5, "", "a", "[1.0, 2.0]", '{"user": "x"}', "{'a': (1,)}", "[1 2", "x" * 40, START]
    ),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from(NAMES), one, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), min_size=1, max_size=6))
def test_any_log_is_events_or_reasons(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(b"".join(orjson.dumps({"ts": START, **row}) + b"\n" for row in rows))
    try:
        found = reading(path)
    except InputError:
        return
    assert len(found.rows) + len(found.rejected) >= 1


@given(
    st.lists(st.dictionaries(st.sampled_from([*NAMES, "a.b", "a[0]", "a|json", ""]), VALUES, max_size=4), max_size=4)
)
def test_every_place_has_a_path_at_which_its_values_stand(rows: list[Row]) -> None:
    nodes = nodes_of(rows)
    assert len(nodes) <= WIDEST
    for place, values in nodes.items():
        assert len(keys_of(place)) <= DEEPEST
        found = Records(rows).values(steps_of(path_of(place)))
        assert [one for one in found if one is not None] == [one for one in values if one is not None]


def test_a_log_as_deep_and_as_wide_as_can_be_has_an_end() -> None:
    deep: Row = {"x": 1}
    for _ in range(500):
        deep = {"a": deep}
    assert max(len(keys_of(place)) for place in nodes_of([deep])) == DEEPEST
    assert len(nodes_of([{f"c{at}": at for at in range(5_000)}])) == WIDEST


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((one, True) for one in (1, 1.5, True, "1.5", " 12 %", "1.234,5", "true", "0.5", "0", "-3e2")),
        *((one, False) for one in ("007", "", "1 2", "0x10", None, [], {})),
    ],
)
def test_what_is_a_number(value: Any, told: bool) -> None:
    assert is_number(value) is told


def test_the_usual_kind_decides() -> None:
    assert alike([]) == []
    assert alike(["a", [1], "b"]) == ["a", "b"]
    assert alike([[1], [2], {"a": 1}, 3]) == [[1], [2]]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([0.5, 0.5], True),
        ({"a": 0.9, "b": 0.1}, True),
        ([1.0], False),
        ([0.5, 2], False),
        ([True, False], False),
        ("x", False),
    ],
)
def test_what_are_shares(value: Any, told: bool) -> None:
    assert are_shares(value) is told


def test_a_broken_cell_makes_no_category_of_numbers() -> None:
    numbers: list[Any] = [float(at) for at in range(99)]
    feature = feature_of("age", None, [*numbers, "n/a?"])
    assert feature is not None
    assert feature.kind != "category"
    city = feature_of("city", None, ["Bonn", "Ulm"] * 30)
    assert city is not None
    assert (city.kind, city.categories) == ("category", ("Bonn", "Ulm"))
    assert feature_of("id", None, [f"user-{at}" for at in range(99)]) is None
    assert feature_of("empty", None, [None, "", None]) is None


def test_lists_and_pairs_within_features_are_taken_apart() -> None:
    rows: list[Row] = [{"pos": [at, at + 0.5], "age": at, "one": [at]} for at in range(40)]
    assert [one.name for one in features_of(rows, "f")] == ["pos[0]", "pos[1]", "age", "one"]
    pairs = [{"name": name, "value": at} for at in range(40) for name in ("age", "a[b")]
    assert [one.name for one in named_values(pairs, "f")] == ["age"]
