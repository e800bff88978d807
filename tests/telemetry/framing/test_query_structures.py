"""Structures as Trino prints them within a cell."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.framing.query_structures import DEPTH, LONGEST, structure


def test_a_structure_is_read_with_those_within_it() -> None:
    text = "{type=IAMUser, arn=arn:aws:iam::1:user/ada, sessioncontext={issuer={type=Role, name=r}, at=null}, by=}"
    assert structure(text) == {
        "type": "IAMUser",
        "arn": "arn:aws:iam::1:user/ada",
        "sessioncontext": {"issuer": {"type": "Role", "name": "r"}},
    }


def test_a_value_with_commas_ends_where_a_name_begins() -> None:
    assert structure("{reason=a, b and c, code=7}") == {"reason": "a, b and c", "code": "7"}


@pytest.mark.parametrize("text", ["{}", "{a}", "{a=1", "{a={b=1}", "{a=1}b}", "{a=1} and {b=2}", "{ some words }"])
def test_what_is_none_stays_text(text: str) -> None:
    assert structure(text) == text


def test_what_is_too_deep_or_too_long_stays_text() -> None:
    deep = "{a=" * (DEPTH + 1) + "1" + "}" * (DEPTH + 1)
    assert structure(deep) == deep
    long = "{a=" + "b" * LONGEST + "}"
    assert structure(long) == long


def test_what_never_ends_costs_little() -> None:
    begun = time.perf_counter()
    for piece in ("{a=", "{a=1, c={d=2, ", "{a=1, b={"):
        structure("{x=1, " + piece * (LONGEST // len(piece) - 2))
    assert time.perf_counter() - begun < 2


@given(st.text(max_size=60))
def test_any_text_is_read_or_left(text: str) -> None:
    assert isinstance(structure(text), str | dict)
