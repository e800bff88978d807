"""What is told of an object that is to keep to a protocol, without calling anything."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Literal, NewType, Protocol

import numpy as np
import pytest

from caponier.protocols import lacking, unfitting

Id = NewType("Id", str)


class Base(Protocol):
    name: str


class Snail(Base, Protocol):
    kind: Literal["land", "sea"]
    ids: tuple[Id, ...]
    places: frozenset[str]
    limit: float | None
    state: np.dtype[Any]
    about: Mapping[str, int]

    @property
    def speed(self) -> float: ...

    def crawl(self) -> None: ...


GOOD: dict[str, Any] = {
    "name": "roman", "kind": "land", "ids": (Id("a"),), "places": frozenset({"x"}), "limit": None,
    "state": np.dtype("f4"), "about": {"a": 1}, "speed": 1, "crawl": lambda: None,
}  # fmt: skip


def test_what_keeps_to_it_has_nothing_wrong() -> None:
    assert lacking(SimpleNamespace(**GOOD), Snail) == []
    for limit in (None, 1, 0.5):
        assert unfitting(SimpleNamespace(**GOOD | {"limit": limit}), Snail) is None
    assert lacking(SimpleNamespace(name="roman", kind="land"), Base) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("name", None, "name is of type NoneType where str is needed"),
        ("name", b"roman", "name is of type bytes where str"),
        ("kind", "air", "kind is of type str where Literal"),
        ("ids", "a", "ids is of type str where tuple"),
        ("ids", ("a", None), "ids is of type tuple"),
        ("places", ["x"], "places is of type list where frozenset"),
        ("limit", "1", "limit is of type str where float"),
        ("state", "f4", "state is of type str"),
        ("about", None, "about is of type NoneType where"),
        ("speed", "1", "speed is of type str where float is needed"),
        ("crawl", None, "crawl is of type NoneType where a function is needed"),
    ],
)
def test_what_has_another_type_is_named(name: str, value: Any, said: str) -> None:
    found = unfitting(SimpleNamespace(**GOOD | {name: value}), Snail)
    assert found is not None
    assert found.startswith(said)
