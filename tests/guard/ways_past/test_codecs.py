"""Of numbers some of MLServer's codecs make other rows than stand there, as a server of version 1 was seen to do."""

from typing import Any

import pytest

from caponier.guard.call import Call
from caponier.guard.servers import why_not_read

ASK = Call("predict", "digits", protocol="v2")


def asked(own: str | None, whole: str | None, shape: list[int], datatype: str = "FP32") -> dict[str, Any]:
    tensor = {"name": "x", "shape": shape, "datatype": datatype, "data": [0.1, 0.2, 0.3, 0.4]}
    return {"inputs": [tensor | _said(own)]} | _said(whole)


def _said(kind: str | None) -> dict[str, Any]:
    return {} if kind is None else {"parameters": {"content_type": kind}}


@pytest.mark.parametrize(
    ("own", "whole"), [(None, "pd"), ("str", None), ("base64", "np"), ("datetime", None), (None, "str")]
)
def test_numbers_that_the_server_recodes_are_not_read(own: str | None, whole: str | None) -> None:
    assert why_not_read("mlserver", ASK, asked(own, whole, [1, 4]))
    assert why_not_read("triton", ASK, asked(own, whole, [1, 4])) is None, "it knows no codecs"


@pytest.mark.parametrize(("own", "whole"), [(None, None), ("np", None), (None, "np"), ("np", "pd")])
def test_numbers_that_stay_as_they_are_are_read(own: str | None, whole: str | None) -> None:
    assert why_not_read("mlserver", ASK, asked(own, whole, [1, 4])) is None


def test_columns_and_texts_are_read() -> None:
    assert why_not_read("mlserver", ASK, asked(None, "pd", [4])) is None
    assert why_not_read("mlserver", ASK, asked("str", "pd", [4], "BYTES")) is None


@pytest.mark.parametrize("odd", [{"inputs": [3]}, {"inputs": {}}, {"inputs": [{"parameters": 3}], "parameters": []}])
def test_oddities_are_left_to_others(odd: dict[str, Any]) -> None:
    assert why_not_read("mlserver", ASK, odd) is None
