"""Values by their paths: rows one by one and columns of Arrow say the same, and no row keeps another from its value."""

import base64
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.telemetry.field_maps.paths import EACH, Records, escaped, stepped, steps_of
from caponier.telemetry.field_maps.shipped import map_of
from caponier.telemetry.field_maps.times import EPOCHS, unit_of
from caponier.telemetry.readers.field_names import ALIASES, COUNTERS, INPUTS, normal

keys = st.text(min_size=1, max_size=12)
plain = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
anything = st.recursive(
    plain, lambda of: st.lists(of, max_size=3) | st.dictionaries(keys, of, max_size=3), max_leaves=8
)


@given(st.lists(keys, min_size=1, max_size=4), plain)
def test_whatever_keys_are_called_their_value_is_found(names: list[str], value: Any) -> None:
    row: Any = value
    for name in reversed(names):
        row = {name: row}
    steps = steps_of(".".join(map(escaped, names)))
    assert steps == tuple(("key", name) for name in names)
    assert Records([row, {}]).values(steps) == [value, None]


@given(st.lists(anything, max_size=5), st.sampled_from(["a", "a[0]", "a[-1]", "a[k=x]", "a|json", "a|base64"]))
def test_a_row_alone_has_the_value_that_it_has_among_others(values: list[Any], path: str) -> None:
    steps = steps_of(path)[1:]
    for step in steps:
        assert stepped(values, step) == [stepped([value], step)[0] for value in values]
    found = Records([{"a": value} for value in values]).values(steps_of(path))
    assert found == [Records([{"a": value}]).values(steps_of(path))[0] for value in values]


@given(st.lists(st.integers(), max_size=4), st.integers(-6, 6))
def test_a_place_in_a_list_is_pythons_and_beyond_its_ends_is_nothing(values: list[int], place: int) -> None:
    (found,) = stepped([values], ("at", str(place)))
    assert found == (values[place] if -len(values) <= place < len(values) else None)
    assert stepped(["text", {"0": 1}, None], ("at", str(place))) == [None] * 3


@given(st.dictionaries(keys, plain, max_size=4))
def test_an_object_as_text_in_base64_and_as_itself_is_one(held: dict[str, Any]) -> None:
    text = orjson.dumps(held)
    rows = [{"a": held}, {"a": text.decode()}, {"a": base64.b64encode(text).decode()}]
    as_json, packed = steps_of("a|json"), steps_of("a|base64|json")
    assert Records(rows[:2]).values(as_json) == [held, held]
    assert Records(rows[2:]).values(packed) == [held]


@pytest.mark.parametrize("value", ["not base64!", "/w==", None, 3, ["a"], {}])
def test_what_is_no_base64_is_nothing(value: Any) -> None:
    assert Records([{"a": value}]).values(steps_of("a|base64")) == [None]


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "", "nope"])
def test_what_is_no_json_is_nothing_and_costs_no_neighbour(text: str) -> None:
    assert Records([{"a": text}, {"a": "[1]"}]).values(steps_of("a|json")) == [None, [1]]


def test_of_several_that_say_so_the_first_counts_and_numbers_are_compared_as_text() -> None:
    rows = [{"o": [{"n": 1, "v": "a"}, {"n": "1", "v": "b"}, 7]}, {"o": {"n": "1"}}, {"o": []}]
    assert Records(rows).values(steps_of("o[n=1].v")) == ["a", None, None]


@given(
    st.lists(
        st.fixed_dictionaries({"b": st.none() | st.integers(0, 9), "c": st.lists(st.integers(0, 9), max_size=2)})
        | st.none(),
        min_size=1,
        max_size=5,
    )
)
def test_a_batch_of_arrow_says_what_its_rows_say(held: list[Any]) -> None:
    kind = pa.struct([("b", pa.int64()), ("c", pa.list_(pa.int64()))])
    batch = pa.RecordBatch.from_arrays([pa.array(held, kind)], ["a"])
    rows = batch.to_pylist()
    for path in ("a", "a.b", "a.c", "a.c[0]", "a.d", "x", "x.y", "a.b.c"):
        steps = steps_of(path)
        assert Records(batch).values(steps) == Records(rows).values(steps), path
    assert Records(batch).array(steps_of("a.c[0]")) is None
    assert Records(rows).array(steps_of("a.b")) is None


@pytest.mark.parametrize(
    "path", ["", ".", "a.", ".a", "a..b", "[0]", "a[]b", "a[].b[]", "a[x", "a|yaml", "a|jsonx", "a\\"]
)
def test_a_path_that_is_none_says_at_which_letter(path: str) -> None:
    with pytest.raises(InputError, match="cannot be read at its letter"):
        steps_of(path)


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_an_error(text: str) -> None:
    try:
        steps = steps_of(text)
    except InputError:
        return
    assert steps[0][0] == "key"
    assert steps.count(EACH) <= 1
    assert Records([{}, {"a": 1}]).values(tuple(step for step in steps if step != EACH)) is not None


class TestNames:
    @given(st.text(max_size=40))
    def test_a_name_that_is_normal_stays(self, name: str) -> None:
        once = normal(name)
        assert normal(once) == once

    @given(st.lists(st.sampled_from(["client", "api", "request", "ip", "time"]), min_size=1, max_size=4))
    def test_every_way_to_join_words_is_one(self, parts: list[str]) -> None:
        joined = "_".join(parts)
        camel = parts[0] + "".join(part.title() for part in parts[1:])
        forms = [
            "-".join(parts),
            " ".join(parts),
            ".".join(parts),
            joined.upper(),
            "@" + joined,
            camel,
            camel[0].upper() + camel[1:],
        ]
        assert {normal(form) for form in forms} == {joined}

    def test_what_is_listed_is_written_as_it_is_looked_up(self) -> None:
        listed = [name for names in ALIASES.values() for name in names] + [*INPUTS, *COUNTERS]
        assert [name for name in listed if normal(name) != name] == []

    def test_no_name_stands_for_two_columns(self) -> None:
        listed = [name for names in ALIASES.values() for name in names]
        assert len(set(listed)) == len(listed)


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)), st.sampled_from(sorted(EPOCHS)))
def test_the_unit_of_a_time_is_told_by_its_size(moment: datetime, unit: str) -> None:
    micros = round(moment.timestamp() * 1e6)
    number = micros * 1_000 if unit == "epoch_ns" else micros / EPOCHS[unit]
    assert unit_of(number) == unit_of(-number) == unit


@pytest.mark.parametrize(
    ("key", "more"),
    [
        ("record", {"record": "a.b"}),
        ("opened", {"opened": ["a[]"]}),
        ("columns.label", {"columns": {"time": "ts", "label": "a]["}}),
        ("columns.scores", {"columns": {"time": "ts", "scores": {"parts": ["a", "b]["]}}}),
        ("features", {"features": [{"name": "x", "path": "a]["}]}),
        ("request", {"request": "a]["}),
        ("when", {"when": ["a]["]}),
    ],
)
def test_a_path_that_cannot_be_read_is_named_with_the_key_and_the_file_before_any_log_is(
    key: str, more: dict[str, Any]
) -> None:
    whole = {"name": "m", "constants": {"operation": "predict"}, "columns": {"time": "ts", "label": "a"}} | more
    with pytest.raises(InputError) as told:
        map_of(whole, "own.yaml")
    assert told.value.where == f"own.yaml: {key}"
