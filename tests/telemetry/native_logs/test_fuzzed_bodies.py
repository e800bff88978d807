"""Ten thousand bodies that nobody should send, in pieces: each is accounted for, and costs no other caller an event."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from telemetry.conftest import reading

PIECES, EACH = 10, 1_000
KNOWN = MapChoice(known=shipped_maps())
BODIES: list[dict[str, Any]] = [
    {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2.5]}]},
    {"inputs": [{"name": "a", "shape": [1, 1], "datatype": "BYTES", "data": ["x"]}]},
    {"instances": [[1.5, 2.5], [3.5, 4.5]]},
    {"instances": [{"a": 1, "b": 2}]},
    {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}},
    {"dataframe_records": [{"a": 1, "b": "x"}]},
    {"inputs": {"a": [1, 2], "b": [3, 4]}},
    {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}},
    {"data": {"tensor": {"shape": [1, 2], "values": [1, 2]}}},
]
ODD: list[Any] = [
    *(
        None,
        True,
        -1,
        0,
        10**30,
        1e300,
        float("nan"),
        "",
        "x" * 5_000,
        "é\ud800",
        "[1,2",
        "{}",
        b"\xff\0".decode("latin-1"),
    ),
    *([], {}, [[]], [[1], [2, 3]], [None], {"b64": "aGk="}, {"inputs": []}, [{"a": [1]}], {"": 1}),
]


def mutated(draw: random.Random, held: Any, depth: int = 0) -> Any:
    """Change something, somewhere."""
    if depth > 6 or draw.random() < 0.12:
        return draw.choice(ODD)
    if isinstance(held, dict) and held:
        made = {key: mutated(draw, value, depth + 1) if draw.random() < 0.4 else value for key, value in held.items()}
        if draw.random() < 0.1:
            made.pop(draw.choice(list(made)))
        if draw.random() < 0.1:
            made[draw.choice(["inputs", "instances", "data", "Inputs ", "shape", "é"])] = draw.choice(ODD)
        return made
    if isinstance(held, list) and held:
        made_list = [mutated(draw, value, depth + 1) for value in held]
        return made_list * draw.choice([1, 1, 1, 0, 3]) if draw.random() < 0.3 else made_list
    return held


def written(draw: random.Random, body: Any) -> Any:
    """Write a body as a logger does: as an object, as text, or cut off."""
    if draw.random() < 0.3:
        return body
    text = orjson.dumps(body, default=str).decode() if _is_plain(body) else repr(body)
    return text[: draw.randrange(len(text) + 1)] if draw.random() < 0.2 else text


def _is_plain(body: Any) -> bool:
    try:
        orjson.dumps(body)
    except (TypeError, orjson.JSONEncodeError):
        return False
    return True


def line(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row)
    except TypeError:
        return repr(row).encode("utf-8", "backslashreplace").replace(b"\n", b" ")


@pytest.mark.parametrize("piece", range(PIECES))
def test_fuzzed_bodies_cost_nobody_else_an_event(piece: int, tmp_path: Path) -> None:
    draw = random.Random(piece)
    rows: list[bytes] = []
    for at in range(EACH):
        about = {
            "ts": 1_767_571_200 + at,
            "user": "mallory",
            "request": written(draw, mutated(draw, draw.choice(BODIES))),
        }
        if draw.random() < 0.5:
            about["response"] = written(draw, mutated(draw, {"predictions": [1, 0], "outputs": []}))
        rows.append(line(about))
        good = {"ts": 1_767_571_200 + at, "user": "alice", "request": BODIES[2], "response": {"predictions": [1, 0]}}
        rows.append(orjson.dumps(good))
    path = tmp_path / "fuzzed.jsonl"
    # What decides how the log is read are its first rows.
    path.write_bytes(b"".join(row + b"\n" for row in [rows[1]] * 1_000 + rows))
    found = reading(path, maps=KNOWN)
    alice = [row for row, number in zip(found.rows, found.lines, strict=True) if number > 1_000 and number % 2 == 0]
    assert [row["input"] for row in alice] == [[1.5, 2.5], [3.5, 4.5]] * EACH
    assert {row["label"] for row in alice} == {"1", "0"}
    accounted = {*found.lines, *(number for number, _ in found.rejected)}
    assert len(accounted) == 1_000 + 2 * EACH
