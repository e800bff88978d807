"""What is remembered of a shape must not depend on what was seen before."""

import pytest

from caponier.telemetry.security_logs import shapes
from caponier.telemetry.security_logs.shapes import ByShape, Present


def test_the_order_is_that_of_the_group_and_not_of_the_fields() -> None:
    present = Present(("a", "b", "c"), ("x",))
    assert present.of({"c": 1, "a": 2}) == (("a", "c"), ())
    assert present.of({"x": 1, "b": 2}) == (("b",), ("x",))


def test_a_group_may_be_what_tells_a_name() -> None:
    present = Present(lambda name: name.endswith(".acl"))
    assert present.of({"b.acl": 1, "b": 2, "a.acl": 3}) == (("b.acl", "a.acl"),)


def test_an_answer_is_of_the_names_alone() -> None:
    present = Present(("a", "b"))
    first = present.of({"a": 1})
    assert present.of({"a": "other"}) is first
    assert present.of({"a": 1, "b": 2}) == (("a", "b"),)
    assert present.of({"a": 1}) == (("a",),)


def test_invented_shapes_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MOST", 8)
    present = Present(("a",))
    for number in range(100):
        assert present.of({f"n{number}": 1, "a": 2}) == (("a",),)
    assert len(present._known) <= 8
    wide = {f"w{number}": number for number in range(shapes.WIDE)} | {"a": 1}
    assert present.of(wide) == (("a",),)
    assert tuple(wide) not in present._known


def test_what_the_names_tell_is_asked_once_a_shape() -> None:
    asked: list[tuple[str, ...]] = []
    told = ByShape(lambda fields: asked.append(tuple(fields)))
    for fields in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": 3}):
        told.of(fields)
    assert asked == [("a",), ("b",)], "also where they tell nothing"
