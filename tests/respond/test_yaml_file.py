import contextlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.respond.yaml_file import BYTES, DEPTH, read_yaml

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text("abc xyz", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
    max_leaves=10,
)


def refused(text: str) -> str:
    with pytest.raises(InputError) as wrong:
        read_yaml(text, "a.yaml")
    return str(wrong.value)


@given(plain)
@settings(max_examples=100, deadline=None)
def test_what_yaml_writes_is_read_back(value: object) -> None:
    import yaml

    assert read_yaml(yaml.safe_dump(value), "a.yaml") == value


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        read_yaml(text, "a.yaml")


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{new}: &{new} [*{old}, *{old}]\n" for old, new in pairwise("abcdefghi"))
    assert "line 2: YAML anchors are not read here" in refused(bomb)


def test_depth_and_size_are_limited() -> None:
    deep = "[" * (DEPTH - 1) + "]" * (DEPTH - 1)
    assert read_yaml(deep, "a.yaml")
    assert "nested too deeply" in refused(f"[[{deep}]]")
    assert "larger than" in refused("#" * (BYTES + 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "line 2: a key is said twice"),
        ("x: {a: 1, b: {c: 1, c: 2}}", "a key is said twice"),
        ("? [1]\n: 2", "or is no text"),
        ("a: [", "this is not YAML"),
        ("a: 1\n---\nb: 2", "this is not YAML"),
        ("!!python/object/apply:os.system [exit]", "this is not YAML"),
        ("a: 2026-99-99", "this cannot be read"),
        ("\x00", "this is not YAML"),
    ],
)
def test_what_is_refused_is_named(text: str, said: str) -> None:
    assert said in refused(text)
