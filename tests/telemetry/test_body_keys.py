"""What may stand beside the rows of a request, and how many rows there may be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.body_keys import (
    CARRIERS,
    HOLDING,
    LONGEST_ASIDE,
    SHARED,
    check_request_keys,
    folded,
    is_shape,
    most_rows,
)
from caponier.telemetry.body_limits import LIMITS, UnreadError
from caponier.telemetry.inference_body import examples

ROW = [0.0, 0.0, 0.0, 0.0]
REAL = [9.0, 8.0, 7.0, 6.0]
TENSOR = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": ROW}
EVENT = {"specversion": "1.0", "id": "1", "type": "t", "source": "s", "time": "2026-01-01T00:00:00Z"}
BODIES: list[dict[str, Any]] = [{"instances": [ROW]}, {"inputs": [TENSOR]}]
UNKNOWN: list[Any] = [[REAL], {"instances": [REAL]}, "x" * (LONGEST_ASIDE + 1)]
HARMLESS: list[Any] = [None, True, 7, 0.5, "v1", [], {}]


@pytest.mark.parametrize("body", BODIES, ids=["first", "second"])
@pytest.mark.parametrize("value", UNKNOWN, ids=["list", "object", "text"])
@pytest.mark.parametrize("key", ["contents", "examples", "ndarray", "raw_input_contents", "Outputs", "x", "Parameters"])
def test_what_has_room_for_rows_under_a_key_that_is_not_known_makes_a_request_unreadable(
    body: dict[str, Any], value: Any, key: str
) -> None:
    with pytest.raises(ValueError, match=r"beside|envelope"):
        examples(body | {key: value})
    with pytest.raises(ValueError, match=r"beside|twice"):
        examples({"inputs": [TENSOR | {key: value}]})


@pytest.mark.parametrize("body", BODIES, ids=["first", "second"])
@pytest.mark.parametrize("value", HARMLESS, ids=str)
def test_what_has_no_room_for_rows_is_harmless(body: dict[str, Any], value: Any) -> None:
    assert examples(body | {"priority": value})[0].tolist() == [ROW]
    assert examples({"inputs": [TENSOR | {"byte_size": value}]})[0].tolist() == [ROW]


@pytest.mark.parametrize("body", BODIES, ids=["first", "second"])
def test_an_envelope_around_a_request_is_unreadable_however_short_it_is(body: dict[str, Any]) -> None:
    """KServe unpacks a CloudEvent, and reads only what is in it."""
    for data in ({"instances": [REAL]}, '{"instances":[[9,8,7,6]]}', "eyJhIjoxfQ=="):
        for key in ("data", "Data", "data_base64", "body", "bytes"):
            with pytest.raises(ValueError, match="an envelope"):
                examples(body | EVENT | {key: data})
    assert examples(body | EVENT)[0].tolist() == [ROW], "without anything in it, it is none"


@pytest.mark.parametrize(
    "parameters",
    [
        {"shared_memory_region": "r", "shared_memory_byte_size": 16},
        {"Shared_Memory_Region": "r"},
        {"\u017fhared_memory_region": "r"},
    ],
)
def test_values_in_shared_memory_are_not_those_of_the_request(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="shared memory"):
        examples({"inputs": [TENSOR | {"parameters": parameters}]})
    with pytest.raises(ValueError, match="shared memory"):
        examples({"inputs": [TENSOR], "parameters": parameters})


@pytest.mark.parametrize("parameters", [[1], "x" * 100, {"values": REAL}, {"x": {"data": REAL}}, {"x": "1," * 99}])
def test_parameters_of_a_tensor_hold_no_values(parameters: Any) -> None:
    with pytest.raises(ValueError, match="parameters"):
        examples({"inputs": [TENSOR | {"parameters": parameters}]})


ORDINARY: dict[str, dict[str, Any]] = {
    "MLServer": {
        "id": "7", "parameters": {"content_type": "pd", "headers": {"x": "y"}}, "outputs": [{"name": "predict"}],
        "inputs": [TENSOR | {"parameters": {"content_type": "np"}}],
    },
    "MLServer, as its client writes what is not there": {
        "id": None, "parameters": None, "outputs": None, "inputs": [TENSOR | {"parameters": None}],
    },
    "Triton": {
        "id": "", "inputs": [TENSOR], "parameters": {"sequence_id": 3, "sequence_start": True, "priority": 1},
        "outputs": [{"name": "y", "parameters": {"binary_data": False, "classification": 3}}],
    },
    "KServe": {"model_name": "m", "model_version": None, "inputs": [TENSOR]},
    "TensorFlow Serving": {"signature_name": "serving_default", "instances": [ROW]},
    "MLflow": {"instances": [ROW], "params": {"quantiles": [0.1, 0.9]}},
}  # fmt: skip


@pytest.mark.parametrize("body", ORDINARY.values(), ids=ORDINARY)
def test_what_clients_send_every_day_is_read(body: dict[str, Any]) -> None:
    assert examples(body)[0].tolist() == [ROW]
    assert most_rows(body) == most_rows(body, size=4) == 1


@pytest.mark.parametrize("kind", ["uint8", "Uint8", "float32", "FP128", "BYTES", "", " FP32", None, 7, [], "missing"])
def test_numbers_of_a_type_that_is_not_known_are_unreadable(kind: Any) -> None:
    """A server that takes it in another spelling wraps 257 to 1, and one that does not know it takes it as it is."""
    tensor = {name: part for name, part in TENSOR.items() if name != "datatype"}
    with pytest.raises(ValueError, match="a type that is not known"):
        examples({"inputs": [tensor if kind == "missing" else tensor | {"datatype": kind}]})


MANY = [REAL] * 50
MOST = LIMITS.rows + 1


@pytest.mark.parametrize(
    ("body", "unknown", "known"),
    [
        ({"instances": MANY}, 50, 50),
        ({"instances": [MANY]}, 50, 50),
        ({"instances": [[[MANY]]]}, 50, 50),
        ({"instances": [MANY * 4]}, 200, 200),
        ({"instances": [[[1.0, 2.0], [3.0, 4.0]]]}, 2, 1),
        ({"instances": [1.0] * 50}, 50, 50),
        ({"instances": [{"a": 1}] * 50}, 50, 50),
        ({"dataframe_split": {"columns": list("abcd"), "data": MANY}}, 50, 50),
        ({"dataframe_split": {"columns": list("abcd"), "index": [0], "data": [REAL]}}, 1, 1),
        ({"dataframe_records": [{"a": 1, "b": 2}] * 50}, 50, 50),
        ({"inputs": {"a": [1] * 50, "b": [2] * 50}}, 50, 50),
        ({"inputs": MANY}, 50, 50),
        ({"inputs": [TENSOR | {"data": MANY}]}, MOST, MOST),
        ({"inputs": [TENSOR | {"data": REAL * 50}]}, MOST, MOST),
        ({"inputs": [TENSOR | {"shape": [50, 4], "data": MANY}]}, 50, 50),
        ({"inputs": [TENSOR | {"shape": [1, 200], "data": REAL * 50}]}, 1, 50),
        ({"inputs": [TENSOR | {"shape": [1, 200], "data": MANY}]}, MOST, MOST),
        ({"inputs": [TENSOR | {"shape": [1, 2, 2], "data": [[1, 2], [3, 4]]}]}, 1, 1),
        ({"inputs": [TENSOR | {"name": n, "shape": [2, 1], "data": [1, 2]} for n in range(4)]}, 2, 2),
        ({"inputs": [TENSOR, None]}, MOST, MOST),
        ({"inputs": [TENSOR | {"contents": {"fp32_contents": REAL * 50}}]}, MOST, MOST),
        ({"inputs": [TENSOR | {"parameters": {"shared_memory_region": "r"}}]}, MOST, MOST),
        ({"rows": MANY}, 50, 50),
        ({"specversion": "1.0", "data": {"instances": MANY}, "instances": [ROW]}, 50, 50),
        ({"data_base64": "x" * 9}, MOST, MOST),
        ({"text_input": "x" * 9_999, "parameters": {"stop": ["a"] * 9}}, 1, 1),
    ],
)
def test_a_limit_counts_all_rows_that_a_request_may_have(body: dict[str, Any], unknown: int, known: int) -> None:
    assert most_rows(body) == unknown
    assert most_rows(body, size=4) == known


def test_more_keys_than_are_read_have_no_number_of_rows() -> None:
    with pytest.raises(UnreadError, match="more than 1,000 keys"):
        most_rows({str(n): 1 for n in range(1_001)})


words = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)


@given(st.sampled_from([*HOLDING, *CARRIERS, SHARED]), st.data())
def test_a_key_is_known_in_every_writing_that_a_server_may_take(key: str, data: st.DataObject) -> None:
    alike = {"s": "sS\u017f", "k": "kK\u212a", "i": "iI\u0130"}
    written = "".join(data.draw(st.sampled_from(alike.get(letter, letter + letter.upper()))) for letter in key)
    assert folded(f" {written} ") == key


@given(words)
def test_folding_twice_is_folding_once(key: str) -> None:
    assert folded(folded(key)) == folded(key)


@given(st.dictionaries(words, values, max_size=4), st.none() | st.integers(1, 9))
def test_any_request_has_one_row_at_least_and_one_more_than_are_read_at_most(
    body: dict[str, Any], size: int | None
) -> None:
    assert 1 <= most_rows(body, size=size) <= MOST


@given(st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3), min_size=1, max_size=40))
def test_no_request_that_is_read_has_more_rows_than_were_counted(rows: list[list[float]]) -> None:
    tensor = {"name": "x", "shape": [len(rows), 3], "datatype": "FP64"}
    for body in (
        {"instances": rows},
        {"inputs": [tensor | {"data": rows}]},
        {"inputs": [tensor | {"data": [one for row in rows for one in row]}]},
        {"dataframe_split": {"columns": ["a", "b", "c"], "data": rows}},
    ):
        read, *_ = examples(body)
        assert len(read) == len(rows) == most_rows(body) == most_rows(body, size=3)


@given(st.dictionaries(words, values, max_size=4), words, values)
def test_another_key_never_makes_a_request_smaller(body: dict[str, Any], key: str, value: Any) -> None:
    assert most_rows({**body, **({} if key in body else {key: value})}) >= most_rows(body)


@given(st.dictionaries(words, values, max_size=4))
def test_what_is_refused_is_said_without_what_stands_there(body: dict[str, Any]) -> None:
    try:
        check_request_keys(body | {"hunter2-key": ["hunter2"]})
    except (ValueError, UnreadError) as refused:
        assert "hunter2" not in str(refused)  # noqa: PT017 - that it is refused is another law's
    else:
        pytest.fail("a list under a key that nobody knows was let through")


@pytest.mark.parametrize(
    ("shape", "is_one"),
    [([1, 2], True), ([], True), ([0, 2], False), ([-1, 2], False), ([True, 2], False), ([1.0], False), ((1, 2), False),
     ("12", False), (None, False), ([1] * 99, False), ([2**62], False)],
)  # fmt: skip
def test_what_a_shape_is(shape: Any, is_one: bool) -> None:
    assert is_shape(shape) is is_one


def test_what_one_letter_writes_out_as_a_sentence_is_no_key_that_means_something() -> None:
    assert folded("\ufdfa") == "\ufdfa"
    assert folded("\ufb03") == "ffi", "the sign for three letters is one of a word"
    assert folded("\uff29\uff4e\uff50\uff55\uff54\uff53") == "inputs"
