"""What was ranked and the score of each, in a list each: the best is the answer."""

from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.shapes.ranked_lists import ranked_lists
from telemetry.conftest import reading
from telemetry.field_maps.test_guess import written

Row = dict[str, Any]
START = 1_767_614_400


def ranked(at: int, many: int = 4) -> tuple[list[int], list[float]]:
    return [(at * 7 + one * 13) % 97 for one in range(many)], [3.5 - one - at % 5 / 8 for one in range(many)]


def row(at: int, things: str = "ids", scores: str = "scores", **kept: Any) -> Row:
    held, told = ranked(at)
    asked = {"ts": START + at, "user_id": f"u{at % 3}", "query": f"{'abcdefg'[at % 7]}lue shoes {at}"}
    return asked | {things: held, scores: told} | kept


@pytest.mark.parametrize(
    ("things", "scores"), [("ids", "scores"), ("ranked_ids", "ranked_scores"), ("hits", "similarity")]
)
def test_the_best_is_the_answer(things: str, scores: str, tmp_path: Path) -> None:
    found = reading(written(tmp_path / "a.jsonl", [row(at, things, scores) for at in range(60)]))
    assert [one["label"] for one in found.rows] == [str(ranked(at)[0][0]) for at in range(60)]
    assert [one["scores"] for one in found.rows] == [ranked(at)[1][:1] for at in range(60)]
    assert all(one["input_raw"] for one in found.rows)


def test_lists_within_an_answer_are_read_as_well(tmp_path: Path) -> None:
    rows = [row(at) for at in range(60)]
    nested = [{"response": {"ids": one.pop("ids"), "scores": one.pop("scores")}} | one for one in rows]
    found = reading(written(tmp_path / "a.jsonl", nested))
    assert [one["label"] for one in found.rows] == [str(ranked(at)[0][0]) for at in range(60)]


def of(things: list[Any], scores: list[Any]) -> object:
    nodes = {("things",): things, ("scores",): scores}
    return ranked_lists(nodes, list(nodes))


def test_lists_that_are_no_ranking() -> None:
    things, scores = [ranked(at)[0] for at in range(60)], [ranked(at)[1] for at in range(60)]
    assert of(things, scores) == (("things",), ("scores",))
    assert of(things, [one[::-1] for one in scores]) is None, "the worst first"
    assert of([one[:2] for one in things], scores) is None, "another length"
    assert of([["a", "b", "c", "d"]] * 60, scores) is None, "classes in a fixed order"
    assert of([["abcd"[(at + one) % 4] for one in range(4)] for at in range(60)], scores) is None, "all classes"
    assert of([[1, 1, 2, 3]] * 60, scores) is None, "the same thing twice"
    assert of(things[:10], scores[:10]) is None, "too few rows"
    assert of(things[:-1], scores) is None, "a row without one of them"
    assert of(things, [["a"]] * 60) is None, "no numbers"


def test_of_two_lists_of_things_none_is_taken() -> None:
    things, scores = [ranked(at)[0] for at in range(60)], [ranked(at)[1] for at in range(60)]
    nodes = {("a",): things, ("b",): things, ("scores",): scores}
    assert ranked_lists(nodes, list(nodes)) is None


def test_moments_of_what_was_seen_are_no_scores() -> None:
    rows = [row(at, "viewed", "viewed_at", prediction="ab"[at % 2]) for at in range(60)]
    found = guess(rows, "m")
    assert found.map is not None
    assert found.map.columns["label"].path == ("prediction",)


def test_lists_that_were_sent_are_no_answer_and_a_named_answer_comes_first() -> None:
    rows = [row(at, prediction="ab"[at % 2]) for at in range(60)]
    nested = [{"features": {"ids": one["ids"], "scores": one["scores"]}} | one for one in rows]
    for held in (rows, [{key: value for key, value in one.items() if key not in ("ids", "scores")} for one in nested]):
        found = guess(held, "m")
        assert found.map is not None
        assert found.map.columns["label"].path == ("prediction",)
