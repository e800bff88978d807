import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.emulate.victims.open_inference import MalformedError, answer, metadata, parse

ROW = [0.25, 0.5, 0.0, 1.0]


def body(**changes: Any) -> bytes:
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP32", "data": ROW} | changes
    return json.dumps({"inputs": [tensor]}).encode()


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        ([2, 4], ROW * 2),
        ([2, 4], [ROW, ROW]),
        ([2, 2, 2], [[ROW[:2], ROW[2:]]] * 2),
        ([2, 2, 2], ROW * 2),
        ([2, 1, 4], [[ROW], [ROW]]),
    ],
)
@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
def test_data_may_be_flat_or_nested(shape: list[int], data: list[Any], datatype: str) -> None:
    rows = parse(body(shape=shape, data=data, datatype=datatype), 4).rows
    assert rows.dtype == np.float32
    assert np.array_equal(rows, [ROW, ROW])


def test_whole_numbers_are_numbers() -> None:
    assert np.array_equal(parse(body(data=[0, 1, 2, 3]), 4).rows, [[0, 1, 2, 3]])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"shape": [1, 5]}, "shape must be"),
        ({"shape": [4]}, "at least two"),
        ({"shape": [0, 4], "data": []}, "positive"),
        ({"shape": [-1, 4]}, "positive"),
        ({"shape": [True, 4]}, "positive"),
        ({"shape": "1,4"}, "shape must be"),
        ({"shape": [2, 4]}, "and shape says"),
        ({"data": [ROW, ROW]}, "and shape says"),
        ({"data": [ROW, ROW[:2]]}, "evenly"),
        ({"data": [str(x) for x in ROW]}, "numbers"),
        ({"data": [None, *ROW[1:]]}, "numbers"),
        ({"data": [True] * 4}, "numbers"),
        ({"data": None}, "numbers"),
        ({"data": {"a": 1}}, "numbers"),
        ({"data": 3}, "and shape says"),
        ({"data": [1e300, *ROW[1:]]}, "too large"),
        ({"datatype": "INT64"}, "datatype"),
        ({"datatype": ["FP32"]}, "datatype"),
        ({"name": None}, "name"),
    ],
)
def test_a_tensor_that_does_not_fit_is_told_why(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse(body(**changes), 4)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"inputs": []}',
        b'{"inputs": [1]}',
        b'{"inputs": {"name": "input"}}',
        b'{"inputs": [{}, {}]}',
        b'{"id": 7, "inputs": []}',
        b"[" * 5000,
    ],
)
def test_a_body_that_is_no_request_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(text, 4)


def test_deep_nesting_is_malformed() -> None:
    deep = "[" * 200 + "1" + "]" * 200
    text = f'{{"inputs":[{{"name":"input","shape":[1,4],"datatype":"FP32","data":{deep}}}]}}'
    with pytest.raises(MalformedError):
        parse(text.encode(), 4)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["name", "data", "x"]), inner),
    max_leaves=12,
)


@given(name=ANYTHING, shape=ANYTHING | st.just([1, 4]), datatype=ANYTHING | st.just("FP32"), data=ANYTHING)
def test_whatever_comes_is_read_or_malformed(**tensor: Any) -> None:
    try:
        query = parse(json.dumps({"inputs": [tensor]}).encode(), 4)
    except MalformedError:
        return
    assert query.rows.shape == (1, 4)
    assert np.isfinite(query.rows).all()


def test_the_answer_carries_scores_and_labels() -> None:
    scores = np.array([[0.1, 0.9], [0.75, 0.25]], np.float32)
    query = parse(body(shape=[2, 4], data=ROW * 2), 4)
    document = json.loads(answer(query, scores, "digits", "1"))
    probabilities, label = document["outputs"]
    assert document["model_name"] == "digits"
    assert "id" not in document
    assert (probabilities["name"], probabilities["datatype"], probabilities["shape"]) == (
        "probabilities",
        "FP32",
        [2, 2],
    )
    assert np.array_equal(np.array(probabilities["data"], np.float32), scores.reshape(-1))
    assert (label["datatype"], label["shape"], label["data"]) == ("INT64", [2], [1, 0])


def test_the_clients_id_comes_back() -> None:
    text = body().replace(b'{"inputs"', b'{"id": "mine", "inputs"')
    query = parse(text, 4)
    assert json.loads(answer(query, np.ones((1, 2), np.float32), "m", "1"))["id"] == "mine"


def asking_for(outputs: Any) -> bytes:
    return json.dumps(json.loads(body()) | {"outputs": outputs}).encode()


def test_the_client_chooses_outputs() -> None:
    query = parse(asking_for([{"name": "label"}]), 4)
    (only,) = json.loads(answer(query, np.ones((1, 2), np.float32), "m", "1"))["outputs"]
    assert only["name"] == "label"


@pytest.mark.parametrize("outputs", [[{"name": "weights"}], ["label"], {"name": "label"}, [{}], 3])
def test_an_unknown_output_is_malformed(outputs: Any) -> None:
    with pytest.raises(MalformedError, match="outputs"):
        parse(asking_for(outputs), 4)


def test_metadata_describe_inputs_and_outputs() -> None:
    described = metadata("digits", "3", 64, 10)
    assert described["inputs"][0]["shape"] == [-1, 64]
    assert [output["name"] for output in described["outputs"]] == ["probabilities", "label"]
