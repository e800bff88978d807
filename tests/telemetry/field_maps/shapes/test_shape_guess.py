"""What a field means by what it holds and where it stands."""

import base64
import json
from typing import Any

import pytest

from caponier.telemetry.field_maps.best_guess import guess

Row = dict[str, Any]
N = 60


def _rows(**more: Any) -> list[Row]:
    """Rows of a flat log; a list is a field's values, a row each."""
    plain = [
        {"ts": 1.76e9 + 7 * at, "age": 20 + at * 7 % 50, "amount": 1.5 * (at * 13 % 41), "label": "ny"[at % 2]}
        for at in range(N)
    ]
    return [row | {key: value[at] for key, value in more.items()} for at, row in enumerate(plain)]


def _column(rows: list[Row], name: str) -> tuple[str, ...] | None:
    found = guess(rows, "model").map
    assert found is not None
    return found.columns[name].path if name in found.columns else None


def test_numbers_that_rise_as_a_clock_are_the_time_under_a_name_with_a_word_of_time() -> None:
    rows = [{"logged_by_clock": row.pop("ts"), **row} for row in _rows()]
    assert _column(rows, "time") == ("logged_by_clock",)


def test_numbers_that_rise_under_any_other_name_are_asked_for() -> None:
    found = guess([{"gauge": row.pop("ts"), **row} for row in _rows()], "model")
    assert not found.clear


def test_a_name_before_a_version_is_the_models() -> None:
    assert _column([{"what": "credit-risk", "rel": "1.4.2", **row} for row in _rows()], "model") == ("what",)


def test_what_answers_gives_the_model_its_name() -> None:
    assert _column([{"scoring_service": "credit-risk", **row} for row in _rows()], "model") == ("scoring_service",)


def test_tokens_that_come_again_are_a_session() -> None:
    found = guess(_rows(zz=[f"a{at % 7}9f{at % 7:08x}" for at in range(N)]), "model").map
    assert found is not None
    assert found.columns["session"].path == ("zz",)
    assert found.columns["session"].secret


def test_tokens_of_each_call_are_nobodys() -> None:
    assert _column(_rows(zz=[f"a9f{at:08x}" for at in range(N)]), "session") is None


@pytest.mark.parametrize("shape", [dict, list])
def test_shares_of_each_class_are_scores(shape: type) -> None:
    shares = [{"yes": 0.01 * at, "no": 1 - 0.01 * at} for at in range(1, N + 1)]
    rows = _rows(zz=[one if shape is dict else list(one.values()) for one in shares])
    assert _column(rows, "scores") == ("zz",)


def test_categories_among_numbers_are_features_a_place() -> None:
    rows = [
        {"ts": 1.76e9 + at, "features": [at * 7 % 50, "abc"[at % 3], 1.5 * at], "label": "ny"[at % 2]}
        for at in range(N)
    ]
    found = guess(rows, "model").map
    assert found is not None
    assert [one.kind for one in found.features] == ["number", "category", "number"]


@pytest.mark.parametrize("packed", [False, True])
def test_an_input_that_stands_closed_in_a_text_is_opened(packed: bool) -> None:
    texts = [json.dumps({"age": row["age"], "amount": row["amount"]}) for row in _rows()]
    sent = [base64.b64encode(one.encode()).decode() if packed else one for one in texts]
    rows = [{"ts": row["ts"], "sent": one, "label": row["label"]} for row, one in zip(_rows(), sent, strict=True)]
    found = guess(rows, "model").map
    assert found is not None
    assert found.opened == ("sent",)
    assert [one.path for one in found.features] == ["sent.age", "sent.amount"]


def test_a_map_of_a_carrier_says_where_its_records_are() -> None:
    found = guess([{"level": "info", "event": row} for row in _rows()], "model")
    assert found.clear
    assert found.map is not None
    assert found.map.record == "event"
    assert found.map.columns["time"].path == ("ts",)


def test_a_feature_in_a_list_in_a_text_is_no_surprise() -> None:
    found = guess([{"ts": "{'a': (1,)}"}], "model")
    assert not found.clear


def test_a_clock_in_a_table_is_text_and_yet_a_clock() -> None:
    rows = [{"logged_by_clock": str(row.pop("ts")), **row} for row in _rows()]
    assert _column(rows, "time") == ("logged_by_clock",)


def _without_label(**more: Any) -> list[Row]:
    return [{key: value for key, value in row.items() if key != "label"} for row in _rows(**more)]


def test_columns_that_begin_alike_and_add_up_to_one_are_the_scores_of_classes() -> None:
    shares = [round(0.01 + at * 17 % 97 / 100, 2) for at in range(N)]
    rows = _without_label(
        **{"zz.bad": [str(one) for one in shares], "zz.good": [str(round(1 - one, 2)) for one in shares]}
    )
    found = guess(rows, "model").map
    assert found is not None
    assert found.columns["scores"].classes == ("bad", "good")
    assert {one.name for one in found.features} == {"age", "amount"}


def test_columns_that_begin_alike_and_do_not_add_up_are_features() -> None:
    more = {"zz.bad": [str(at % 7 / 10) for at in range(N)], "zz.good": [str(at % 5 / 10) for at in range(N)]}
    found = guess(_rows(**more), "model").map
    assert found is not None
    assert "scores" not in found.columns


def test_scores_by_class_beside_features_are_none_of_them() -> None:
    shares = [0.01 + at * 17 % 97 / 100 for at in range(N)]
    rows = [{"record": row} for row in _without_label(probabilities=[{"bad": one, "good": 1 - one} for one in shares])]
    found = guess(rows, "model").map
    assert found is not None
    assert found.columns["scores"].classes == ("bad", "good")
    assert not {"bad", "good"} & {one.name for one in found.features}


def test_a_text_around_the_answer_is_no_feature() -> None:
    rows = _without_label(result=[json.dumps({"classe": at % 3}) for at in range(N)])
    found = guess(rows, "model").map
    assert found is not None
    assert "label" in found.columns
    assert {one.name for one in found.features} == {"age", "amount"}


def test_numbers_and_words_in_a_list_that_is_text_are_features_by_their_place() -> None:
    rows = [{"ts": row["ts"], "label": row["label"]} for row in _rows()]
    for at, row in enumerate(rows):
        row["record"] = json.dumps([at * 7 % 50, ("car", "van", "bike")[at % 3], at * 0.5])
    found = guess(rows, "model").map
    assert found is not None
    assert [one.kind for one in found.features] == ["number", "category", "number"]
