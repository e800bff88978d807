from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.security_logs.fields import (
    DEEPEST,
    DEPTH,
    FIELDS,
    NAME,
    TEXT,
    TooLargeError,
    bounded,
    flatten,
    shallow,
)


def flat(row: dict[str, Any]) -> dict[str, Any]:
    return flatten(row)[0]


def test_names_are_dotted_and_in_lower_case() -> None:
    assert flat({"user": {"Name": "Ada", "id": 7}, "A.b": 1}) == {"user.name": "Ada", "user.id": 7, "a.b": 1}


def test_nothing_is_no_field_and_a_boolean_is_a_word() -> None:
    assert flat({"a": None, "b": True, "c": False, "d": {}, "e": []}) == {"b": "true", "c": "false"}


def test_lists() -> None:
    assert flat({"one": ["x"], "two": ["x", 2], "none": [None]}) == {"one": "x", "two": "x, 2"}
    assert flat({"r": [{"arn": "a", "n": 1}, {"arn": "b"}]}) == {"r.arn": "a, b", "r.n": 1}
    assert flat({"r": [[1, 2], ["x"]]}) == {"r": "1, 2, x"}


def test_of_two_spellings_the_first_counts() -> None:
    assert flat({"User": "ann", "user": "root"}) == {"user": "ann"}


def test_numbers_that_no_database_holds_become_text() -> None:
    assert flat({"n": 2**63, "m": -(2**63), "x": 1.5}) == {"n": str(2**63), "m": -(2**63), "x": 1.5}


def test_long_texts_are_cut_and_counted() -> None:
    fields, cut = flatten({"a": "x" * (TEXT + 1), "b": ["y" * TEXT, "z"]})
    assert cut == 2
    assert len(fields["a"]) == len(fields["b"]) == TEXT  # type: ignore[arg-type]


def nested(depth: int, inner: Any = 1) -> dict[str, Any]:
    row: dict[str, Any] = {"a": inner}
    for _ in range(depth - 1):
        row = {"a": row}
    return row


def test_depth_is_bounded() -> None:
    assert len(flat(nested(DEPTH))) == 1
    with pytest.raises(TooLargeError, match="too deep"):
        flat(nested(DEPTH + 1))
    lists: Any = 1
    for _ in range(DEPTH + 1):
        lists = [lists]
    with pytest.raises(TooLargeError, match="too deep"):
        flat({"a": lists})


def test_width_and_names_are_bounded() -> None:
    assert len(flat({str(n): n for n in range(FIELDS)})) == FIELDS
    with pytest.raises(TooLargeError, match="too many"):
        flat({str(n): n for n in range(FIELDS + 1)})
    with pytest.raises(TooLargeError, match="too long"):
        flat({"x" * (NAME + 1): 1})


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(row=st.dictionaries(st.text(max_size=3), json, max_size=4))
def test_whatever_comes_it_is_flat_or_refused(row: dict[str, Any]) -> None:
    try:
        fields = flat(row)
    except TooLargeError:
        return
    assert all(name == name.lower() and type(value) in (str, int, float) for name, value in fields.items())


def test_names_are_the_same_however_many_others_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are remembered up to a bound, and made anew beyond it: whoever invents names changes nobody else's."""
    monkeypatch.setattr("caponier.telemetry.security_logs.fields.REMEMBERED", 5)
    row = {"User": {"Name": "ada", "": {"x": 1}}, "": 2, "Σ": {"AΣ": 3}, "l": [{"Q": 1}, {"q": 2}]}
    expected = {"user.name": "ada", "user..x": 1, "": 2, "Σ.AΣ".lower(): 3, "l.q": "1, 2"}
    for invented in range(30):
        flat({f"{invented}": {f"a{part}": part for part in range(invented % 7)}})
        assert flat(row) == expected


def test_a_list_of_one_text_is_that_text_as_long_as_there_is_room() -> None:
    assert flatten({"a": ["x" * (TEXT + 1)], "A": ["y"]}) == ({"a": "x" * TEXT}, 1)
    with pytest.raises(TooLargeError, match="too many"):
        flat({**{str(n): n for n in range(FIELDS)}, "one": ["x"]})


@given(st.dictionaries(st.text("abAB", min_size=1, max_size=2), st.text("x") | st.integers() | st.none(), max_size=6))
def test_a_list_of_one_object_is_that_object(row: dict[str, Any]) -> None:
    before = {"B.a": "first"}
    assert flatten({**before, "b": [row]}) == flatten({**before, "b": row})


def test_a_list_of_one_object_is_as_deep_as_a_list() -> None:
    nested: Any = {"a": "x"}
    for _ in range((DEPTH - 1) // 2):
        nested = {"a": [nested]}
    flatten(nested)
    with pytest.raises(TooLargeError):
        flatten({"a": [{"a": [nested]}]})


@pytest.mark.parametrize(
    "put",
    [
        {f"k{n}": "v" for n in range(FIELDS + 1)},
        {f"k{n}": {f"j{m}": 1 for m in range(50)} for n in range(50)},
        {"x" * (NAME + 1): "v"},
        {"İ" * NAME: "v"},
        nested(4 * DEPTH),
        {"a": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]},
        [{f"k{n}": 1} for n in range(FIELDS + 1)],
        [{f"k{m}": {f"j{n}{m}": 1 for n in range(40)}} for m in range(40)],
    ],
)
def test_nobody_hides_what_he_did_by_what_he_puts_beside_it(put: Any) -> None:
    row = {"verb": "create", "object": {"notes": put, "image": "evil"}, "time": 1}
    with pytest.raises(TooLargeError):
        flatten(row)
    fields, cut = bounded(row)
    assert fields.items() >= {"verb": "create", "object.image": "evil", "time": 1}.items()
    assert len(fields) <= FIELDS
    assert cut


def test_a_row_that_is_too_wide_itself_is_refused() -> None:
    with pytest.raises(TooLargeError, match="too many"):
        bounded({str(n): n for n in range(FIELDS + 1)})
    assert bounded({"a": {"b": 1}}) == flatten({"a": {"b": 1}})


def test_what_lies_too_deep_for_any_event_is_cut_and_the_row_stays_as_it_is() -> None:
    def nested(depth: int) -> dict[str, Any]:
        row: dict[str, Any] = {"b": 1}
        for _ in range(depth):
            row = {"a": [row], "c": 2}
        return row

    assert shallow(nested(DEEPEST // 2)) is None
    assert shallow("text") is None
    assert shallow([nested(DEEPEST)]) is None
    deep = nested(DEEPEST)
    less = shallow({"x": deep, "y": {"z": 3}})
    assert less is not None
    assert less["y"] == {"z": 3}
    assert flat({"x": less["x"]["a"][0]["c"]}) == {"x": 2}
    assert "None" in repr(less)
    assert "None" not in repr(deep)
