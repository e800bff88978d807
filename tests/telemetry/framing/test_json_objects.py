"""The objects of a line, and how many lists and objects it may hold."""

import pytest

from caponier.telemetry.framing.json_objects import PARTS, rows_of


@pytest.mark.parametrize("sign", ["{", "[", "}]", '\\"{', "\\\\"])
def test_a_text_of_brackets_makes_no_line_too_large(sign: str) -> None:
    (row,) = rows_of(b'{"a": "' + sign.encode() * (PARTS + 1) + b'", "b": 1}')
    assert row["b"] == 1


@pytest.mark.parametrize("part", [b"[]", b"{}", b'["{"]'])
def test_a_line_of_too_many_lists_is_refused(part: bytes) -> None:
    with pytest.raises(ValueError, match="more than"):
        rows_of(b'{"a": [' + b",".join([part] * PARTS) + b"]}")


@pytest.mark.parametrize("text", ["1", "[1]", '["a"]', "null"])
def test_what_holds_no_object_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="expected an object"):
        rows_of(text)
    assert rows_of("[]") == []
