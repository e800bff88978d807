import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.documents import json_tree
from caponier.matrix.documents.json_tree import DEPTH, Literal, Node, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: plain(member) for key, member in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return json.loads(node.value.text) if isinstance(node.value, Literal) else node.value


def places(node: Node) -> list[Node]:
    inner = [*node.members().values(), *node.items()]
    return [node, *(deeper for one in inner for deeper in places(one))]


@given(VALUES, st.sampled_from([None, 1, 4]))
def test_reads_what_the_standard_library_reads_each_value_at_its_place(value: Any, indent: int | None):
    text = json.dumps(value, indent=indent)
    root = parse(text, "x")
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
            parse(text, "x")
    else:
        if expected == expected and abs(expected if isinstance(expected, float) else 0) != float("inf"):
            assert plain(parse(text, "x")) == expected


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
        ("[" * (DEPTH + 2), "nested deeper", f"x:1:{DEPTH + 2}"),
        ('{"a":' * 100_000, "nested deeper", "x:1:"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, what: str, where: str):
    with pytest.raises(InputError, match=what) as wrong:
        parse(text, "x")
    assert (wrong.value.where or "").startswith(where)


def test_more_values_than_memory_is_for_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_tree, "VALUES", 10)
    assert len(parse("[1,2,3,4,5,6,7,8,9]", "x").items()) == 9
    with pytest.raises(InputError, match="more than 10 values"):
        parse("[1,2,3,4,5,6,7,8,9,10]", "x")


def test_numbers_are_kept_as_they_are_written():
    assert parse("[1.50, 1e999, -0]", "x").items()[1].value == Literal("1e999")
    assert parse("9" * 10_000, "x").value == Literal("9" * 10_000)


def test_a_node_answers_for_what_it_is_not():
    node = parse('["a"]', "x")
    assert (node.get("a"), node.text("a"), node.piece("a"), node.members(), node.flag("a")) == (
        None,
        None,
        None,
        {},
        False,
    )
    assert parse('{"a": true, "b": "true"}', "x").flag("a")
    assert not parse('{"a": true, "b": "true"}', "x").flag("b")
    assert parse('{"a": 1}', "x").piece("a") is None
    assert node.as_piece() is None
