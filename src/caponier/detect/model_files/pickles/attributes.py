"""Attributes that a pickle sets, and what they may stand in for.

Attributes of an object come before the methods of its class, and some classes look for attributes among their items.
So a state that brings `__class__`, `__setstate__` or `append` decides what runs next. No picklers writes one that does.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.values import Blob, Box, Global, Made

_FILLING: Final = frozenset({"append", "extend", "add"})
"""Methods that an unpickler looks up on an object itself."""
_HARMLESS: Final = frozenset({"__doc__", "__module__", "__name__", "__networkx_cache__", "__qualname__"})
"""Names that only tell something to people, or to their own library."""
_SCALAR: Final = "scalar"
"""Numpy's function that makes a single value, which may be a text."""
_NUMBERS: Final = re.compile(r"[biufcmM?]\d*")
"""Types of single values that are no text."""
_PLAIN: Final = "collections"
"""Items of Python's own containers are no attributes of theirs."""
_DTYPE: Final = Global("numpy", "dtype")
_ARRAY: Final = Global("numpy", "ndarray")
_ARRAY_PARTS, _TYPE_OF_ARRAY = 5, 2
_BUFFERED: Final = "_frombuffer"
_DATES: Final = "datetime"
_TENSORS: Final = frozenset({Global("torch._utils", "_rebuild_tensor"), Global("torch._utils", "_rebuild_tensor_v2")})
_DICT: Final = Global("builtins", "dict")
_CLOSED: Final = ("numpy", "pandas", "sklearn._loss", "_loss", "sklearn.tree")
"""Rooms of classes that are made in C, whose objects have no other attributes than their own."""
_OPEN: Final = frozenset({"DataFrame", "MaskedArray", "Series", "recarray", "record"})
"""Classes in these rooms of which this is not so."""
BYTES_IO: Final = Global("_io", "BytesIO")
_ELSEWHERE: Final = frozenset({"__numpys", "__recursive_saveloads", "__scipys"})
"""Attributes by which gensim's own loader reads on in files beside the model, one of them as a pickle."""
_OFTEN: Final = 15
_HOLDERS: Final = (tuple, Box, Made)
_TELLING: Final = (tuple, Box, Made, str, Blob)
"""What may be a key, or hold one."""


def is_special(name: str) -> bool:
    """Return whether an attribute of this name means something to Python itself; none of its own are in capitals."""
    framed = name.startswith("__") and name.endswith("__") and len(name) > 4
    return framed and name not in _HARMLESS and not name.isupper()


def special_key(state: Any, ledger: Ledger) -> str | None:
    """Return the first attribute of a state that means something to Python, and doubt names that are computed."""
    ledger.visit(len(state) if isinstance(state, tuple) else 1)
    for part in state if isinstance(state, tuple) else (state,):
        found = _special(_keys(part, ledger), ledger, frozenset())
        if found is not None:
            return found
    return None


def special_content(made: Made, ledger: Ledger) -> str | None:
    """Return the first key among all that an object was made of which it would take for an attribute of itself."""
    return None if made.origin.module == _PLAIN else _special(_keys_of_made(made, ledger), ledger, _FILLING)


def special_item(target: Made, items: list[Any], ledger: Ledger) -> str | None:
    """Return the first key among items that an object would take for an attribute of itself."""
    return None if target.origin.module == _PLAIN else _special(items[::2], ledger, _FILLING)


def is_open(value: Any) -> bool:
    """Return whether a value is an object whose attributes the pickle has chosen, so that any method may be theirs."""
    if isinstance(value, Made) and value.origin == BYTES_IO and held_bytes(value) is not None:
        return False
    if not isinstance(value, Made) or not (value.built or (value.items and value.origin.module != _PLAIN)):
        return False
    module, name = value.origin.module, value.origin.name
    closed = any(module == room or module.startswith(f"{room}.") for room in _CLOSED)
    return not closed or name in _OPEN


def held_bytes(value: Any) -> Blob | None:
    """Return the bytes of a file in memory that has these, a place in them, and no attributes; None if it is none."""
    if not isinstance(value, Made) or value.origin != BYTES_IO or value.args or value.items:
        return None
    state = value.state
    plain = isinstance(state, tuple) and len(state) == 3 and isinstance(state[1], int) and state[2] is None
    return state[0] if plain and isinstance(state[0], Blob) and not state[0].text else None


def runs(state: Any, names: tuple[str, ...], ledger: Ledger, *, deep: bool = True) -> str | None:
    """Return the first of these attributes for which a state brings something that can be called, or has methods.

    What is neither a table of Python's own nor an object that is closed may bring any of them. What is `deep` counts
    in containers as well: an array is made of all that a list holds.
    """
    for part in state if isinstance(state, tuple) else (state,):
        if isinstance(part, Made) and names and (part.items or _is_table(part)):
            return names[0]
        if isinstance(part, Box) and part.kind == "dict":
            for key, value in zip(part.items[::2], part.items[1::2], strict=False):
                if isinstance(key, str) and key in names and _acts(value, ledger, deep=deep):
                    return key
    return None


def _acts(value: Any, ledger: Ledger, *, deep: bool) -> bool:
    return isinstance(value, Global) or is_open(value) or (deep and first_open((value,), ledger) is not None)


def first_open(values: Iterable[Any], ledger: Ledger) -> Made | None:
    """Return the first object, among values and in their containers, whose attributes the pickle has chosen."""
    waiting, seen = list(values), set[int]()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Made):
            if is_open(value):
                return value
        elif isinstance(value, tuple | Box) and id(value) not in seen:
            seen.add(id(value))
            held = value.items if isinstance(value, Box) else value
            # Looked at anew each time, because a list may have been changed: a long one that is handed over again and
            # again would else cost seconds.
            ledger.visit(3 * len(held))
            waiting += [inner for inner in held if isinstance(inner, _HOLDERS)]
    return None


def elsewhere(state: Any, ledger: Ledger) -> list[Any]:
    """Return what a state says of files that a loader reads beside this one."""
    found = list[Any]()
    for part in state if isinstance(state, tuple) else (state,):
        if isinstance(part, Made):
            found += [key for key in _keys_of_made(part, ledger) if isinstance(key, str) and key in _ELSEWHERE]
        elif isinstance(part, Box) and part.kind == "dict":
            pairs = zip(part.items[::2], part.items[1::2], strict=False)
            found += [value for key, value in pairs if isinstance(key, str) and key in _ELSEWHERE]
    return found


def stay_beside(names: Any) -> bool:
    """Return whether these are names of files that lead to no other folder."""
    return isinstance(names, Box) and all(isinstance(name, str) and not {*name} & {*"/\\"} for name in names.items)


def set_by_code(state: Any, slots: tuple[str, ...]) -> str | None:
    """Return an attribute of a state, beside those in a table, that code of the class may set.

    An unpickler sets the second table of a state one by one, and a property of that name then runs, with methods that
    the first table may have replaced.
    """
    if not isinstance(state, tuple) or len(state) != 2:
        return None
    second = state[1]
    if isinstance(second, Made):
        return "?" if _is_table(second) else None
    if not isinstance(second, Box) or second.kind != "dict":
        return None
    return next((key if isinstance(key, str) else "?" for key in second.items[::2] if key not in slots), None)


def _is_table(made: Made) -> bool:
    return made.origin.module == _PLAIN or made.origin == _DICT or bool(made.items)


def _keys(part: Any, ledger: Ledger) -> Iterable[Any]:
    if isinstance(part, Box):
        return part.items[::2] if part.kind == "dict" else ()
    return _keys_of_made(part, ledger) if isinstance(part, Made) else ()


def _keys_of_made(part: Made, ledger: Ledger) -> Iterator[Any]:
    """Yield what may be a key of a dictionary that was made: what was added to it, and all that it was made of.

    A dictionary is made of another one, or of pairs in whatever holds pairs; so every text in there counts.
    """
    yield from part.items[::2]
    waiting, seen = [value for value in part.args if isinstance(value, _TELLING)], {id(part)}
    while waiting:
        value = waiting.pop()
        if isinstance(value, str | Blob):
            yield value
        elif id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, Made):
                if value.origin.name == _SCALAR and not _is_number(value):
                    yield value
                held = [*value.args, *value.items]
            else:
                held = list(value) if isinstance(value, tuple) else value.items
            ledger.visit(len(held))
            waiting += [inner for inner in held if isinstance(inner, _TELLING)]


def are_numbers(value: Any) -> bool:
    """Return whether a value is a date, or a number or an array of numpy's or torch's that holds only numbers."""
    if not isinstance(value, Made) or value.items:
        return False
    if value.origin.module == _DATES or value.origin in _TENSORS:
        return not value.built
    if value.origin.name == _SCALAR:
        return _is_number(value)
    if value.origin.name == _BUFFERED:
        return len(value.args) > 1 and _is_numeric(value.args[1])
    whole = value.origin == _ARRAY and isinstance(value.state, tuple) and len(value.state) == _ARRAY_PARTS
    return whole and _is_numeric(value.state[_TYPE_OF_ARRAY])


def _is_number(scalar: Made) -> bool:
    return bool(scalar.args) and _is_numeric(scalar.args[0])


def _is_numeric(dtype: Any) -> bool:
    name = dtype.args[0] if isinstance(dtype, Made) and dtype.origin == _DTYPE and dtype.args else None
    return isinstance(name, str) and _NUMBERS.fullmatch(name) is not None


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
