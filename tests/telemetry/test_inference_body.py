from itertools import permutations
from typing import Any

import numpy as np
import pytest

from caponier.telemetry import inference_body
from caponier.telemetry.body_keys import most_rows
from caponier.telemetry.body_limits import LIMITS, BodyLimits, UnreadError
from caponier.telemetry.inference_body import answer, examples

FAILURES = (ValueError, KeyError, TypeError, AttributeError)


def tensor(shape: Any, data: Any, datatype: str = "FP32", name: str = "t") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


@pytest.mark.parametrize(
    ("body", "rows", "shape"),
    [
        ({"inputs": [tensor([2, 2], [1, 2, 3, 4])]}, [[1, 2], [3, 4]], [2]),
        ({"inputs": [tensor([2, 2], [[1, 2], [3, 4]])]}, [[1, 2], [3, 4]], [2]),
        ({"inputs": [tensor([1, 2, 2], [[1, 2], [3, 4]])]}, [[1, 2, 3, 4]], [2, 2]),
        ({"inputs": [tensor([3], [1, 2, 3])]}, [[1], [2], [3]], [1]),
        ({"inputs": [tensor([2, 1], [True, False], "BOOL")]}, [[1], [0]], [1]),
        ({"inputs": [tensor([2, 1], [1, 2]), tensor([2, 2], [3, 4, 5, 6], name="u")]}, [[1, 3, 4], [2, 5, 6]], [3]),
        ({"inputs": [tensor([2, 2, 1], [[1, 2], [3, 4]])]}, [[1, 2], [3, 4]], [2, 1]),
        ({"inputs": [tensor([1, 2], [[1], [2]])]}, [[1, 2]], [2]),
        ({"inputs": [tensor([1, 2], [255.0, 0], "UINT8")]}, [[255, 0]], [2]),
        ({"instances": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]], [2]),
        ({"instances": [[[1, 2], [3, 4]]]}, [[1, 2, 3, 4]], [2, 2]),
        ({"instances": [1, 2]}, [[1], [2]], [1]),
        ({"instances": [{"x": [1, 2]}, {"x": [3, 4]}]}, [[1, 2], [3, 4]], [2]),
        ({"instances": [{"x": [[1, 2], [3, 4]]}]}, [[1, 2, 3, 4]], [2, 2]),
        ({"instances": [{"b": 5, "a": [1, 2]}, {"a": [3, 4], "b": 6}]}, [[1, 2, 5], [3, 4, 6]], [3]),
        ({"inputs": {"x": [[1, 2], [3, 4]]}}, [[1, 2], [3, 4]], [2]),
        ({"inputs": {"b": [[5], [6]], "a": [[1, 2], [3, 4]]}}, [[1, 2, 5], [3, 4, 6]], [3]),
    ],
)
def test_requests_hold_examples(body: Any, rows: Any, shape: list[int]) -> None:
    found, one = examples(body)
    assert found.tolist() == rows
    assert one == shape


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": None},
        {"inputs": []},
        {"inputs": {"a": 1}},
        {"inputs": ["text"]},
        {"inputs": [tensor([2, 2], [1, 2, 3])]},
        {"inputs": [tensor([100_000, 0], [])]},
        {"inputs": [tensor([2**40, 2**40], [1])]},
        {"inputs": [tensor([-2, -2], [1, 2, 3, 4])]},
        {"inputs": [tensor([2.0], [1, 2])]},
        {"inputs": [tensor([True], [1])]},
        {"inputs": [tensor([], 1)]},
        {"inputs": [tensor("2", [1, 2])]},
        {"inputs": [tensor([1, 1], ["private"], "BYTES")]},
        {"inputs": [tensor([2, 1], [1, [2, 3]])]},
        {"inputs": [{"name": "t", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}]},
        {"inputs": [tensor([1, 1], [1]), tensor([2, 1], [1, 2])]},
        {"inputs": [tensor([10_001], [0] * 10_001)]},
        {"inputs": [tensor([1] * 17, [1])]},
        {"inputs": [tensor([2**63] * 100_000, [1])]},
        {"inputs": [tensor([1, 2**31], [1])]},
        {"inputs": [tensor([1], [1])] * 10_001},
        {"instances": [0] * 10_001},
        {"instances": []},
        {"instances": 1},
        {"instances": "private"},
        {"instances": [{"age": ["private"]}]},
        {"instances": [{"x": [1, 2]}, {"x": [3]}]},
        {"instances": [{"x": [1, 2]}, {"x": 3}]},
        {"instances": [{"x": [1, 2]}, {"y": [3, 4]}]},
        {"instances": [{"x": [1, {"b64": "AAAA"}]}]},
        {"instances": [{"x": []}]},
        {"inputs": {"x": [[1, 2]], "y": [[1], [2]]}},
        {"inputs": {"x": [[1, 2]], "y": []}},
        {"instances": [{"age": 1}, [1]]},
        {"instances": [[1, 2], [3]]},
    ],
)
def test_requests_without_rows_of_numbers_are_refused_and_not_repeated(body: Any) -> None:
    with pytest.raises(FAILURES) as refused:
        examples(body)
    assert "private" not in str(refused.value)
    assert len(str(refused.value)) <= 200


def test_tensors_are_joined_in_the_order_of_their_names_however_they_stand() -> None:
    parts = [tensor([2, 1], [1, 2], name="a"), tensor([2, 2], [3, 4, 5, 6], name="b"), tensor([2], [7, 8], name="B")]
    for order in permutations(parts):
        found, shape = examples({"inputs": list(order)})
        assert (found.tolist(), shape) == ([[7, 1, 3, 4], [8, 2, 5, 6]], [4])


@pytest.mark.parametrize("body", [{"instances": [[1, 2]] * 5}, {"inputs": [tensor([5, 2], [1] * 10)]}])
def test_nothing_is_made_of_examples_of_another_width(body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert examples(body, LIMITS, 2)[1] == [2]
    monkeypatch.setattr(inference_body, "_numbers", None)
    with pytest.raises(ValueError, match="2 values an example where the model takes 3"):
        examples(body, LIMITS, 3)


@pytest.mark.parametrize("depth", [17, 31, 33, 62, 70, 400])
def test_lists_in_lists_are_refused_before_they_are_an_array(depth: int) -> None:
    nested: Any = [0.5]
    for _ in range(depth - 1):
        nested = [nested]
    for read in (
        lambda: examples({"instances": nested}),
        lambda: examples({"inputs": [tensor([1], nested)]}),
        lambda: answer({"predictions": nested}, 1),
        lambda: answer({"outputs": [tensor([1], nested)]}, 1),
    ):
        with pytest.raises(ValueError, match="more than 16 lists in one another"):
            read()


@pytest.mark.parametrize(
    "key", ["instance\u017f", "INSTANCES", "\uff49nputs", "\u0131nputs", "\u0130nputs ", "input\u017f"]
)
def test_keys_are_the_same_to_whoever_folds_them(key: str) -> None:
    with pytest.raises(ValueError, match="inputs and instances in one request"):
        examples({"inputs": [ONE], key: [[8, 9]]})
    assert most_rows({key: [[1]] * 30 if "a" in key.lower() else [tensor([30], [0] * 30)]}) == 30


@pytest.mark.parametrize("key", ["\uff44ata", "\u017fhape", "Shape", "DATA", " data"])
def test_keys_of_a_tensor_are_the_same_to_whoever_folds_them(key: str) -> None:
    with pytest.raises(ValueError, match="a key of a tensor that stands twice"):
        examples({"inputs": [ONE | {key: [3, 4]}]})


def test_a_body_of_many_keys_is_not_read() -> None:
    many = {f"\u0131{n}": 1 for n in range(1_001)}
    for body in (many | {"inputs": [ONE]}, {"inputs": [ONE | many]}):
        with pytest.raises(UnreadError, match="more than 1,000 keys"):
            examples(body)


ONE = tensor([1, 2], [1, 2])


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [ONE], "instances": [[3, 4]]},
        {"inputs": [ONE], "instances": None},
        {"inputs": [ONE], "Inputs": [ONE]},
        {"inputs": [ONE], " instances": [[3, 4]]},
        {"inputs": [ONE, ONE]},
        {"inputs": [{"shape": [1, 1], "data": [1]}, {"shape": [1, 1], "data": [2]}]},
        {"inputs": [ONE, {"shape": [1, 1], "data": [2]}]},
        {"inputs": [ONE, ONE | {"name": 7}]},
        {"inputs": [ONE | {"Data": [3, 4]}]},
        {"inputs": [ONE | {"SHAPE": [2, 1]}]},
        {"inputs": [tensor([3, 2], [[1, 2, 3], [4, 5, 6]])]},
        {"inputs": [tensor([6], [[1, 2, 3], [4, 5, 6]])]},
        {"inputs": [tensor([1, 2], ["1", "2"])]},
        {"inputs": [tensor([1, 2], [1, "0x2"])]},
        {"inputs": [tensor([1, 2], [None, "2"])]},
        {"instances": [["1", "2"]]},
        {"instances": [["1_0", 2]]},
        {"inputs": [tensor([1, 2], [0.5, 1], "INT32")]},
        {"inputs": [tensor([1, 2], [256, 1], "UINT8")]},
        {"inputs": [tensor([1, 2], [-1, 1], "UINT64")]},
        {"inputs": [tensor([1, 2], [2, 1], "BOOL")]},
        {"inputs": [tensor([1, 2], [float("nan"), 1], "INT8")]},
    ],
)
def test_what_could_be_read_as_other_rows_is_not_read(body: Any) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        examples(body)


@pytest.mark.parametrize(
    ("body", "n"),
    [
        ({}, 1),
        ({"id": 7, "parameters": {}}, 1),
        ({"inputs": 7, "instances": "text"}, LIMITS.rows + 1),
        ({"inputs": [tensor([40, 2], [0] * 80), tensor([3], [0] * 3)], "instances": [1] * 7}, 40),
        ({"inputs": [tensor([40, 2], [])]}, LIMITS.rows + 1),
        *(({"inputs": [tensor]}, LIMITS.rows + 1) for tensor in (None, {}, {"shape": 3}, {"shape": []})),
        *(({"inputs": [ONE, {"shape": [size]}]}, LIMITS.rows + 1) for size in ("9", 2.5, 10**9, -1)),
        ({"instances": [[1]] * 30}, 30),
        ({"Instances": [[1]] * 30}, 30),
        ({"instances": [0] * 20_000}, LIMITS.rows + 1),
    ],
)
def test_of_a_request_that_cannot_be_read_all_rows_count_that_it_may_have(body: Any, n: int) -> None:
    assert most_rows(body) == n


def test_more_rows_than_are_read_are_told_from_what_is_broken() -> None:
    for body in ({"instances": [0] * 4}, {"inputs": [tensor([4], [0] * 4)]}):
        assert len(examples(body, BodyLimits(rows=4))[0]) == 4
        with pytest.raises(UnreadError, match="more than 3 rows"):
            examples(body, BodyLimits(rows=3))


def test_scores_give_the_label_where_no_label_is_given() -> None:
    scores = tensor([2, 3], [0.1, 0.2, 0.7, 0.5, 0.3, 0.2])
    said = answer({"outputs": [scores], "model_name": "m", "model_version": 3}, 2)
    assert said.labels == ["2", "0"]
    assert said.scores is not None
    assert said.scores.shape == (2, 3)
    assert (said.model, said.version) == ("m", "3")


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        ([tensor([2], ["cat", "dog"], "BYTES")], ["cat", "dog"]),
        ([tensor([2, 1], [[1], [2]], "INT64")], ["1", "2"]),
        ([tensor([2], [True, False], "BOOL")], ["true", "false"]),
        ([tensor([2, 2], [0.1, 0.9, 0.9, 0.1]), tensor([2], ["cat", "dog"], "BYTES")], ["cat", "dog"]),
        ([tensor([2], ["a", "b"], "BYTES"), tensor([2], ["c", "d"], "BYTES")], ["a", "b"]),
        ([tensor([2, 2], [1, 2, 3, 4], "INT32"), tensor([2], [7, 8], "INT32")], ["7", "8"]),
        ([tensor([5], ["of", "the", "whole", "batch", "!"], "BYTES"), tensor([2], [7, 8], "INT32")], ["7", "8"]),
    ],
)
def test_outputs_with_one_value_an_example_are_labels(outputs: Any, labels: list[str]) -> None:
    assert answer({"outputs": outputs}, 2).labels == labels


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_the_number_of_a_regression_is_a_score_and_no_label(shape: list[int]) -> None:
    said = answer({"outputs": [tensor(shape, [0.5, 0.25])]}, 2)
    assert said.labels is None
    assert said.scores is not None
    assert said.scores.tolist() == [[0.5], [0.25]]


def test_the_first_scores_count() -> None:
    said = answer({"outputs": [tensor([1, 2], [0.1, 0.9]), tensor([1, 3], [9, 8, 7])]}, 1)
    assert said.scores is not None
    np.testing.assert_array_equal(said.scores, [[0.1, 0.9]])


@pytest.mark.parametrize(
    ("predictions", "labels", "scored"),
    [
        ([7, 8], ["7", "8"], False),
        (["cat", "dog"], ["cat", "dog"], False),
        ([[0.1, 0.9], [0.8, 0.2]], ["1", "0"], True),
        ([0.5, 0.25], None, True),
    ],
)
def test_predictions_of_the_first_protocol_are_labels_or_scores(predictions: Any, labels: Any, scored: bool) -> None:
    said = answer({"predictions": predictions}, 2)
    assert said.labels == labels
    assert (said.scores is not None) == scored


@pytest.mark.parametrize("name", ["embedding", "sentence_embeddings", "last_hidden_state", "pooler_output", "vector"])
def test_an_embedding_is_neither_scores_nor_a_label(name: str) -> None:
    output = {"name": name, "shape": [1, 3], "datatype": "FP32", "data": [0.5, -0.25, 1.5]}
    found = answer({"outputs": [output]}, 1)
    assert (found.labels, found.scores) == (None, None)
    kind = {"name": "kind", "shape": [1], "datatype": "BYTES", "data": ["cat"]}
    assert answer({"outputs": [output, kind]}, 1).labels == ["cat"]


@pytest.mark.parametrize("name", ["output", "support_vector_scores", "logits", ""])
def test_any_other_row_of_numbers_is_scores(name: str) -> None:
    output = {"name": name, "shape": [1, 3], "datatype": "FP32", "data": [0.5, -0.25, 1.5]}
    assert answer({"outputs": [output]}, 1).labels == ["2"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"error": "private"},
        {"outputs": None},
        {"outputs": []},
        {"outputs": [tensor([3], [1, 2, 3], "INT32")]},
        {"outputs": [tensor([2], [1], "INT32")]},
        {"outputs": [tensor([2], [[1], {"a": "private"}], "BYTES")]},
        {"outputs": [tensor([2, 2], ["private"] * 4)]},
        {"predictions": [{"label": "private"}, {"label": "private"}]},
        {"predictions": [1]},
        {"predictions": 1},
        {"predictions": None},
    ],
)
def test_answers_that_do_not_fit_are_refused_and_not_repeated(body: Any) -> None:
    with pytest.raises(FAILURES) as refused:
        answer(body, 2)
    assert "private" not in str(refused.value)


def test_named_inputs_of_several_values_are_as_wide_as_the_model_and_have_names() -> None:
    found = inference_body.asked({"instances": [{"b": 5, "a": [1, 2]}]}, size=3)
    assert (found.rows.tolist(), found.names) == ([[1, 2, 5]], ("b", "a"))
    assert inference_body.asked({"instances": [{"x": [1, 2, 5]}]}, size=3).names == ()
    for wide in ({"instances": [{"x": [1, 2]}]}, {"inputs": {"x": [[1, 2, 3]], "y": [[4]]}}):
        with pytest.raises(ValueError, match="where the model takes 3"):
            inference_body.asked(wide, size=3)
