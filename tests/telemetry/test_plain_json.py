"""JSON that every reader reads alike."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.body_limits import UnreadError
from caponier.telemetry.plain_json import loads

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=6)),
    lambda one: st.one_of(st.lists(one, max_size=4), st.dictionaries(st.text(max_size=4), one, max_size=4)),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_whatever_is_dumped_is_read(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert loads(text) == value
    assert loads(text.encode("utf-8", "surrogatepass")) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs":1,"inputs":2}',
        b'{"a":{"data":[1],"shape":[1],"data":[2]}}',
        b'{"a":[{"data":[1],"data":[2]}]}',
        b'{"a":[1,{"data":[1],"data":[2]}]}',
        b'{"a":[[{"data":[1],"data":[2]}]]}',
        rb'{"inputs":1,"\u0069nputs":2}',
        rb'{"inputs":1,"inputs":2,"id":"\u003a"}',
        b'{"inputs":1,"inputs":2,"id":"a:b::"}',
        b'{"id":"a","inputs":NaN,"inputs":2}',
        b'\xef\xbb\xbf{"a":1,"a":2}',
        '{"a":1,"a":2}'.encode("utf-16"),
        b'[{"a":1,"a":1}]',
    ],
)
def test_a_key_that_stands_twice_is_refused_wherever_it_stands(body: bytes) -> None:
    json.loads(body)
    with pytest.raises(ValueError, match="twice"):
        loads(body)


@given(VALUES, VALUES, st.text(max_size=3))
def test_no_duplicate_is_overlooked(first: Any, second: Any, key: str) -> None:
    name = orjson.dumps(key)
    body = b'{"x":[{%s:%s,"y":[":"],%s:%s}]}' % (name, orjson.dumps(first), name, orjson.dumps(second))
    with pytest.raises(ValueError, match="twice"):
        loads(body)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":1}{"a":2}', b'{"a":1} x', b'{"a":01}', b"\xff\xfe", b"{'a':1}"])
def test_what_is_no_document_or_more_than_one_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(body)


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_that_no_machine_holds_is_infinite_however_it_is_written(sign: str) -> None:
    body = f"[{sign}{'9' * 400}, {sign}1e999, {sign}12345678901234567890, {sign}12]"
    first, second, third, last = loads(body)
    assert first == second == float(f"{sign}inf")
    assert third == pytest.approx(float(f"{sign}12345678901234567890"))
    assert type(last) is int


def test_more_objects_than_can_be_looked_at_one_by_one_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"[" + b"{}," * 50_000 + b"{}]"
    assert len(loads(body, once=False)) == 50_001
    assert len(loads(b"[" + body[4:])) == 50_000
    monkeypatch.setattr(orjson, "loads", None)
    for one in (body, body.decode().encode("utf-16")):
        with pytest.raises(UnreadError, match="more than 50,000 objects"):
            loads(one)
