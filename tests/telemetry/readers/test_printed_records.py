"""Records as Python prints them are the same as in JSON, whatever their keys and lists are."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.framing.written_values import LONGEST, loaded, numbers_text
from caponier.telemetry.readers.carried import CarriedRecords
from telemetry.conftest import reading

Row = dict[str, Any]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=4), st.binary(max_size=3), st.just(...)
)
KEYS = st.one_of(st.text(max_size=4), st.integers(-9, 9), st.none(), st.tuples(st.integers(0, 3)))
PRINTED = st.recursive(
    SCALARS,
    lambda one: st.one_of(
        st.lists(one, max_size=3), st.tuples(one, one), st.dictionaries(KEYS, one, max_size=3), st.frozensets(SCALARS)
    ),
    max_leaves=12,
)


def row(at: int, **more: Any) -> Row:
    return {"time": f"2026-01-05T09:00:{at:02}Z", "user": "ada", "model": "m", "features": [1.5, float(at)], **more}


def plain(value: Any) -> bool:
    """Tell whether a value has nothing that JSON has no word for."""
    if isinstance(value, dict):
        return all(type(key) is str and plain(one) for key, one in value.items())
    return all(map(plain, value)) if isinstance(value, list) else value is None or isinstance(value, str | int | float)


@given(st.dictionaries(KEYS, PRINTED, min_size=1, max_size=4))
def test_what_python_printed_holds_nothing_but_json(value: Any) -> None:
    found = loaded(repr(value))
    assert found is None or plain(found)


@given(st.dictionaries(KEYS, PRINTED, min_size=1, max_size=4), st.sampled_from(["log", "message", "_source", "time"]))
def test_any_printed_line_is_records_or_a_reason(value: Any, name: str) -> None:
    line = repr({name: value, **value}).encode("utf-8", "replace")
    carried = CarriedRecords()
    carried.learn((line + b"\n") * 30)
    try:
        rows = carried.rows(line)
    except ValueError:
        return
    assert all(type(key) is str for one in rows for key in one)


def test_a_data_frame_that_was_printed_is_read(tmp_path: Path) -> None:
    """As `print(frame.to_dict())` writes it: the numbers of the rows are numbers there."""
    names = list(row(0))
    frames = [{name: {at: row(at)[name], at + 1: row(at + 1)[name]} for name in names} for at in range(0, 40, 2)]
    (tmp_path / "log.jsonl").write_text("".join(f"{frame!r}\n" for frame in frames))
    found = reading(tmp_path / "log.jsonl")
    assert found.rejected == []
    assert [one["input"] for one in found.rows] == [[1.5, float(at)] for at in range(40)]


def test_tuples_are_inputs_like_lists(tmp_path: Path) -> None:
    rows = [row(at) for at in range(30)]
    written = {
        "json.jsonl": "".join(orjson.dumps(one).decode() + "\n" for one in rows),
        "printed.jsonl": "".join(f"{one!r}\n" for one in rows),
        "tuples.jsonl": "".join(repr({**one, "features": tuple(one["features"])}) + "\n" for one in rows),
    }
    found = []
    for name, text in written.items():
        (tmp_path / name).write_text(text)
        found.append([(one["time"], one["principal"], one["input"]) for one in reading(tmp_path / name).rows])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 30


def test_a_printed_carrier_with_numbers_for_keys_is_a_row(tmp_path: Path) -> None:
    line = b"{'log': 'no record', 2: 3, None: 4}"
    carried = CarriedRecords()
    carried.learn((line + b"\n") * 30)
    assert carried.rows(line) == [{"log": "no record", "2": 3, "None": 4}]


@pytest.mark.parametrize(
    "text",
    [
        "[" * LONGEST,
        "[" + "-" * 60_000 + "1]",
        "[" + "1+" * 30_000 + "1]",
        "{" * 30_000 + "}" * 30_000,
        "(" * 30_000 + "1," + ")" * 30_000,
        "{'a': " * 5_000 + "1" + "}" * 5_000,
        "['a' 'b' __import__('os').getcwd()]",
        "{'a': open('/etc/passwd')}",
        "{'a': 10**10**10}",
        "{'a': '\\x'}",
        "{'a'\0: 1}",
        "[1, 2",
    ],
)
def test_what_is_no_value_is_none_and_runs_nothing(text: str) -> None:
    assert loaded(text) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("array([[1., 2.],\n       [3., 4.]], dtype=float32)", [1, 2, 3, 4]),
        ("tensor([0.5, 1.5], device='cuda:0', grad_fn=<SigmoidBackward0>)", [0.5, 1.5]),
        ("[np.float32(1.5), np.int64(2)]", [1.5, 2]),
        ("{1,NULL,3}", [1, None, 3]),
        ("{1,null,3}", [1, None, 3]),
        ("(1.0; 2.0)", [1, 2]),
        ("[1. 2. ... 3.]", None),
        ("[0.5 nan]", "nan"),
        ("[]", []),
        ("1, 2", None),
        ("[one two]", None),
    ],
)
def test_arrays_are_read_as_they_are_printed(text: str, numbers: Any) -> None:
    found = numbers_text(text)
    if numbers == "nan":
        assert found is not None
        assert re.fullmatch(r"\[0\.5, nan\]", str(found))
    else:
        assert found == numbers


def test_a_container_keeps_what_python_prints_behind_the_words_of_its_logger(tmp_path: Path) -> None:
    lines = [
        {"log": f"INFO:scoring:Served {row(at)!r}\n", "stream": "stderr", "time": "2026-01-05T09:00:00.5Z"}
        for at in range(30)
    ]
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in lines))
    found = reading(path)
    assert not found.rejected
    assert [one["input"] for one in found.rows] == [[1.5, float(at)] for at in range(30)]
    assert {one["model"] for one in found.rows} == {"m"}
