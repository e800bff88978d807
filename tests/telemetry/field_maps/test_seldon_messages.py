"""Messages of Seldon Core's first protocol: tables and tensors, and what does not agree with itself."""

from typing import Any

import pytest

from caponier.telemetry.field_maps.logged_bodies import exchange_of, is_request

TABLE = {"data": {"names": ["b", "a"], "ndarray": [[1.0, 2.0], [3.0, 4.0]]}}
TENSOR = {"data": {"tensor": {"shape": [2, 2], "values": [1.0, 2.0, 3.0, 4.0]}}}


@pytest.mark.parametrize(
    ("request_", "inputs"), [(TABLE, [[2.0, 1.0], [4.0, 3.0]]), (TENSOR, [[1.0, 2.0], [3.0, 4.0]])]
)
def test_a_message_is_read(request_: Any, inputs: list[list[float]]) -> None:
    assert is_request(request_)
    said = {"data": {"names": ["n", "y"], "ndarray": [[0.25, 0.75], [0.5, 0.5]]}, "meta": {}}
    found = exchange_of(request_, said)
    assert (found.inputs, found.scores, found.problem) == (inputs, [[0.25, 0.75], [0.5, 0.5]], None)


@pytest.mark.parametrize(
    "held",
    [
        {"tensor": {"shape": [2, 3], "values": [1.0, 2.0]}},
        {"tensor": {"shape": [-1], "values": [1.0]}},
        {"tensor": {"values": [1.0]}},
        {"tensor": []},
        {"ndarray": {}},
        {"ndarray": [["x", None], [{}]]},
        {"ndarray": []},
    ],
)
def test_what_is_no_table_is_told(held: Any) -> None:
    found = exchange_of({"data": held}, None)
    assert found.inputs is None
    assert found.problem is not None
