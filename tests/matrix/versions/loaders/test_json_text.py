"""JSON of a stranger: what is cut off, repeated, too deep or no number is an error."""

import pytest

from caponier.errors import InputError
from caponier.matrix.versions.loaders import json_text
from caponier.matrix.versions.loaders.json_text import parse_json


def test_json_is_json():
    assert parse_json('{"a": [1, 2.5, null, true, "x"]}', "f") == {"a": [1, 2.5, None, True, "x"]}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' is there twice"),
        ('{"id": "T1", "a": 1, "a": 3}', "the key 'a' of 'T1' is there twice"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": ' + "9" * 5000 + "}", "a number has 5000 digits"),
        ("[" * 200_000, "the file nests too deep"),
        ('{"a": 1}{"b": 2}', "this is not JSON: Extra data"),
        ('{"a": "\x01"}', "this is not JSON"),
        ("{'a': 1}", "this is not JSON"),
    ],
)
def test_what_is_wrong_is_said(text: str, what: str):
    with pytest.raises(InputError) as wrong:
        parse_json(text, "f.json")
    assert what in wrong.value.what
    assert wrong.value.mend


def test_a_file_that_is_cut_off_is_told_from_one_that_is_wrong():
    with pytest.raises(InputError, match="this is not JSON") as cut:
        parse_json('{"a": [1,\n 2', "f.json")
    assert "cut off" in (cut.value.mend or "")
    assert cut.value.where == "f.json:2"
    with pytest.raises(InputError, match="this is not JSON") as wrong:
        parse_json('{"a": [1 2 3 4]}', "f.json")
    assert "cut off" not in (wrong.value.mend or "")


@pytest.mark.parametrize(
    ("text", "mend"), [('{"a": 1, "a": 2}', "Keep the one"), ('{"a": NaN}', "Export it as JSON again")]
)
def test_the_way_out_fits_what_is_wrong(text: str, mend: str):
    with pytest.raises(InputError) as wrong:
        parse_json(text, "f.json")
    assert wrong.value.where == "f.json"
    assert (wrong.value.mend or "").startswith(mend)


def test_a_twin_among_very_many_keys_is_found_in_one_pass():
    keys = [f'"k{number}": 0' for number in range(200_000)]
    with pytest.raises(InputError, match="the key 'k199999' is there twice"):
        parse_json("{" + ", ".join([*keys, keys[-1]]) + "}", "f.json")


def test_a_file_of_too_many_parts_is_not_parsed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_text, "MAX_PARTS", 10)
    with pytest.raises(InputError, match="more than 10 parts"):
        parse_json("[[],[],[],[],[],[]]", "f.json")
    assert parse_json("[1,2,3]", "f.json") == [1, 2, 3]
