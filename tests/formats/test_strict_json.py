import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.formats import strict_json
from caponier.formats.strict_json import DEPTH, JsonLiteral, JsonNode, read_nodes, read_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def plain(node: JsonNode) -> Any:
    if isinstance(node.value, dict):
        return {key: plain(member) for key, member in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return json.loads(node.value.text) if isinstance(node.value, JsonLiteral) else node.value


def places(node: JsonNode) -> list[JsonNode]:
    inner = [*node.members().values(), *node.items()]
    return [node, *(deeper for one in inner for deeper in places(one))]


@given(VALUES, st.sampled_from([None, 1, 4]))
def test_reads_what_the_standard_library_reads_each_value_at_its_place(value: Any, indent: int | None):
    text = json.dumps(value, indent=indent)
    root = read_nodes(text, "x")
    assert plain(root) == json.loads(text)
    for node in places(root):
        assert json.loads(text[node.start : node.end]) == plain(node)
        if node.key_start >= 0:
            assert isinstance(json.loads(text[node.key_start : node.key_end]), str)


@given(st.text(max_size=40))
def test_what_is_no_json_is_refused_and_nothing_else_happens(text: str):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(InputError):
            read_nodes(text, "x")
    else:
        if expected == expected and abs(expected if isinstance(expected, float) else 0) != float("inf"):
            assert plain(read_nodes(text, "x")) == expected


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ('{"a": 1, "a": 2}', "'a' is there twice", "x:1:10"),
        ('{"a": }', "not JSON", "x:1:7"),
        ('{"a" 1}', "colon", "x:1:6"),
        ("{1: 2}", "key is missing", "x:1:2"),
        ("[1 2]", "comma", "x:1:4"),
        ("[1,\n2", "comma", "x:2:2"),
        ('["a\nb"]', "control character", "x:1:2"),
        (r'["\x"]', "unknown escape", "x:1:2"),
        (r'["\ud800"]', "surrogate", "x:1:2"),
        ("NaN", "not JSON", "x:1:1"),
        ("Infinity", "not JSON", "x:1:1"),
        ("[1] 2", "follows", "x:1:5"),
        ("", "not JSON", "x:1:1"),
        ("[" * (DEPTH + 2), "nested too deeply", f"x:1:{DEPTH + 2}"),
        ('{"a":' * 100_000, "nested too deeply", "x:1:"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, what: str, where: str):
    with pytest.raises(InputError, match=what) as wrong:
        read_nodes(text, "x")
    assert (wrong.value.where or "").startswith(where)


def test_more_values_than_memory_is_for_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strict_json, "VALUES", 10)
    assert len(read_nodes("[1,2,3,4,5,6,7,8,9]", "x").items()) == 9
    with pytest.raises(InputError, match="more than 10 values"):
        read_nodes("[1,2,3,4,5,6,7,8,9,10]", "x")


def test_numbers_are_kept_as_they_are_written():
    assert read_nodes("[1.50, 1e999, -0]", "x").items()[1].value == JsonLiteral("1e999")
    assert read_nodes("9" * 10_000, "x").value == JsonLiteral("9" * 10_000)


def test_a_node_answers_for_what_it_is_not():
    node = read_nodes('["a"]', "x")
    assert (node.get("a"), node.text("a"), node.members(), node.flag("a")) == (None, None, {}, False)
    assert read_nodes('{"a": true, "b": "true"}', "x").flag("a")
    assert not read_nodes('{"a": true, "b": "true"}', "x").flag("b")


@given(VALUES)
def test_plain_values_are_those_of_the_standard_library(value: Any):
    text = json.dumps(value)
    assert read_value(text, "x") == json.loads(text)


@given(st.text(max_size=40) | st.text('{}[]",:0123456789.eE+-tfn\\u d8', max_size=30))
def test_both_ways_of_reading_refuse_the_same(text: str):
    try:
        value = read_value(text, "x")
    except InputError:
        with pytest.raises(InputError):
            read_nodes(text, "x")
    else:
        assert plain(read_nodes(text, "x")) == value


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' is there twice", "f.json:1:18"),
        ('[\n{"id": "T1", "a": 1, "a": 3}]', "the key 'a' of 'T1' is there twice", "f.json:2:22"),
        ('{"a": NaN}', "NaN is not a JSON number", "f.json"),
        ('{"a": -Infinity}', "-Infinity is not a JSON number", "f.json"),
        ('{"a": 1e999}', "the number 1e999 is beyond all bounds", "f.json"),
        ('{"a": ' + "9" * 5000 + "}", "a number has 5000 digits", "f.json"),
        ("[" * 200_000, "this is nested too deeply, more than 64 levels", "f.json"),
        ("[" * 65 + "]" * 65, "this is nested too deeply, more than 64 levels", "f.json"),
        (r'{"a": "\ud800"}', "half of a surrogate pair", "f.json"),
        (r'{"\ud800": 1}', "half of a surrogate pair", "f.json"),
        ('{"a": 1}{"b": 2}', "this is not JSON: Extra data", "f.json:1:9"),
        ('{"a": "\x01"}', "this is not JSON", "f.json:1:8"),
        ("{'a': 1}", "this is not JSON", "f.json:1:2"),
        ("", "this is not JSON", "f.json:1:1"),
    ],
)
def test_what_is_wrong_with_plain_values_is_said(text: str, what: str, where: str):
    with pytest.raises(InputError) as wrong:
        read_value(text, "f.json", "Export it again.")
    assert what in wrong.value.what
    assert wrong.value.where == where
    assert wrong.value.hint


def test_what_is_deep_or_paired_but_within_bounds_is_read():
    assert read_value("[" * 64 + "]" * 64, "x")
    assert read_value(r'["\ud83d\ude00"]', "x") == ["\N{GRINNING FACE}"]


def test_a_file_that_is_cut_off_is_told_from_one_that_is_wrong():
    with pytest.raises(InputError, match="this is not JSON") as cut:
        read_value('{"a": [1,\n 2', "f.json", "Export it again.")
    assert cut.value.hint == "The file may be cut off. Export it again."
    assert cut.value.where == "f.json:2:3"
    with pytest.raises(InputError, match="this is not JSON") as wrong:
        read_value('{"a": [1 2 3 4]}', "f.json", "Export it again.")
    assert wrong.value.hint == "Export it again."


@pytest.mark.parametrize(
    ("text", "hint"), [('{"a": 1, "a": 2}', "Keep the one that is right."), ('{"a": NaN}', "Export it again.")]
)
def test_the_way_out_fits_what_is_wrong(text: str, hint: str):
    with pytest.raises(InputError) as wrong:
        read_value(text, "f.json", "Export it again.")
    assert wrong.value.hint == hint


def test_a_twin_among_very_many_keys_is_found_in_one_pass():
    keys = [f'"k{number}": 0' for number in range(200_000)]
    with pytest.raises(InputError, match="the key 'k199999' is there twice"):
        read_value("{" + ", ".join([*keys, keys[-1]]) + "}", "f.json")


def test_a_file_of_too_many_parts_is_not_parsed():
    with pytest.raises(InputError, match="more than 10 parts"):
        read_value("[[],[],[],[],[],[]]", "f.json", parts=10)
    assert read_value("[1,2,3]", "f.json", parts=10) == [1, 2, 3]
