"""Rounding the model's own answer."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.rounding import rounded


def v2(datatype: str, data: Any, **more: Any) -> dict[str, Any]:
    return {"model_name": "m", "outputs": [{"name": "o", "datatype": datatype, "shape": [1], "data": data, **more}]}


def test_scores_are_rounded_and_nothing_else() -> None:
    document = v2("FP32", [[0.126, 0.874]])
    document["outputs"].append({"name": "label", "datatype": "INT64", "shape": [1], "data": [1]})
    found = orjson.loads(rounded(document, 2) or b"")
    assert found["outputs"][0]["data"] == [[0.13, 0.87]]
    assert found["outputs"][1]["data"] == [1]
    assert found["model_name"] == "m"


@given(st.lists(st.floats(0, 1), min_size=1), st.integers(0, 6))
def test_it_keeps_no_more_than_the_decimals(scores: list[float], decimals: int) -> None:
    found = orjson.loads(rounded(v2("FP64", list(scores)), decimals) or b"")["outputs"][0]["data"]
    assert found == [round(score, decimals) for score in scores]


def test_answers_of_v1_are_rounded() -> None:
    assert rounded({"predictions": [[0.126, 1], {"p": 0.874}]}, 1) == b'{"predictions":[[0.1,1],{"p":0.9}]}'


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"outputs": None},
        {"outputs": [1]},
        {"outputs": [{"datatype": "FP32", "parameters": {"binary_data_size": 4}}]},
    ],
)
def test_what_it_does_not_understand_is_none(document: dict[str, Any]) -> None:
    assert rounded(document, 1) is None
