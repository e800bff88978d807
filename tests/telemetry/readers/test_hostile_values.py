"""One value of a log ends no reading, whatever somebody wrote in its place: the other rows are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from telemetry.conftest import reading

N = 150
BIG = "9" * 400
"""More than any number of a machine, and fewer digits than Python refuses."""
ANY = [
    BIG, f"-{BIG}", "1e999", "1e308", f'"{BIG}"', f"[{BIG}]", f"[[{BIG}]]", f'{{"x":{BIG}}}', f'"{BIG},5"', f'"{BIG}%"',
    f'"[{BIG}]"', f'"({BIG}, 1)"', '"NaN"', '"1e999"', '"1_000"', '"2026-13-45T99:99:99Z"', "253402300800000",
    '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-23:59"', "null", "true", '""', "{}", "[]", "[null]", "[{}]",
    f'{{"$numberLong":"{BIG}"}}', f'{{"$date":{BIG}}}', f'{{"seconds":{BIG},"nanos":0}}', '"\\u0000"',
    f'"{{\'a\': datetime.datetime({BIG}, 1, 1)}}"', f'{{"predictions":[{{"label":"x","score":{BIG}}}]}}',
    f'{{"instances":[[{BIG}]]}}', json.dumps(f'{{"instances":[[{BIG}]]}}'), json.dumps(f"{{'a': {BIG}, 'b': 2}}"),
    '{"a":' * 200 + "1" + "}" * 200, "[" * 200 + "]" * 200, json.dumps("[" * 3_000),
]  # fmt: skip
LOGS: dict[str, dict[str, str]] = {
    "own": {
        "time": '"2026-01-05T09:00:%02dZ"', "model": '"m"', "operation": '"predict"', "principal": '"k%d"',
        "input": "[0.5,%d.25]", "label": '"a"', "scores": "[0.25,0.75]", "latency_ms": "12.5",
    },
    "a service's": {
        "timestamp": "17676036%02d", "api_user": '"u%d"', "features": '{"age":3%d,"income":1200.5}',
        "prediction": '"b"', "probability": "0.75", "took": "0.12",
    },
    "of printed values": {
        "ts": '"2026-01-05 09:00:%02d"', "user": '"u%d"', "input": '"{\'a\': %d, \'b\': 2.5}"', "pred": '"b"',
    },
    "of a feature a column": {
        "time": '"2026-01-05T09:00:%02dZ"', "user": '"u%d"', "age": "%d", "income": '"1.200,50"', "prob": "0.5",
    },
    "of a model server": {
        "time": '"2026-01-05T09:00:%02dZ"', "user": '"u%d"', "request": '{"instances":[[1.5,%d]]}',
        "response": '{"predictions":[{"label":"x","score":0.5}]}',
    },
}  # fmt: skip
TIMES = ("time", "timestamp", "ts")
PLACES: list[Any] = [
    pytest.param(log, name, id=f"{name} {log}") for log, row in LOGS.items() for name in row if name not in TIMES
]


def line(row: dict[str, str], at: int, **changes: str) -> str:
    told = {name: value % (at % 60) if "%" in value else value for name, value in row.items()} | changes
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in told.items()) + "}"


def read_with(folder: Path, row: dict[str, str], name: str, values: list[str], rows: int) -> None:
    """Read a log that ends with rows that have such a value in one place, and see that it costs no other row."""
    lines = [line(row, at) for at in range(rows)] + [line(row, at, **{name: one}) for at, one in enumerate(values)]
    path = folder / "x.jsonl"
    path.write_text("\n".join([*lines, line(row, 1)]))
    found = reading(path)
    assert {*range(1, rows + 1), rows + len(values) + 1} <= set(found.lines)


@pytest.mark.parametrize(("log", "name"), PLACES)
def test_the_other_rows_are_read(log: str, name: str, tmp_path: Path) -> None:
    read_with(tmp_path, LOGS[log], name, ANY, N)


@pytest.mark.parametrize("value", ANY, ids=range(len(ANY)))
def test_one_moment_that_is_none_costs_its_row_alone(value: str, tmp_path: Path) -> None:
    read_with(tmp_path, LOGS["a service's"], "timestamp", [value], 30)


@pytest.mark.parametrize("text", [f'{{"instances":[[{BIG}]]}}', f"{{'a': {BIG}, 'b': 2}}", f"[1, {BIG}]"])
def test_one_input_whose_numbers_nobody_can_hold_costs_its_row_alone(text: str, tmp_path: Path) -> None:
    read_with(tmp_path, LOGS["of printed values"], "input", [json.dumps(text)], 30)


def test_a_table_with_a_moment_of_many_digits_loses_that_row_alone(tmp_path: Path) -> None:
    lines = [f"2026-01-05T09:00:{at:02}Z,u{at % 5},{at},b" for at in range(30)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["time,user,age,prediction", *lines, f"{BIG},u1,3,b", lines[0]]))
    assert len(reading(path).rows) == 31
