"""The events of one batch as columns, in which rules look for the texts that they need.

A column is made when the first rule asks for it, and shared by all rules and all tables that take the same events. A
rule asks about each different value once, and which rows have it is told only of values that some rule has asked for:
most columns hold nothing that any rule wants.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from caponier.telemetry.security_logs.fields import Fields, Scalar

_LONG_S: Final = "\u017f".encode()
_KELVIN: Final = "\u212a".encode()
_FEW: Final = 8
"""A column is not made for less than one in so many of its rows."""
_NONE: Final = type(None)


class Literal(NamedTuple):
    """A text that an event must have in a field, in lower case."""

    text: str
    whole: bool = True
    """Whether it is the whole value, or somewhere in it."""


ANY: Final = Literal("", whole=False)
"""Whatever is there at all."""
Either = dict[str, frozenset[Literal]]
"""Field to texts, of which an event has at least one in one of the fields."""
Derive = Callable[[Fields], str | None]
NOTHING: Final[Mapping[str, Derive]] = MappingProxyType({})


class SearchedRows:
    """The rows of one batch.

    Args:
        rows: The fields of each event.
        derived: Fields that no event has, and how to work them out; each has few different values.
    """

    def __init__(self, rows: Sequence[Fields], derived: Mapping[str, Derive] = NOTHING) -> None:
        self._rows = rows
        self._derived = {field: _Derived(rows, derive) for field, derive in derived.items()}
        self._columns: dict[str, _Column] = {}

    def having(self, either: Either, left: set[int] | None) -> set[int]:
        """Return the rows that have one of some texts, of all or of those that are left."""
        found: set[int] = set()
        for field, literals in either.items():
            derived = self._derived.get(field)
            if derived is not None:
                found |= derived.having(literals, left)
            elif left is not None and _FEW * len(left) < len(self._rows) and field not in self._columns:
                found.update(row for row in left if _has(self._rows[row].get(field), literals))
            else:
                found |= self._column(field).having(literals)
        return found if left is None else found & left

    def _column(self, field: str) -> "_Column":
        known = self._columns.get(field)
        if known is None:
            known = self._columns[field] = _Column([row.get(field) for row in self._rows])
        return known


class _Derived:
    """A field that is worked out, once for each row that some rule may still match."""

    def __init__(self, rows: Sequence[Fields], derive: Derive) -> None:
        self._rows, self._derive = rows, derive
        self._known: set[int] = set()
        self._having: dict[str | None, set[int]] = defaultdict(set)

    def having(self, literals: Iterable[Literal], left: set[int] | None) -> set[int]:
        """Return rows that have any of some texts: all such rows of those that are left, and maybe others."""
        fresh = (set(range(len(self._rows))) if left is None else left) - self._known
        for row in fresh:
            self._having[self._derive(self._rows[row])].add(row)
        self._known |= fresh
        return set().union(*(rows for value, rows in self._having.items() if _has(value, literals)))


def _has(value: Scalar | None, literals: Iterable[Literal]) -> bool:
    if value is None or type(value) is float:
        return value is not None
    text = str(value)
    return any(
        text.lower() == one.text if one.whole else not one.text or _plain(one.text) in _plain(text) for one in literals
    )


def _plain(text: str) -> bytes:
    """Return a text as bytes, of which only the letters of ASCII have a lower case, as in the database.

    The two letters beside ASCII that a regular expression without case takes for `s` and `k` become those: what has
    them is never ruled out.
    """
    plain = text.encode("utf-8", "surrogatepass").lower()
    return plain if text.isascii() else plain.replace(_LONG_S, b"s").replace(_KELVIN, b"k")


class _Column:
    """The values of one field in many rows, each different one once."""

    def __init__(self, values: list[Any]) -> None:
        kinds = set(map(type, values))
        self._open: set[int] = set()
        """Rows whose value the database may write in another way than we do."""
        if not kinds <= {str, _NONE}:
            self._open = {row for row, value in enumerate(values) if type(value) is float}
            values = [None if value is None or type(value) is float else str(value) for value in values]
        self._values: list[str | None] = values
        self._texts: list[str] = [text for text in set(values) if text is not None]
        self._rows: dict[str | None, list[int]] | None = None
        self._whole: dict[str, list[str]] | None = None
        self._joined: tuple[bytes, list[int]] | None = None

    def having(self, literals: Iterable[Literal]) -> set[int]:
        """Return the rows that have any of some texts."""
        found: set[str] = set()
        if self._texts:
            for literal in literals:
                if literal == ANY:
                    found.update(self._texts)
                else:
                    found.update(self._equal(literal.text) if literal.whole else self._with(literal.text))
        return self._open.union(*map(self._rows_of, found)) if found else set(self._open)

    def _rows_of(self, text: str) -> list[int]:
        if self._rows is None:
            self._rows = defaultdict(list)
            for row, value in enumerate(self._values):
                self._rows[value].append(row)
        return self._rows[text]

    def _equal(self, text: str) -> Sequence[str]:
        if self._whole is None:
            self._whole = defaultdict(list)
            for value in self._texts:
                self._whole[value.lower()].append(value)
        return self._whole.get(text, ())

    def _with(self, text: str) -> Iterator[str]:
        """Yield the values that have a text in them."""
        if self._joined is None:
            plain = [_plain(value) for value in self._texts]
            self._joined = b"\n".join(plain), [0, *accumulate(len(value) + 1 for value in plain)]
        joined, begins = self._joined
        wanted, at = _plain(text), 0
        while (at := joined.find(wanted, at)) >= 0:
            place = bisect_right(begins, at) - 1
            yield self._texts[place]
            at = begins[place + 1]
