"""Attributes that a pickle sets, and what they may stand in for.

Attributes of an object come before the methods of its class, and some classes look for attributes among their items.
So a state that brings `__class__`, `__setstate__` or `append` decides what runs next. No picklers writes one that does.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.values import Blob, Box, Made

_FILLING: Final = frozenset({"append", "extend", "add"})
"""Methods that an unpickler looks up on an object itself."""
_HARMLESS: Final = frozenset({"__doc__", "__module__", "__name__", "__qualname__"})
"""Names that only tell something to people."""
_PLAIN: Final = "collections"
"""Items of Python's own containers are no attributes of theirs."""
_CLOSED: Final = ("numpy", "pandas", "sklearn._loss", "_loss", "sklearn.tree")
"""Rooms of classes that are made in C, whose objects have no other attributes than their own."""
_OPEN: Final = frozenset({"DataFrame", "MaskedArray", "Series", "recarray", "record"})
"""Classes in these rooms of which this is not so."""
_OFTEN: Final = 15


def is_special(name: str) -> bool:
    """Return whether an attribute of this name means something to Python itself."""
    return name.startswith("__") and name.endswith("__") and len(name) > 4 and name not in _HARMLESS


def special_key(state: Any, ledger: Ledger) -> str | None:
    """Return the first attribute of a state that means something to Python, and doubt names that are computed."""
    for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
        found = _special(_keys(part), ledger, frozenset())
        if found is not None:
            return found
    return None


def special_item(target: Made, items: list[Any], ledger: Ledger) -> str | None:
    """Return the first key among items that an object would take for an attribute of itself."""
    return None if target.origin.module == _PLAIN else _special(items[::2], ledger, _FILLING)


def is_open(value: Any) -> bool:
    """Return whether a value is an object whose attributes the pickle has chosen, so that any method may be theirs."""
    if not isinstance(value, Made) or not (value.built or (value.items and value.origin.module != _PLAIN)):
        return False
    module, name = value.origin.module, value.origin.name
    closed = any(module == room or module.startswith(f"{room}.") for room in _CLOSED)
    return not closed or name in _OPEN


def _keys(part: Any) -> Iterable[Any]:
    if isinstance(part, Box):
        return part.items[::2] if part.kind == "dict" else ()
    return _keys_of_made(part) if isinstance(part, Made) else ()


def _keys_of_made(part: Made) -> Iterator[Any]:
    yield from part.items[::2]
    for given in part.args:
        if isinstance(given, Box):
            # A dictionary, or pairs: either way its keys are among them.
            yield from (key for item in given.items for key in (item if isinstance(item, tuple) else (item,))[:1])


def _special(keys: Iterable[Any], ledger: Ledger, names: frozenset[str]) -> str | None:
    for count, key in enumerate(keys, 1):
        if not count & _OFTEN:
            ledger.visit(_OFTEN + 1)
        if isinstance(key, str):
            if is_special(key) or key in names:
                return key
        elif isinstance(key, Made) or (isinstance(key, Blob) and key.text):
            ledger.doubt("sets attributes whose names are computed")
    return None
