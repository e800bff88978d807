"""Lines of requests and of answers that an id joins, whatever it is called; and what refused rows say of features."""

from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.shapes.whole_rows import answered_rows_alone, as_answered
from telemetry.conftest import reading
from telemetry.field_maps.test_guess import written

Row = dict[str, Any]
START = 1_767_614_400
NO_JOIN = "no field joins them"


def halves(at: int, asked: str = "id", said: str | None = None, flat: bool = False) -> list[Row]:
    """Return the two lines of a request, each with an id."""
    key = 40_000 + at * 7 % 1_000
    held = {"length": at % 9 + 0.25, "mass": at % 11}
    sent = held if flat else {"data": held}
    return [
        {"ts": START + 60 * at, "kind": "in", asked: key, "user": f"u{at % 3}", **sent},
        {"ts": START + 60 * at + 2, "kind": "out", said or asked: key, "prediction": "ab"[at % 2]},
    ]


def lines(**about: Any) -> list[Row]:
    return [row for at in range(40) for row in halves(at, **about)]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("name", ["id", "job", "callNo"])
def test_lines_are_joined_by_what_stands_once_on_each(name: str, flat: bool, tmp_path: Path) -> None:
    found = reading(written(tmp_path / "a.jsonl", lines(asked=name, flat=flat)))
    assert len(found.rows) == 40
    assert all(len(row["input"]) == 2 and row["label"] and row["principal"] for row in found.rows)
    assert [row["request_id"] for row in found.rows[:2]] == ["40000", "40007"]


def test_the_answer_may_come_after_the_next_question(tmp_path: Path) -> None:
    rows = lines()
    asked, said = rows[::2], rows[1::2]
    late = [row for pair in zip(asked[1:], said, strict=False) for row in pair]
    found = reading(written(tmp_path / "a.jsonl", [asked[0], *late, said[-1]]))
    assert len(found.rows) == 40
    assert [row["label"] for row in found.rows] == ["ab"[at % 2] for at in range(40)]


def test_a_field_that_repeats_joins_nothing_and_that_is_said(tmp_path: Path) -> None:
    rows = [row | {"id": at // 2 % 5} for at, row in enumerate(lines())]
    found = guess(rows, "m")
    assert found.map is not None
    assert "request_id" not in found.map.columns
    assert any(NO_JOIN in said for said in found.remarks)
    assert len(reading(written(tmp_path / "a.jsonl", rows)).rows) == 80


def test_a_field_that_only_the_requests_have_joins_nothing() -> None:
    found = guess(lines(asked="id", said="other"), "m")
    assert found.map is not None
    assert "request_id" not in found.map.columns


def test_of_several_fields_the_one_that_is_called_an_id_is_taken() -> None:
    rows = [{"turn": row["id"] + 5, **row} for row in lines()]
    found = guess(rows, "m")
    assert found.map is not None
    assert found.map.columns["request_id"].path == ("id",)


def test_whole_records_are_no_halves() -> None:
    rows = [one | other for one, other in (halves(at) for at in range(40))]
    found = guess(rows, "m")
    assert found.map is not None
    assert "request_id" not in found.map.columns
    assert not any(NO_JOIN in said for said in found.remarks)


def test_few_lines_tell_nothing() -> None:
    found = guess(lines()[:12], "m")
    assert found.map is not None
    assert "request_id" not in found.map.columns


def served(at: int, broken: bool, term: Any) -> Row:
    row = {"ts": START + at, "user": f"u{at % 3}", "input": {"age": 20 + at % 30, "term": term, "city": "xyz"[at % 3]}}
    return row | ({"status": 422, "output": None} if broken else {"status": 200, "output": {"class": "ab"[at % 2]}})


@pytest.mark.parametrize("many", [False, True], ids=["few values", "many values"])
def test_what_made_calls_fail_makes_no_category_of_a_number(many: bool, tmp_path: Path) -> None:
    rows = [served(at, at % 9 == 4, "abc" if at % 9 == 4 else at if many else (12, 24)[at % 2]) for at in range(90)]
    found = guess(rows, "m")
    assert found.map is not None
    assert {one.name: one.kind for one in found.map.features} == {"age": "number", "city": "category", "term": "number"}
    read = reading(written(tmp_path / "a.jsonl", rows))
    assert len(read.rows) == 90
    asked = [row["input"] for row in read.rows]
    assert [row[2] is None or row[2] != row[2] for row in asked] == [at % 9 == 4 for at in range(90)]


def test_a_category_that_was_answered_stays_one() -> None:
    rows = [served(at, at % 9 == 4, "abc" if at % 4 == 0 else 12) for at in range(90)]
    found = guess(rows, "m")
    assert found.map is not None
    assert {one.name: one.kind for one in found.map.features}["term"] == "category"


def test_where_most_calls_fail_or_none_does_all_rows_tell() -> None:
    for broken in (lambda at: at % 9 > 2, lambda at: False):
        rows = [served(at, broken(at), "abc" if broken(at) else 12) for at in range(90)]
        found = guess(rows, "m")
        assert found.map is not None
        assert answered_rows_alone(found.map, rows) == []


def test_a_map_without_features_of_the_answered_changes_nothing() -> None:
    found = guess([served(at, False, 12) for at in range(60)], "m").map
    assert found is not None
    assert as_answered(found, None) is found
    assert as_answered(found, found.model_copy(update={"features": ()})) is found
    assert as_answered(found, found) == found


def test_what_stands_beside_the_only_input_and_is_not_read_is_said() -> None:
    rows = [
        {
            "ts": START + at,
            "user": f"u{at % 3}",
            "request": {"embedding": [at / 7, at % 5, 1.5], "region": "ns"[at % 2], "host": "same"},
            "prediction": "ab"[at % 2],
        }
        for at in range(60)
    ]
    found = guess(rows, "m")
    assert "beside request.embedding, the input, these are not read: request.region" in found.remarks


def test_another_text_that_people_wrote_is_said_and_what_a_logger_writes_is_not() -> None:
    words = (
        "the",
        "room",
        "was",
        "cold",
        "and",
        "loud",
        "but",
        "they",
        "were",
        "kind",
        "to",
        "all",
        "of",
        "us",
        "here",
    )
    rows = [
        {
            "ts": START + at,
            "user": f"u{at % 3}",
            "note": " ".join(words[(at * 4 + one * 7) % len(words)] for one in range(8)) + f" {at}",
            "text": " ".join(words[(at + one * 3) % len(words)] for one in range(9)) + f" {at}",
            "level": "INFO",
            "prediction": "ab"[at % 2],
        }
        for at in range(60)
    ]
    told = [said for said in guess(rows, "m").remarks if said.startswith("beside")]
    assert told == ["beside text, the input, these are not read: note"]
    assert not [said for said in guess([{**row, "note": "scored"} for row in rows], "m").remarks if "beside" in said]


def test_the_version_of_logstashs_records_is_no_models() -> None:
    rows = [{"@timestamp": START + at, "@version": "1", **served(at, False, 12)} for at in range(60)]
    found = guess([{key: value for key, value in row.items() if key != "ts"} for row in rows], "m")
    assert found.map is not None
    assert found.map.columns["time"].path == ("@timestamp",)
    assert "model_version" not in found.map.columns
