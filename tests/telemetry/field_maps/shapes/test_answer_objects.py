"""What was answered, in an object under any name."""

from typing import Any

from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.shapes.answer_objects import objects_of

Row = dict[str, Any]
N = 60
PEOPLE = ("ada", "bob", "cleo", "dan")


def _share(at: int) -> float:
    return round(0.5 + (at * 37 % 97) / 200, 4)


def _asked(at: int) -> Row:
    return {"age": 20 + at * 7 % 50, "income": 1000.5 + at * 131 % 977, "term": 6 + at * 5 % 40}


def _rows(**more: Any) -> list[Row]:
    return [
        {"ts": 1.76e9 + 7.5 * at, "user": PEOPLE[at * 3 // 2 % 4]} | {key: held(at) for key, held in more.items()}
        for at in range(N)
    ]


def _map(rows: list[Row]) -> FieldMap:
    found = guess(rows, "model")
    assert found.map is not None
    assert not found.doubts
    return found.map


def _taken(rows: list[Row], *columns: str) -> list[str | None]:
    held = _map(rows).columns
    return [held[name].path[0] if name in held else None for name in columns]


def _flat(rows: list[Row], **more: Any) -> list[Row]:
    return [row | {key: held(at) for key, held in more.items()} for at, row in enumerate(rows)]


def test_a_class_and_the_share_of_the_best_are_the_answer_whatever_they_are_called() -> None:
    rows = _rows(features=_asked, gist=lambda at: {"kin": "ny"[at % 2], "sure": _share(at)})
    assert _taken(rows, "label", "scores") == ["gist.kin", "gist.sure"]


def test_a_table_has_such_an_object_as_columns() -> None:
    rows = _flat(_rows(), **{"said.kin": lambda at: "ny"[at % 2], "said.sure": _share})
    rows = [{**row, **_asked(at)} for at, row in enumerate(rows)]
    assert _taken(rows, "label", "scores") == ["said\\.kin", "said\\.sure"]
    assert {one.name for one in _map(rows).features} == {"age", "income", "term"}


def test_shares_below_that_of_any_best_class_are_none() -> None:
    rows = _rows(features=_asked, gist=lambda at: {"kin": "ny"[at % 2], "sure": round(at * 37 % 97 / 100, 3)})
    assert _taken(rows, "label", "scores") == [None, None]


def test_the_only_value_of_an_object_behind_what_was_asked_is_the_answer() -> None:
    rows = _rows(features=_asked, back=lambda at: {"sum": 3.25 * (at * 13 % 41) + at / 7})
    assert _taken(rows, "scores") == ["back.sum"]


def test_what_an_object_says_of_a_call_is_no_answer() -> None:
    rows = _rows(features=_asked, host=lambda at: {"load": 3.25 * (at * 13 % 41) + at / 7})
    assert _taken(rows, "scores") == [None]


def test_an_event_with_several_numbers_is_what_was_asked() -> None:
    found = _map(_rows(event=_asked, back=lambda at: {"sum": 3.25 * (at * 13 % 41) + at / 7}))
    assert {one.name for one in found.features} == {"age", "income", "term"}
    assert found.columns["scores"].path == ("back.sum",)


def test_a_share_with_a_word_for_scores_behind_all_columns_is_the_answer() -> None:
    rows = [{**row, **_asked(at), "p": round(at * 37 % 97 / 101, 4)} for at, row in enumerate(_rows())]
    found = _map(rows)
    assert found.columns["scores"].path == ("p",)
    assert "p" not in {one.name for one in found.features}


def test_the_only_column_that_is_not_called_as_the_others_is_the_answer() -> None:
    rows = [
        {**row, **{f"f_{name}": one for name, one in _asked(at).items()}, "kin": "ny"[at % 2]}
        for at, row in enumerate(_rows())
    ]
    found = _map(rows)
    assert found.columns["label"].path == ("kin",)
    assert {one.name for one in found.features} == {"f_age", "f_income", "f_term"}


def test_beside_a_score_it_has_to_be_the_class_that_it_judges() -> None:
    rows = [
        {**row, **{f"f_{name}": one for name, one in _asked(at).items()}, "kin": at % 2, "score": _share(at)}
        for at, row in enumerate(_rows())
    ]
    assert _taken(rows, "label", "scores") == ["kin", "score"]


def test_a_table_with_times_of_answers_in_which_nothing_is_one_is_asked_about() -> None:
    rows = [{**row, **_asked(at), "kin": "nyz"[at * at % 3], "status": 200} for at, row in enumerate(_rows())]
    assert any("kin may" in doubt for doubt in guess(rows, "model").doubts)


def test_a_table_of_what_was_asked_alone_is_read() -> None:
    rows = [{**row, **_asked(at), "kin": "nyz"[at * at % 3]} for at, row in enumerate(_rows())]
    assert {one.name for one in _map(rows).features} == {"age", "income", "term", "kin"}


def test_the_class_beside_a_list_of_scores_is_the_one_that_always_agrees() -> None:
    def said(at: int) -> Row:
        best = round(0.5 + (at * 37 % 97) / 200, 4)
        return {"kin": "ny"[at % 2], "probs": [best, 1 - best] if at % 2 == 0 else [1 - best, best]}

    assert _taken(_rows(features=_asked, response=said), "label", "scores") == ["response.kin", "response.probs"]


def test_objects_with_lists_or_objects_in_them_hold_more_than_an_answer() -> None:
    nodes = {("a", "b"): [1, 2], ("a", "c"): [[1], [2]], ("d.e",): ["x", "y"], ("f",): [1, 2]}
    assert objects_of(nodes) == {("d",): [("d.e",)]}


def test_a_header_in_a_column_of_its_own_says_who_asked() -> None:
    rows = [{"headers.x-caller-id": row.pop("user"), **row} for row in _rows(features=_asked)]
    assert _taken(rows, "principal") == ["headers\\.x-caller-id"]


def test_a_name_says_who_asked_before_an_address() -> None:
    rows = _rows(features=_asked, peer=lambda at: f"198.51.100.{at * at % 4}")
    assert _taken(rows, "principal") == ["user"]


def test_a_column_of_addresses_is_no_feature() -> None:
    rows = [{**row, **_asked(at), "route_taken": f"198.51.100.{at * at % 4}"} for at, row in enumerate(_rows())]
    assert {one.name for one in _map(rows).features} == {"age", "income", "term"}
