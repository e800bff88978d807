"""Batches as services of one's own write them, of which no answer may become a feature, nor a list a label."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.shapes.rows_with_answers import answered_rows, columns_of_lists
from telemetry.conftest import Kept, Row

CLASSES = ("low", "mid", "high")
WORDS = ["my", "order", "came", "late", "and", "nobody", "answers", "the", "phone", "what", "can", "I", "do", "now"]


def batches(requests: int = 40) -> list[list[Row]]:
    rng = random.Random(3)
    made = []
    for _ in range(requests):
        shares = [[round(rng.random(), 3) for _ in CLASSES] for _ in range(rng.randint(1, 4))]
        rows = []
        for one in shares:
            odds = [share / sum(one) for share in one]
            best = max(range(3), key=odds.__getitem__)
            text = " ".join(rng.choices(WORDS, k=7))
            rows.append(
                {"a": rng.gauss(0, 1), "b": rng.gauss(5, 2), "text": text, "odds": odds, "class": CLASSES[best]}
            )
        made.append(rows)
    return made


def lines(kind: str) -> list[Row]:
    """The same traffic as four services write it."""
    made = []
    for at, rows in enumerate(batches()):
        about = {"ts": f"2026-03-02T09:{at:02}:00Z", "user": f"u{at % 7}", "model": "m"}
        answers: Row = {"labels": [row["class"] for row in rows]}
        if kind == "rows":
            held = [{"a": row["a"], "b": row["b"], "p": row["odds"], "pred": row["class"]} for row in rows]
            made.append({**about, "rows": held})
        elif kind == "columns":
            made.append({**about, "inputs": {name: [row[name] for row in rows] for name in ("a", "b")}, **answers})
        elif kind == "texts":
            made.append({**about, "comments": [row["text"] for row in rows], **answers})
        else:
            made.append({**about, "row_keys": [f"k{at}-{n}" for n, _ in enumerate(rows)], **answers})
    return made


def read(kind: str, folder: Path) -> tuple[list[Row], Kept]:
    path = folder / "log.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines(kind))))
    kept = Kept()
    return [row for events in read_events([path], kept) for row in events.batch.to_pylist()], kept


@pytest.mark.parametrize("kind", ["rows", "columns"])
def test_each_example_is_an_event_with_its_answer(kind: str, tmp_path: Path) -> None:
    rows, kept = read(kind, tmp_path)
    asked = [one for those in batches() for one in those]
    assert [row["label"] for row in rows] == [one["class"] for one in asked]
    assert [row["input"] for row in rows] == [pytest.approx([one["a"], one["b"]], rel=1e-6) for one in asked]
    if kind == "rows":
        assert [row["scores"] for row in rows] == [pytest.approx(one["odds"], rel=1e-6) for one in asked]
    spec = kept.spec_of("m")
    assert spec is not None
    assert [column.name for column in spec.columns] == ["a", "b"]


def test_texts_are_an_event_each(tmp_path: Path) -> None:
    rows, _ = read("texts", tmp_path)
    asked = [one for those in batches() for one in those]
    assert [(row["input_raw"], row["label"]) for row in rows] == [(one["text"], one["class"]) for one in asked]


def test_a_list_of_labels_is_no_label_where_nothing_is_found_that_was_asked(tmp_path: Path) -> None:
    """It used to be one: a label that no model gives, in silence."""
    rows, kept = read("names", tmp_path)
    assert [row["label"] for row in rows] == [None] * 40
    assert len({row["principal"] for row in rows}) == 7
    assert "labels answers several examples in each row" in " ".join(kept.told)


def test_rows_of_features_alone_hold_no_answers() -> None:
    items: list[Any] = [{"x": 0.25 * at, "y": 1 - 0.25 * at} for at in range(5)] * 5
    assert answered_rows(items, "rows") == (items, {})


@pytest.mark.parametrize(
    "values",
    [
        [],
        [{"a": [1.0], "b": [2.0]}, {"a": [3.0], "b": [4.0]}],
        [{"a": [1.0, 2.0], "b": [2.0]}, {"a": [3.0], "b": [4.0]}],
        [{"a": [1.0, 2.0], "b": 3}, {"a": [3.0], "b": 4}],
        [{"a": [1.0, 2.0]}, {"a": [3.0]}],
    ],
)
def test_lists_that_may_be_something_else_are_no_columns(values: Any) -> None:
    assert columns_of_lists(values, "inputs") == []
