import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.emulate.images import Images
from caponier.emulate.victims.explanation import MOST_ROWS, answer, occlusion, parse
from caponier.emulate.victims.open_inference import MalformedError


def body(**document: object) -> bytes:
    return json.dumps(document).encode()


def test_rows_are_read() -> None:
    rows = parse(body(instances=[[0, 0.5], [1, 2]]), 2).rows
    assert rows.dtype == np.float32
    assert rows.tolist() == [[0, 0.5], [1, 2]]


def test_a_method_may_be_named() -> None:
    assert len(parse(body(instances=[[0.0]], parameters={"method": "occlusion"}), 1).rows) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "JSON object"),
        (b"{}", "instances must be"),
        (body(instances=[]), "1 to"),
        (body(instances=[[0.0]] * (MOST_ROWS + 1)), "1 to"),
        (body(instances={"a": 1}), "instances must be"),
        (body(instances=[[0.0, 1.0]]), "must hold"),
        (body(instances=[0.0]), "must hold"),
        (body(instances=[[0.0], [1.0, 2.0]]), "evenly"),
        (body(instances=[["x"]]), "numbers"),
        (body(instances=[[1e300]]), "too large"),
        (body(instances=[[0.0]], parameters=3), "parameters"),
        (body(instances=[[0.0]], parameters={"method": "tree_shap"}), "occlusion"),
        (body(instances=[[0.0]], parameters={"method": None}), "occlusion"),
        (body(instances=[[0.0]], parameters={"method": ["occlusion"]}), "occlusion"),
    ],
)
def test_what_is_no_question_is_told_why(text: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse(text, 1)


@given(text=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_whatever_comes_is_read_or_malformed(text: bytes) -> None:
    with suppress(MalformedError):
        parse(text, 1)


def linear(rows: Images) -> Images:
    return np.stack([rows @ np.array([1, 2, 0], np.float32), rows @ np.array([0, 0, 1], np.float32)], axis=1)


def test_a_value_counts_as_far_as_the_answer_s_score_falls_without_it() -> None:
    rows = np.array([[1, 2, 3], [1, 0, 3]], np.float32)
    assert occlusion(linear, rows, linear(rows)).tolist() == [[1, 4, 0], [0, 0, 3]]


def test_the_answer_has_scores_and_a_number_for_each_value() -> None:
    rows = np.array([[1, 2, 3]], np.float32)
    document = json.loads(answer(linear(rows), occlusion(linear, rows, linear(rows))))
    assert document == {"predictions": [[5, 3]], "explanations": [{"method": "occlusion", "attributions": [1, 4, 0]}]}
